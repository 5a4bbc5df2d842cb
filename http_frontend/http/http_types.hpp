// Requests and responses as the daemon's own code sees them: no type of a library.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ip_address.hpp"

namespace audit::httpd {

// The limit of a body without credentials. A log-in fits, and so does any request but those that record events.
constexpr std::size_t small_body_bytes = 16 * 1024;

// Who a client is by the certificate that it showed and that was verified.
struct ClientCertificate {
  std::string name;            // the subject's common name; empty: not exactly one, or no plain text
  std::int64_t expires_s = 0;  // Unix time
};

// The views stay valid until the response was sent.
struct Request {
  std::string method;
  std::string path;            // raw, without query and fragment
  std::string query;           // raw, without '?' and fragment
  std::string id;              // X-Request-ID: the caller's if sane, else made
  std::string client_address;  // numeric, without port; behind our proxies the one that they name
  IpAddress client_group;      // what limits count that client as
  std::string body;
  std::size_t max_body_bytes = 0;  // that the route and the settings allow
  std::string prefer;              // all Prefer headers, joined by commas
  std::string content_encoding;    // likewise
  std::string_view authorization;  // empty: not sent
  std::string_view api_key;
  std::string_view content_type;
  std::string_view idempotency_key;
  const ClientCertificate* client_certificate = nullptr;  // null: none; lives as long as the connection
};

// Bytes and their owner (a string, a result of the database, or none for static bytes), passed on without a copy.
class Body {
 public:
  using Owner = std::unique_ptr<void, void (*)(void*)>;

  Body() : Body(std::string_view()) {}
  // `static_bytes` must live as long as the program.
  explicit Body(std::string_view static_bytes) : bytes_(static_bytes), owner_(nullptr, [](void*) {}) {}
  explicit Body(std::string text)
      : owner_(new std::string(std::move(text)), [](void* owned) { delete static_cast<std::string*>(owned); }) {
    bytes_ = *static_cast<std::string*>(owner_.get());
  }
  Body(std::string_view bytes, Owner owner) : bytes_(bytes), owner_(std::move(owner)) {}

  std::string_view bytes() const { return bytes_; }
  Owner release_owner() { return std::move(owner_); }

 private:
  std::string_view bytes_;
  Owner owner_;
};

struct Header {
  const char* name;  // a literal
  std::string value;
};

struct Response {
  int status = 200;
  std::vector<Header> headers;
  Body body;
  // Why the request was turned away through no fault of its own, for log and metrics: `overloaded`, say. Else empty.
  std::string_view rejection = {};
};

struct Principal;

// What log, metrics and Server-Timing show of a request; filled in on its way. Where a stage did not happen it has no
// duration.
struct RequestRecord {
  using Clock = std::chrono::steady_clock;
  using Duration = std::optional<Clock::duration>;

  std::string_view route;  // the path's pattern in the table of routes; empty: no such path
  std::shared_ptr<const Principal> principal;
  int status = 0;
  std::size_t body_bytes = 0;
  std::string_view rejection;
  Clock::time_point begun = Clock::now();
  Duration auth;   // until the principal was known, with its query where there was one
  Duration queue;  // until a database connection was free
  std::optional<Clock::time_point> query_begun;
  Duration database;  // from then until the response was given
  Duration send;      // from then until its last byte was with the system
  Duration total;
};

// One request and the place where its response goes, then or later.
class Exchange {
 public:
  virtual ~Exchange() = default;
  Exchange() = default;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  const Request& request() const { return request_; }
  RequestRecord& record() { return record_; }
  // REQUIRES: called exactly once, on the loop's thread.
  virtual void respond(Response response) = 0;

  // For more of the body, until the exchange ends. False: the bodies of all requests take too much.
  virtual bool hold_body_bytes(std::size_t count) = 0;
  std::string take_body() { return std::exchange(request_.body, {}); }
  void set_body(std::string body) { request_.body = std::move(body); }

  // Goes with the response, whichever it will be.
  void add_header(Header header) { headers_.push_back(std::move(header)); }

  // Calls `cancel` if the client goes away before the response; it may respond. A later call replaces it.
  void when_client_goes(std::function<void()> cancel) {
    cancel_ = std::move(cancel);
    if (has_gone_) client_has_gone();
  }
  void client_has_gone() {
    has_gone_ = true;
    if (const auto cancel = std::exchange(cancel_, nullptr)) cancel();
  }
  bool has_client_gone() const { return has_gone_; }

 protected:
  Request request_;
  RequestRecord record_;
  std::vector<Header> headers_;

 private:
  std::function<void()> cancel_;
  bool has_gone_ = false;
};

using ExchangePtr = std::shared_ptr<Exchange>;

// Keeps the exchange alive.
using RequestRecordPtr = std::shared_ptr<RequestRecord>;
inline RequestRecordPtr record_of(const ExchangePtr& exchange) { return {exchange, &exchange->record()}; }

}  // namespace audit::httpd
