#include "http/server_timing.hpp"

#include <spdlog/fmt/fmt.h>

namespace audit::httpd {

std::string server_timing(const RequestRecord& record) {
  std::string value;
  const auto add = [&](const char* name, const RequestRecord::Duration& duration) {
    if (!duration) return;
    const double ms = std::chrono::duration<double, std::milli>(*duration).count();
    value.append(fmt::format("{}{};dur={:.3f}", value.empty() ? "" : ", ", name, ms));
  };
  add("auth", record.auth);
  add("queue", record.queue);
  add("db", record.database);
  return value;
}

}  // namespace audit::httpd
