// The daemon's counters and times in Prometheus' text format. metrics.cpp is the only file that includes
// prometheus-cpp. docs/operations.md lists the metrics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "auth/principal_cache.hpp"
#include "db/pg_pool.hpp"
#include "http/http_types.hpp"
#include "watch/maintenance_watch.hpp"

namespace audit::httpd {

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // A request that is over, the reason for its rejection included.
  void count(const RequestRecord& record);
  void count_reload(bool is_good);

  // Values that are looked up only for a scrape.
  struct State {
    PgPool::Use pool;
    PrincipalCache::Use principals;
    std::size_t http_connections;
    std::optional<MaintenanceStatus> maintenance;
  };
  std::string text(const State& state);

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace audit::httpd
