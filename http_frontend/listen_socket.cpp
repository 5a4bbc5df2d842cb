#include "listen_socket.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace audit::httpd {
namespace {

constexpr int backlog = 1024;

[[noreturn]] void fail(const std::string& setting, const ListenAddress& address, const char* why) {
  throw ConfigProblem("--" + setting + ": " + address.host + ":" + address.port + ": " + why);
}

}  // namespace

UniqueFd open_listen_socket(const std::string& setting, const ListenAddress& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found);
  if (error != 0) fail(setting, address, gai_strerror(error));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);

  UniqueFd socket(::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (!socket || bind(socket.get(), found->ai_addr, found->ai_addrlen) != 0 || ::listen(socket.get(), backlog) != 0) {
    fail(setting, address, std::strerror(errno));
  }
  return socket;
}

std::string url_of(const UniqueFd& socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  getnameinfo(reinterpret_cast<sockaddr*>(&address), size, host.data(), host.size(), port.data(), port.size(),
              NI_NUMERICHOST | NI_NUMERICSERV);
  const bool is_ipv6 = address.ss_family == AF_INET6;
  return std::string("http://") + (is_ipv6 ? "[" : "") + host.data() + (is_ipv6 ? "]" : "") + ":" + port.data();
}

}  // namespace audit::httpd
