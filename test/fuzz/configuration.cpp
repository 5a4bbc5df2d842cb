// The file of settings, and what listen may be.
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <string>

#include "base/listen_socket.hpp"
#include "base/unique_fd.hpp"
#include "fuzz.hpp"
#include "settings/config.hpp"

namespace {

using namespace audit::httpd;
using audit::fuzz::require;

void require_one_line(const ConfigProblem& problem) {
  const std::string_view text = problem.what();
  require(!text.empty() && text.find('\n') == std::string_view::npos);
}

void read_file(const std::string& path) {
  const std::array<const char*, 3> arguments{"audit_httpd", "--config", path.c_str()};
  try {
    const auto read = read_config(arguments.size(), arguments.data());
    if (const auto* config = std::get_if<Config>(&read)) {
      require(config->pool.size >= 1 && config->pool.size <= 1000 &&
              config->pool.session.statement_timeout.count() >= 1);
      require(config->http.body_bytes <= 10'485'760 && config->principal_requests_per_s <= 1'000'000);
      require(!parse_listen(config->listen).host.empty());
    }
  } catch (const ConfigProblem& problem) {
    require_one_line(problem);
  }
}

void read_address(const std::string& text) {
  try {
    const ListenAddress address = parse_listen(text);
    require(!address.host.empty() && !address.port.empty() && std::stoi(address.port) <= 65535);
  } catch (const ConfigProblem&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const UniqueFd file(memfd_create("configuration", MFD_CLOEXEC));
  require(ftruncate(file.get(), 0) == 0 && pwrite(file.get(), data, size, 0) == static_cast<ssize_t>(size));
  read_file("/proc/self/fd/" + std::to_string(file.get()));
  read_address(std::string(audit::fuzz::as_text(data, size)));
  return 0;
}
