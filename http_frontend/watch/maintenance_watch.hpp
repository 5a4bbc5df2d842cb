// The state of partitions and retention (audit_status), for /metrics and /readyz of the admin listener.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "db/pg_pool.hpp"
#include "db/query.hpp"

namespace audit::httpd {

struct MaintenanceStatus {
  bool is_behind = false;
  std::int64_t default_events = 0;  // counted up to 1000
  std::int64_t holds = 0;
  std::int64_t bytes = 0;
  std::optional<std::int64_t> last_success;  // seconds since 1970; nothing: never
  std::optional<std::int64_t> oldest_event;  // likewise; nothing: there are none
};

PreparedStatement maintenance_statement();

// Asks the database on demand, at most every 15 seconds.
class MaintenanceWatch {
 public:
  explicit MaintenanceWatch(PgPool& pool) : pool_(pool) {}

  // The last answer; nothing: there was none, or it failed. No caller waits for a newer one.
  const std::optional<MaintenanceStatus>& status();

 private:
  void look();

  PgPool& pool_;
  std::optional<Clock::time_point> looked_at_;
  std::optional<MaintenanceStatus> status_;
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
};

}  // namespace audit::httpd
