// What systemd does with a service: hands it sockets, hears of its state, and watches that it lives. Where systemd did
// not start the daemon, nothing here does anything. service_manager.cpp is the only file that includes
// systemd/sd-daemon.h.
#pragma once

#include <map>
#include <string>

#include "base/event_loop.hpp"
#include "base/unique_fd.hpp"

namespace audit::httpd {

// The listening sockets that systemd opened for us, by the FileDescriptorName= of their socket units. Throws
// ConfigProblem where one of them is not of use. REQUIRES: called once, before any thread starts.
std::map<std::string, UniqueFd> take_passed_sockets();

// `status` is what systemctl status shows.
void notify_ready(const std::string& status);
void notify_reloading();  // notify_ready() must follow
void notify_stopping();

// If the service has WatchdogSec=, tells systemd twice in that time that the loop turns.
void feed_watchdog(EventLoop& loop);

}  // namespace audit::httpd
