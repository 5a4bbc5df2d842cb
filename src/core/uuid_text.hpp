// UUIDs as people and programs write them.
#pragma once

#include <optional>
#include <string_view>

#include "core_only.hpp"
#include "uuid_v7.hpp"

namespace audit {

// The usual form with hyphens, or 32 hexadecimal digits; letters in any case.
std::optional<Uuid> parse_uuid(std::string_view text) noexcept;

constexpr std::size_t uuid_text_size = 36;

// Writes the form with hyphens, lower case; returns the end.
char* write_uuid(char* out, const std::uint8_t* id) noexcept;

}  // namespace audit
