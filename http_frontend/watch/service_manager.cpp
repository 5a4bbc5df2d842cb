#include "watch/service_manager.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "base/config_problem.hpp"

namespace audit::httpd {
namespace {

struct FreeNames {
  void operator()(char** names) const {
    for (char** name = names; name != nullptr && *name != nullptr; ++name) free(*name);
    free(names);
  }
};

void check_socket(int descriptor, const std::string& name) {
  if (sd_is_socket_inet(descriptor, AF_UNSPEC, SOCK_STREAM, 1, 0) <= 0) {
    throw ConfigProblem("the socket \"" + name + "\" of systemd is no listening TCP socket; use ListenStream=");
  }
  fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
}

void feed_after(EventLoop& loop, std::chrono::microseconds interval) {
  loop.call_after(interval, [&loop, interval] {
    sd_notify(0, "WATCHDOG=1");
    feed_after(loop, interval);
  });
}

}  // namespace

std::map<std::string, UniqueFd> take_passed_sockets() {
  char** listed = nullptr;
  const int count = sd_listen_fds_with_names(1, &listed);
  const std::unique_ptr<char*, FreeNames> names(listed);
  if (count < 0) throw ConfigProblem(std::string("LISTEN_FDS in the environment: ") + std::strerror(-count));
  std::map<std::string, UniqueFd> sockets;
  for (int i = 0; i < count; ++i) {
    UniqueFd socket(SD_LISTEN_FDS_START + i);
    const std::string name = names.get()[i];
    check_socket(socket.get(), name);
    if (!sockets.emplace(name, std::move(socket)).second) {
      throw ConfigProblem("systemd hands over more than one socket \"" + name +
                          "\"; leave one ListenStream=, such as [::]:8080 for IPv6 and IPv4");
    }
  }
  return sockets;
}

void notify_ready(const std::string& status) { sd_notify(0, ("READY=1\nSTATUS=" + status).c_str()); }

void notify_reloading() { sd_notify(0, "RELOADING=1"); }

void notify_stopping() { sd_notify(0, "STOPPING=1\nSTATUS=finishing the requests under way"); }

void feed_watchdog(EventLoop& loop) {
  std::uint64_t limit_us = 0;
  if (sd_watchdog_enabled(0, &limit_us) > 0) feed_after(loop, std::chrono::microseconds(limit_us / 2));
}

}  // namespace audit::httpd
