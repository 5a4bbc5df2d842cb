#include "endpoints/handle_get_metrics.hpp"

namespace audit::httpd {

void handle_get_metrics(const ExchangePtr& exchange, Metrics& metrics, const Metrics::State& state) {
  exchange->respond({200, {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}}, Body(metrics.text(state))});
}

}  // namespace audit::httpd
