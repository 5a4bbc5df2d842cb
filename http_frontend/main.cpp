// audit_httpd: reads its settings, checks them, and runs. Exit codes: 0 normal, 2 a wrong setting, 1 anything else.
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>

#include "application.hpp"
#include "base/blocking_calls.hpp"
#include "settings/settings.hpp"
#include "watch/log.hpp"
#include "watch/service_manager.hpp"

namespace {

using namespace audit::httpd;

// Before any thread starts, so that all of them inherit it.
void prepare_process() {
  signal(SIGPIPE, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  // Pages come and go by the thousand: giving their memory back to the system each time would cost more than they do.
  mallopt(M_TRIM_THRESHOLD, 4 * 1024 * 1024);
  mallopt(M_MMAP_THRESHOLD, 1024 * 1024);
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
}

// `read` reads the settings: now, and again at each SIGHUP.
int serve(Config first, const std::function<Config()>& read) {
  Settings settings = load_settings(std::move(first));
  const Config config = settings.config;
  if (config.check_only) return 0;
  set_up_log(config.log_level, config.log_format == "json");
  if (geteuid() == 0) spdlog::warn("running as root is not needed; use a user of its own");
  prepare_process();
  try {
    Application(std::move(settings), read, take_passed_sockets()).run();
  } catch (const ConfigProblem& problem) {
    throw config.with_origin(problem);
  }
  return 0;
}

int run(int argc, char** argv) {
  try {
    const auto read = read_config(argc, argv);
    if (const auto* information = std::get_if<Information>(&read)) {
      std::cout << information->text;
      return 0;
    }
    return serve(std::get<Config>(read), [&] { return std::get<Config>(read_config(argc, argv)); });
  } catch (const ConfigProblem& problem) {
    std::cerr << "audit_httpd: " << problem.what() << '\n';
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "audit_httpd: " << error.what() << '\n';
    return 1;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int status = run(argc, argv);
  if (BlockingCalls::has_left_calls_behind()) std::_Exit(status);
  return status;
}
