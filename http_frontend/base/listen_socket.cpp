#include "base/listen_socket.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/config_problem.hpp"

namespace audit::httpd {
namespace {

constexpr int backlog = 1024;

[[noreturn]] void fail(const std::string& setting, const ListenAddress& address, const char* why) {
  throw ConfigProblem("--" + setting + ": " + address.host + ":" + address.port + ": " + why);
}

using AddressList = std::unique_ptr<addrinfo, void (*)(addrinfo*)>;

AddressList resolve(const std::string& setting, const ListenAddress& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found);
  if (error != 0) fail(setting, address, gai_strerror(error));
  return {found, freeaddrinfo};
}

bool is_loopback(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    return (ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr) >> 24) == IN_LOOPBACKNET;
  }
  return address->sa_family == AF_INET6 &&
         IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr);
}

constexpr const char* plain_hint =
    "is no loopback address, and there is no TLS on it; set --tls-certificate-file and --tls-key-file (not for "
    "--admin-listen), or --plain-http=anywhere";

}  // namespace

void refuse_public_address(const std::string& setting, const ListenAddress& address) {
  if (!is_loopback(resolve(setting, address)->ai_addr)) fail(setting, address, plain_hint);
}

void refuse_public_socket(const std::string& setting, const UniqueFd& socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  if (!is_loopback(reinterpret_cast<const sockaddr*>(&address))) {
    throw ConfigProblem("--" + setting + ": " + url_of(socket, "http") + ", a socket of systemd's, " + plain_hint);
  }
}

ListenAddress parse_listen(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  std::string host = text.substr(0, colon == std::string::npos ? 0 : colon);
  std::string port = colon == std::string::npos ? "" : text.substr(colon + 1);
  const bool is_bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (is_bracketed) host = host.substr(1, host.size() - 2);
  const bool is_number = !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == std::string::npos;
  if (host.empty() || (!is_bracketed && host.find(':') != std::string::npos) || !is_number || std::stoi(port) > 65535) {
    throw ConfigProblem("\"" + text + "\" is not HOST:PORT or [IPV6]:PORT with a port up to 65535");
  }
  return {host, port};
}

UniqueFd open_listen_socket(const std::string& setting, const ListenAddress& address) {
  const AddressList found = resolve(setting, address);
  UniqueFd socket(::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (!socket || bind(socket.get(), found->ai_addr, found->ai_addrlen) != 0 || ::listen(socket.get(), backlog) != 0) {
    fail(setting, address, std::strerror(errno));
  }
  return socket;
}

std::string url_of(const UniqueFd& socket, const char* scheme) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  getnameinfo(reinterpret_cast<sockaddr*>(&address), size, host.data(), host.size(), port.data(), port.size(),
              NI_NUMERICHOST | NI_NUMERICSERV);
  const bool is_ipv6 = address.ss_family == AF_INET6;
  return std::string(scheme) + "://" + (is_ipv6 ? "[" : "") + host.data() + (is_ipv6 ? "]" : "") + ":" + port.data();
}

}  // namespace audit::httpd
