// Whether bytes are text that a UTF-8 database can hold.
#pragma once

#include <string_view>

#include "core_only.hpp"

namespace audit {

// Well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF) without U+0000.
bool is_valid_utf8(std::string_view text) noexcept;

}  // namespace audit
