// What all exchanges of a server share. They know nothing else of it.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "base/blocking_calls.hpp"
#include "http/http_limits.hpp"
#include "http/memory_budget.hpp"
#include "http/request_handler.hpp"
#include "http/request_id.hpp"

namespace audit::httpd {

class MhdExchange;

struct ExchangeContext {
  ExchangeContext(EventLoop& loop, RequestHandler& request_handler, HttpLimits first_limits)
      : handler(request_handler), limits(std::move(first_limits)), memory(limits), compressions(loop) {}

  RequestHandler& handler;
  HttpLimits limits;
  MemoryBudget memory;
  RequestIds request_ids;
  bool has_server_timing = false;  // responses to authenticated callers show how long each stage took
  bool is_stopping = false;
  std::size_t open_requests = 0;  // that have arrived whole and are unanswered
  // For the library: that it has to run, and what is to be suspended when it has.
  bool run_needed = true;
  std::vector<std::shared_ptr<MhdExchange>> to_suspend;
  BlockingCalls compressions;  // the last: what it keeps uses the others
};

}  // namespace audit::httpd
