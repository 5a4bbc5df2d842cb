#include "watch/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <limits>
#include <map>
#include <utility>

#include "base/version.hpp"

namespace audit::httpd {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::Registry;

Family<Counter>& counters(Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

Family<Gauge>& gauges(Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

// Prometheus' way to say that a value is not known.
constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

double seconds(RequestRecord::Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

// Sets a counter to a total that is counted elsewhere.
void raise_to(Counter& counter, std::uint64_t total) {
  counter.Increment(static_cast<double>(total) - counter.Value());
}

}  // namespace

struct Metrics::Families {
  Registry registry;
  Family<Counter>& requests = counters(registry, "audit_httpd_requests_total", "Requests by route and status code.");
  Family<Counter>& rejected = counters(registry, "audit_httpd_rejected_total", "Requests turned away, and why.");
  Family<Histogram>& stages = prometheus::BuildHistogram()
                                  .Name("audit_httpd_stage_duration_seconds")
                                  .Help("Time that requests spent in each stage.")
                                  .Register(registry);
  Family<Counter>& lookups = counters(registry, "audit_httpd_principal_cache_lookups_total",
                                      "Credentials looked up among the remembered ones.");
  Family<Counter>& reloads = counters(registry, "audit_httpd_reloads_total", "SIGHUPs, by how they went.");
  Family<Gauge>& pool = gauges(registry, "audit_httpd_pool_connections", "Database connections.");

  Gauge& waiting =
      gauges(registry, "audit_httpd_pool_waiting_requests", "Requests that wait for a database connection.").Add({});
  Gauge& remembered =
      gauges(registry, "audit_httpd_principal_cache_entries", "Credentials remembered at present.").Add({});
  Gauge& connections = gauges(registry, "audit_httpd_http_connections", "Open HTTP connections.").Add({});
  Gauge& is_behind =
      gauges(registry, "audit_trail_is_behind", "1: partitions or retention need attention, see audit_status.").Add({});
  Gauge& default_events =
      gauges(registry, "audit_trail_default_events", "Events without a partition of their own, up to 1000.").Add({});
  Gauge& holds = gauges(registry, "audit_trail_holds", "Legal holds in force.").Add({});
  Gauge& bytes = gauges(registry, "audit_trail_bytes", "Size of all partitions with their indexes.").Add({});
  Gauge& last_success = gauges(registry, "audit_trail_last_maintenance_timestamp_seconds",
                               "When audit_maintain() last did all there was to do.")
                            .Add({});
  Gauge& oldest_event =
      gauges(registry, "audit_trail_oldest_event_timestamp_seconds", "created_at of the oldest event.").Add({});
  Gauge& in_use = pool.Add({{"state", "in_use"}});
  Gauge& idle = pool.Add({{"state", "idle"}});
  Counter& hits = lookups.Add({{"result", "hit"}});
  Counter& misses = lookups.Add({{"result", "miss"}});
  Counter& good_reloads = reloads.Add({{"result", "ok"}});
  Counter& bad_reloads = reloads.Add({{"result", "failed"}});
  Histogram& auth = stage("auth");
  Histogram& queue = stage("queue");
  Histogram& database = stage("database");
  Histogram& send = stage("send");
  Histogram& total = stage("total");

  // Labels are looked up by text, so what was found is kept: the routes and codes are few.
  std::map<std::pair<std::string_view, int>, Counter*> by_route;

  Histogram& stage(const char* name) {
    return stages.Add({{"stage", name}}, Histogram::BucketBoundaries{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
                                                                     0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10});
  }

  void set(const std::optional<MaintenanceStatus>& status) {
    const auto value = [&](auto of_status) { return status ? static_cast<double>(of_status(*status)) : unknown; };
    const auto time = [](const std::optional<std::int64_t>& at) { return at ? static_cast<double>(*at) : unknown; };
    is_behind.Set(value([](const auto& s) { return s.is_behind; }));
    default_events.Set(value([](const auto& s) { return s.default_events; }));
    holds.Set(value([](const auto& s) { return s.holds; }));
    bytes.Set(value([](const auto& s) { return s.bytes; }));
    last_success.Set(value([&](const auto& s) { return time(s.last_success); }));
    oldest_event.Set(value([&](const auto& s) { return time(s.oldest_event); }));
  }

  Counter& requests_of(std::string_view route, int status) {
    Counter*& counter = by_route[{route, status}];
    if (counter == nullptr) {
      counter =
          &requests.Add({{"route", route.empty() ? "none" : std::string(route)}, {"code", std::to_string(status)}});
    }
    return *counter;
  }
};

Metrics::Metrics() : families_(std::make_unique<Families>()) {
  gauges(families_->registry, "audit_httpd_build_info", "Always 1; the version is a label.")
      .Add({{"version", version}, {"compiler", __VERSION__}})
      .Set(1);
}

Metrics::~Metrics() = default;

void Metrics::count(const RequestRecord& record) {
  Families& to = *families_;
  to.requests_of(record.route, record.status).Increment();
  if (!record.rejection.empty()) to.rejected.Add({{"reason", std::string(record.rejection)}}).Increment();
  if (record.auth) to.auth.Observe(seconds(*record.auth));
  if (record.queue) to.queue.Observe(seconds(*record.queue));
  if (record.database) to.database.Observe(seconds(*record.database));
  if (record.send) to.send.Observe(seconds(*record.send));
  if (record.total) to.total.Observe(seconds(*record.total));
}

void Metrics::count_reload(bool is_good) { (is_good ? families_->good_reloads : families_->bad_reloads).Increment(); }

std::string Metrics::text(const State& state) {
  Families& to = *families_;
  to.in_use.Set(static_cast<double>(state.pool.in_use));
  to.idle.Set(static_cast<double>(state.pool.idle));
  to.waiting.Set(static_cast<double>(state.pool.waiting));
  to.remembered.Set(static_cast<double>(state.principals.entries));
  to.connections.Set(static_cast<double>(state.http_connections));
  to.set(state.maintenance);
  raise_to(to.hits, state.principals.hits);
  raise_to(to.misses, state.principals.misses);
  return prometheus::TextSerializer().Serialize(to.registry.Collect());
}

}  // namespace audit::httpd
