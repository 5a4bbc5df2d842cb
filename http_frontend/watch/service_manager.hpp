// The protocols of systemd: sockets that it passes, the state of the service, and the watchdog. Without systemd nothing
// here has an effect. service_manager.cpp is the only file that includes systemd/sd-daemon.h.
#pragma once

#include <map>
#include <string>

#include "base/event_loop.hpp"
#include "base/unique_fd.hpp"

namespace audit::httpd {

// The listening sockets that systemd opened, by the FileDescriptorName= of their socket units. Throws ConfigProblem if
// one of them cannot be used. REQUIRES: called once, before any thread starts.
std::map<std::string, UniqueFd> take_passed_sockets();

// `status` is what systemctl status shows.
void notify_ready(const std::string& status);
void notify_reloading();  // notify_ready() must follow
void notify_stopping();

// If the service has WatchdogSec=, reports to systemd twice in that time that the loop turns.
void feed_watchdog(EventLoop& loop);

}  // namespace audit::httpd
