// An amount of memory, which settings have in megabytes.
#pragma once

#include <cstddef>

namespace audit::httpd {

struct MemorySize {
  std::size_t bytes = 0;

  static constexpr MemorySize megabytes(std::size_t count) { return {count * 1024 * 1024}; }
  constexpr std::size_t in_megabytes() const { return bytes / 1024 / 1024; }
};

}  // namespace audit::httpd
