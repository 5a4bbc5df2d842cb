// GET /metrics, on the admin listener.
#pragma once

#include "http/http_types.hpp"
#include "watch/metrics.hpp"

namespace audit::httpd {

void handle_get_metrics(const ExchangePtr& exchange, Metrics& metrics, const Metrics::State& state);

}  // namespace audit::httpd
