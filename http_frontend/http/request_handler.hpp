// What the HTTP side asks of the application.
#pragma once

#include <cstddef>
#include <functional>

#include "http/http_types.hpp"

namespace audit::httpd {

class RequestHandler {
 public:
  virtual ~RequestHandler() = default;

  // How large the body of a request may be, of which only the head is there.
  virtual std::size_t max_body_bytes(const Request& request) const = 0;
  // Only the head is there. Calls `admitted` when more of the body may be read, or responds; then or later.
  virtual void admit(const ExchangePtr& exchange, std::function<void()> admitted) const noexcept = 0;
  // Responds, then or later.
  virtual void dispatch(const ExchangePtr& exchange) const noexcept = 0;
  // A request is over: its response was sent, or the client has gone (status 499).
  virtual void finished(const Request& request, const RequestRecord& record) const = 0;
};

}  // namespace audit::httpd
