// Reads the files that settings name.
#pragma once

#include <string>

#include "base/config_problem.hpp"

namespace audit::httpd {

// All throw ConfigProblem if the file is not a regular one or cannot be read. Only the owner may read a private file,
// and the owner is this process's user. Or the file is root's, and its group may read it.
std::string read_file(const std::string& setting, const std::string& path);
std::string read_private_file(const std::string& setting, const std::string& path);
// The secret for own tokens: private, at least 32 bytes, not counting a line end after them.
std::string read_secret_file(const std::string& path);

}  // namespace audit::httpd
