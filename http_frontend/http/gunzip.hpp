// Unpacks gzip (RFC 1952): members one behind the other, each with its checksum, and nothing else.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace audit::httpd {

enum class GunzipFault { damaged, cut_short, too_large, no_memory };

// How many bytes the members hold together. Checks all of them, and keeps none.
std::variant<std::size_t, GunzipFault> gunzipped_size(std::string_view packed, std::size_t max_size);

// Nothing where memory fails. REQUIRES: `size` is what gunzipped_size() returned.
std::optional<std::string> gunzip(std::string_view packed, std::size_t size);

}  // namespace audit::httpd
