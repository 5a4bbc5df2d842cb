// The socket that the daemon listens on.
#pragma once

#include <string>

#include "base/unique_fd.hpp"

namespace audit::httpd {

struct ListenAddress {
  std::string host;
  std::string port;
};
// `127.0.0.1:8080` or `[::1]:8080`. Throws ConfigProblem.
ListenAddress parse_listen(const std::string& text);

// Listens on the first address that the host has. Throws ConfigProblem, naming `setting`.
UniqueFd open_listen_socket(const std::string& setting, const ListenAddress& address);

// Throws ConfigProblem, naming `setting`, unless the address belongs to this machine's own network (127.0.0.0/8, ::1).
void refuse_public_address(const std::string& setting, const ListenAddress& address);
// The same for a socket that another process has opened.
void refuse_public_socket(const std::string& setting, const UniqueFd& socket);

// `http://127.0.0.1:8080`, as it was bound.
std::string url_of(const UniqueFd& socket, const char* scheme);

}  // namespace audit::httpd
