// A client's connection, and the deadline of what the client has to do next.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/event_loop.hpp"
#include "base/ip_address.hpp"
#include "http/exchange_context.hpp"
#include "http/head_watch.hpp"
#include "http/http_types.hpp"
#include "http/tls_credentials.hpp"

struct MHD_Connection;

namespace audit::httpd {

struct HttpConnection {
  ExchangeContext& context;
  int socket;
  IpAddress address;
  std::string address_text;
  TlsCredentialsPtr tls;                                   // null: plain HTTP
  Clock::time_point deadline;                              // of what the client has to do next
  Clock::time_point closed_at = Clock::time_point::max();  // by the client
  MhdExchange* exchange = nullptr;                         // the request under way
  std::optional<ClientCertificate> client_certificate = std::nullopt;
  HeadWatch head_watch{};
  std::size_t heads = 0;  // that the library has found
  bool had_request = false;
  bool is_answered_by_library = false;  // the request under way

  // Null where the library has lost it, for want of memory.
  static HttpConnection* of(MHD_Connection* connection);

  void request_begins(MhdExchange* begun);
  void request_has_arrived();
  void answer_begins(std::size_t size);
  void request_ends();
};

}  // namespace audit::httpd
