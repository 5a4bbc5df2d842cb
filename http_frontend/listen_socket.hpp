// The socket that the daemon listens on.
#pragma once

#include <string>

#include "config.hpp"
#include "unique_fd.hpp"

namespace audit::httpd {

// Listens on the first address that the host has. Throws ConfigProblem, naming `setting`.
UniqueFd open_listen_socket(const std::string& setting, const ListenAddress& address);

// `http://127.0.0.1:8080`, as it was bound.
std::string url_of(const UniqueFd& socket);

}  // namespace audit::httpd
