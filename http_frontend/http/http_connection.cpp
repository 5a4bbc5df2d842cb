#include "http/http_connection.hpp"

#include <microhttpd.h>

#include <utility>

namespace audit::httpd {

HttpConnection* HttpConnection::of(MHD_Connection* connection) {
  const MHD_ConnectionInfo* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info == nullptr ? nullptr : static_cast<HttpConnection*>(info->socket_context);
}

void HttpConnection::request_begins(MhdExchange* begun) {
  exchange = begun;
  // The time for the first request runs since the connection began.
  if (std::exchange(had_request, true)) deadline = Clock::now() + context.limits.receive_timeout;
}

void HttpConnection::request_has_arrived() { deadline = Clock::time_point::max(); }

void HttpConnection::answer_begins(std::size_t size) {
  const std::chrono::seconds at_slowest(size / context.limits.answer_bytes_per_s);
  deadline = Clock::now() + context.limits.receive_timeout + at_slowest;
}

void HttpConnection::request_ends() {
  exchange = nullptr;
  deadline = Clock::now() + context.limits.idle_timeout;
}

}  // namespace audit::httpd
