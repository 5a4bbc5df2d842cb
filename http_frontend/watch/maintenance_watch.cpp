#include "watch/maintenance_watch.hpp"

namespace audit::httpd {
namespace {

constexpr std::chrono::seconds interval{15};

constexpr const char* status_sql =
    "SELECT is_behind::int, default_events, holds, bytes::bigint,"
    " pg_catalog.floor(EXTRACT(epoch FROM last_success))::bigint,"
    " pg_catalog.floor(EXTRACT(epoch FROM oldest_event))::bigint FROM @schema@.audit_read_status()";

std::optional<MaintenanceStatus> status_of(const QueryOutcome& outcome) {
  const auto* result = std::get_if<PgResult>(&outcome);
  if (result == nullptr || result->row_count() == 0) return std::nullopt;
  return MaintenanceStatus{result->integer(0, 0).value_or(0) != 0,
                           result->integer(0, 1).value_or(0),
                           result->integer(0, 2).value_or(0),
                           result->integer(0, 3).value_or(0),
                           result->integer(0, 4),
                           result->integer(0, 5)};
}

}  // namespace

PreparedStatement maintenance_statement() { return {"maintenance", status_sql, {}}; }

const std::optional<MaintenanceStatus>& MaintenanceWatch::status() {
  // Requests come first: with all connections at work, the next one who asks may look.
  if ((!looked_at_ || Clock::now() - *looked_at_ >= interval) && pool_.use().idle != 0) look();
  return status_;
}

void MaintenanceWatch::look() {
  looked_at_ = Clock::now();
  pool_.run({{"maintenance", {}}}, Lane::normal, nullptr,
            [this, is_alive = std::weak_ptr<bool>(is_alive_)](QueryOutcome outcome) {
              if (!is_alive.expired()) status_ = status_of(outcome);
            });
}

}  // namespace audit::httpd
