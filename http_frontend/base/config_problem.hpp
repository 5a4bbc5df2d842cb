// Why the daemon cannot run with the settings that it was given.
#pragma once

#include <stdexcept>

namespace audit::httpd {

// What is wrong, in one line that names the setting and where it comes from.
class ConfigProblem : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace audit::httpd
