#include "http/mhd_exchange.hpp"

#include <dlfcn.h>
#include <sys/socket.h>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

#include "http/content_encoding.hpp"
#include "http/http_server.hpp"
#include "http/problem.hpp"
#include "http/request_head.hpp"
#include "http/request_target.hpp"

namespace audit::httpd {
namespace {

constexpr std::size_t max_ignored_body_bytes = 1024 * 1024;
constexpr std::size_t small_answer_bytes = 64 * 1024;
constexpr int client_gone_status = 499;  // nginx's number for it, which never reaches a client

constexpr std::size_t line_end_size = 2;  // CR LF

// Until 1.0 the library parses the head where it is: each field begins behind the line of the one before, and the head
// ends two bytes behind the last. It is not so where a line began with a colon, which the library takes for the end of
// the head, where a NUL ended the target or a value, where spaces came together on the request line, where a line ended
// without CR, and where a value went on in the next line.
// Later versions refuse these by themselves.
constexpr bool keeps_heads_in_place = MHD_VERSION < 0x01000000;

using QueueResponse = decltype(&MHD_queue_response);

QueueResponse library_queue_response() {
  static const auto function = reinterpret_cast<QueueResponse>(dlsym(RTLD_NEXT, "MHD_queue_response"));
  return function;
}

// What a log and a header can carry without a second thought.
bool is_sane_request_id(std::string_view id) {
  constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._:+/=@";
  return !id.empty() && id.size() <= 128 && id.find_first_not_of(allowed) == std::string_view::npos;
}

// For a browser's developer tools. Durations are in milliseconds.
std::string server_timing(const RequestRecord& record) {
  std::string value;
  const auto add = [&](const char* name, const RequestRecord::Duration& duration) {
    if (!duration) return;
    const double ms = std::chrono::duration<double, std::milli>(*duration).count();
    value.append(fmt::format("{}{};dur={:.3f}", value.empty() ? "" : ", ", name, ms));
  };
  add("auth", record.auth);
  add("queue", record.queue);
  add("db", record.database);
  return value;
}

// Version 0.9.75 keeps a record of each parameter in the connection's memory, and stops, without an answer or an end,
// where they do not fit. The query is ours to parse, so let it find an empty one: the target lies in a buffer that it
// goes on to write to itself.
void hide_query(const char* target) {
  char* mark = std::strchr(const_cast<char*>(target), '?');
  if (mark != nullptr && mark[1] != '\0') mark[1] = '\0';
}

}  // namespace

gnutls_session_int* tls_session(MHD_Connection* connection) {
  const MHD_ConnectionInfo* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
  return info == nullptr ? nullptr : static_cast<gnutls_session_int*>(info->tls_session);
}

MHD_Result queue_response(MHD_Connection* connection, Response response, const std::string& request_id, bool is_last) {
  const std::string_view bytes = response.body.bytes();
  Body::Owner owner = response.body.release_owner();
  MHD_Response* made = MHD_create_response_from_buffer_with_free_callback_cls(
      bytes.size(), const_cast<char*>(bytes.data()), owner.get_deleter(), owner.get());
  if (made == nullptr) return MHD_NO;
  static_cast<void>(owner.release());
  for (const Header& header : response.headers) MHD_add_response_header(made, header.name, header.value.c_str());
  MHD_add_response_header(made, "X-Request-ID", request_id.c_str());
  if (is_last) MHD_add_response_header(made, MHD_HTTP_HEADER_CONNECTION, "close");
  const MHD_Result result = library_queue_response()(connection, static_cast<unsigned>(response.status), made);
  MHD_destroy_response(made);
  return result;
}

void send_at_once(MHD_Connection* connection, const Response& response, const std::string& request_id) {
  const std::string_view body = response.body.bytes();
  std::string text =
      fmt::format("HTTP/1.1 {} {}\r\nConnection: close\r\nContent-Length: {}\r\nX-Request-ID: {}\r\n", response.status,
                  MHD_get_reason_phrase_for(static_cast<unsigned>(response.status)), body.size(), request_id);
  for (const Header& header : response.headers) text.append(fmt::format("{}: {}\r\n", header.name, header.value));
  text.append("\r\n").append(body);
  if (gnutls_session_int* session = tls_session(connection)) return send_over_tls(session, text);
  const int socket = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
  // A new connection's buffer takes a few hundred bytes; a peer that has left no room for them has given up, too.
  static_cast<void>(send(socket, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
}

MhdExchange* MhdExchange::begin(HttpServer& server, MHD_Connection* connection, const char* target) {
  HttpConnection* client = HttpServer::connection_of(connection);
  if (client == nullptr) return nullptr;
  const auto exchange = std::make_shared<MhdExchange>(server, *client, connection, target);
  hide_query(target);
  server.request_begins(*client, exchange.get());
  exchange->self_ = exchange;
  return exchange.get();
}

MhdExchange::MhdExchange(HttpServer& server, HttpConnection& client, MHD_Connection* connection,
                         std::string_view target)
    : server_(server), client_(&client), connection_(connection) {
  target_size_ = target.size();
  is_sound_ = is_sound_target(target);
  is_target_too_long_ = target_size_ > server_.limits().target_bytes;
  if (!is_target_too_long_) split_target(target, request_.path, request_.query);
}

MhdExchange::~MhdExchange() {
  if (is_dispatched_) server_.request_closed();
  server_.release_body_bytes(held_body_bytes_);
  if (held_answer_bytes_ > 0) server_.release_answer_bytes(request_.client_group, held_answer_bytes_);
}

std::string_view MhdExchange::header(const char* name) const {
  const char* value = nullptr;
  std::size_t size = 0;
  MHD_lookup_connection_value_n(connection_, MHD_HEADER_KIND, name, std::char_traits<char>::length(name), &value,
                                &size);
  return value == nullptr ? std::string_view() : std::string_view(value, size);
}

std::string MhdExchange::joined_headers(const char* name) const {
  struct Collected {
    std::string_view name;
    std::string values;
  } collected{name, {}};
  MHD_get_connection_values(
      connection_, MHD_HEADER_KIND,
      [](void* target, MHD_ValueKind, const char* key, const char* value) {
        auto& into = *static_cast<Collected*>(target);
        if (value != nullptr && equals_ignoring_case(key, into.name)) into.values.append(value).push_back(',');
        return MHD_YES;
      },
      &collected);
  return collected.values;
}

MHD_Result MhdExchange::accept(const char* method, const char* version, const char* body, std::size_t* body_size) {
  if (!has_head_) return accept_head(method, version);
  if (*body_size == 0) return answer();
  const std::string_view piece(body, *body_size);
  *body_size = 0;
  return accept_body(piece);
}

void MhdExchange::check_head(const char* method, const char* version) {
  struct Walk {
    RequestHead head;
    const char* next;  // where the next field has to begin
    bool is_gapless = true;
  } walk{RequestHead(method, std::string_view(version) == MHD_HTTP_VERSION_1_1),
         version + std::strlen(version) + line_end_size};
  MHD_get_connection_values_n(
      connection_, MHD_HEADER_KIND,
      [](void* target, MHD_ValueKind, const char* name, std::size_t name_size, const char* value,
         std::size_t value_size) {
        auto& into = *static_cast<Walk*>(target);
        into.head.add({name, name_size}, {value, value_size});
        into.is_gapless = into.is_gapless && name == into.next;
        into.next = value + value_size + line_end_size;
        return MHD_YES;
      },
      &walk);
  const std::size_t size = MHD_get_connection_info(connection_, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size;
  const bool is_line_gapless = method + std::strlen(method) + 1 + target_size_ + 1 == version;
  const bool is_whole = is_line_gapless && walk.is_gapless && walk.next + line_end_size == method + size;
  is_sound_ = is_sound_ && walk.head.is_sound() && (is_whole || !keeps_heads_in_place);
  is_chunked_ = walk.head.is_chunked();
}

MHD_Result MhdExchange::accept_head(const char* method, const char* version) {
  has_head_ = true;
  check_head(method, version);
  request_.method = method;
  find_client();
  request_.authorization = header(MHD_HTTP_HEADER_AUTHORIZATION);
  request_.api_key = header("X-API-Key");
  request_.content_type = header(MHD_HTTP_HEADER_CONTENT_TYPE);
  request_.idempotency_key = header("Idempotency-Key");
  request_.prefer = joined_headers("Prefer");
  request_.content_encoding = joined_headers(MHD_HTTP_HEADER_CONTENT_ENCODING);
  request_.client_certificate = client_certificate();
  const std::string_view id = header("X-Request-ID");
  request_.id = is_sane_request_id(id) ? std::string(id) : server_.make_request_id();
  request_.max_body_bytes = std::min(server_.max_body_bytes(request_), server_.limits().body_bytes);
  const std::size_t body_size = announced_body_bytes();
  response_ = refusal(body_size);
  if (!response_) request_.body.reserve(body_size);  // takes no memory until it is filled
  if (!response_ && needs_admission(body_size)) ask_for_admission();
  // A response given before the body was read also tells the library to close the connection.
  return response_ ? queue_response() : MHD_YES;
}

// A body in chunks has no size yet.
bool MhdExchange::needs_admission(std::size_t body_size) const {
  return request_.max_body_bytes > small_body_bytes && (body_size > small_body_bytes || is_chunked_);
}

// Whoever is not known may have memory for a small body, but not for a large one: else a few of them would take what
// the others need.
void MhdExchange::ask_for_admission() {
  awaits_admission_ = true;
  server_.admit_body(shared_from_this(), [exchange = weak_from_this()] {
    const auto self = exchange.lock();
    if (!self) return;
    self->awaits_admission_ = false;
    if (self->is_suspended_) self->resume();
  });
  if (awaits_admission_ && !response_) server_.suspend_after_run(shared_from_this());
}

const ClientCertificate* MhdExchange::client_certificate() {
  if (!client_->tls) return nullptr;
  if (!client_->client_certificate) client_->client_certificate = client_certificate_of(tls_session(connection_));
  return client_->client_certificate ? &*client_->client_certificate : nullptr;
}

void MhdExchange::find_client() {
  const TrustedProxies& proxies = server_.limits().trusted_proxies;
  request_.client_address = client_->address_text;
  request_.client_group = client_->address.limit_group();
  if (!proxies.contains(client_->address)) return;
  const IpAddress address = proxies.client_of(client_->address, joined_headers("X-Forwarded-For"));
  request_.client_address = address.text();
  request_.client_group = address.limit_group();
}

// More than any limit where the number is too large for one.
std::size_t MhdExchange::announced_body_bytes() const {
  const std::string_view length = header(MHD_HTTP_HEADER_CONTENT_LENGTH);
  std::size_t size = 0;
  const auto parsed = std::from_chars(length.data(), length.data() + length.size(), size);
  return parsed.ec == std::errc::result_out_of_range ? std::numeric_limits<std::size_t>::max() : size;
}

std::optional<Response> MhdExchange::refusal(std::size_t body_size) const {
  if (!is_sound_) return problem(400, "Bad Request");
  if (is_target_too_long_) return problem(414, "URI Too Long");
  if (body_size > request_.max_body_bytes) return problem(413, "Content Too Large");
  return std::nullopt;
}

MHD_Result MhdExchange::accept_body(std::string_view piece) {
  body_bytes_ += piece.size();
  if (!response_ && body_bytes_ <= request_.max_body_bytes && !has_no_room_) {
    has_no_room_ = !hold_body_bytes(piece.size());
    if (!has_no_room_) request_.body.append(piece);
  }
  if (body_bytes_ > request_.max_body_bytes || has_no_room_) drop_body();
  return body_bytes_ <= request_.max_body_bytes + max_ignored_body_bytes ? MHD_YES
                                                                         : MHD_NO;  // no: closes the connection
}

bool MhdExchange::hold_body_bytes(std::size_t count) {
  if (!server_.hold_body_bytes(count)) return false;
  held_body_bytes_ += count;
  return true;
}

void MhdExchange::drop_body() {
  server_.release_body_bytes(std::exchange(held_body_bytes_, 0));
  std::string().swap(request_.body);
}

MHD_Result MhdExchange::answer() {
  if (awaits_admission_ && !response_) return MHD_YES;  // it is about to be suspended
  if (!is_dispatched_ && !response_) {
    is_dispatched_ = true;
    dispatched_at_ = Clock::now();
    server_.request_opened(*client_);
    if (body_bytes_ > request_.max_body_bytes) {
      response_ = problem(413, "Content Too Large");
    } else if (has_no_room_) {
      response_ = unavailable_problem("Too many large requests are under way", "overloaded");
    } else {
      server_.dispatch(shared_from_this());
    }
  }
  if (response_) return queue_response();
  server_.suspend_after_run(shared_from_this());
  return MHD_YES;
}

// Not inside the library's callback: there it would leave the connection marked as one to read from, and read an early
// end of the client's side (shutdown) before the answer, which would then never be sent.
void MhdExchange::suspend() {
  if (connection_ == nullptr) return;
  MHD_suspend_connection(connection_);
  is_suspended_ = true;
  const bool waits = is_dispatched_ || awaits_admission_;
  if (response_ || !waits) resume();  // it came meanwhile
}

void MhdExchange::resume() {
  is_suspended_ = false;
  server_.run_soon();
  MHD_resume_connection(connection_);
}

void MhdExchange::respond(Response response) {
  when_client_goes(nullptr);
  if (connection_ == nullptr) return;  // the client has gone
  if (record_.query_begun) record_.database = Clock::now() - *record_.query_begun;
  if (!has_room_for(response)) {
    return give(unavailable_problem("Too many large answers are under way", "overloaded"));
  }
  if (!may_compress(response)) return give(std::move(response));
  response.headers.push_back({MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT_ENCODING});
  if (accepts_gzip(header(MHD_HTTP_HEADER_ACCEPT_ENCODING))) return compress(std::move(response));
  give(std::move(response));
}

// Whoever does not read keeps an answer in memory. Small ones are bounded by the number of connections.
bool MhdExchange::has_room_for(const Response& response) {
  const std::size_t size = response.body.bytes().size();
  if (size <= small_answer_bytes) return true;
  if (!server_.hold_answer_bytes(request_.client_group, size)) return false;
  held_answer_bytes_ = size;
  return true;
}

bool MhdExchange::may_compress(const Response& response) const {
  const std::size_t least = server_.limits().gzip_min_bytes;
  return least != 0 && response.status == MHD_HTTP_OK && response.body.bytes().size() >= least;
}

// On the helper thread, which must not be the last to hold the exchange.
void MhdExchange::compress(Response response) {
  const auto shared = std::make_shared<Response>(std::move(response));
  server_.compressions().submit([shared, exchange = weak_from_this()]() -> BlockingCalls::Done {
    if (auto compressed = gzip(shared->body.bytes())) {
      shared->body = Body(std::move(*compressed));
      shared->headers.push_back({MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip"});
    }
    return [shared, exchange] {
      const auto self = std::static_pointer_cast<MhdExchange>(exchange.lock());
      if (self) self->give(std::move(*shared));
    };
  });
}

void MhdExchange::give(Response response) {
  if (connection_ == nullptr) return;
  response_ = std::move(response);
  if (!is_dispatched_) drop_body();
  if (is_suspended_) resume();  // else answer() or suspend() will find it
}

MHD_Result MhdExchange::queue_response() {
  record_.status = response_->status;
  record_.body_bytes = response_->body.bytes().size();
  record_.rejection = response_->rejection;
  if (server_.has_server_timing() && record_.principal) {
    response_->headers.push_back({"Server-Timing", server_timing(record_)});
  }
  for (Header& header : headers_) response_->headers.push_back(std::move(header));
  queued_at_ = Clock::now();
  // The library takes chunks and trailers whose lines end in many ways: what comes behind them is no request for sure.
  const bool is_last = server_.is_stopping() || !is_sound_ || is_chunked_;
  return httpd::queue_response(connection_, std::move(*response_), request_.id, is_last);
}

std::optional<Clock::time_point> MhdExchange::waiting_since() const {
  return is_dispatched_ && !response_ ? std::optional(dispatched_at_) : std::nullopt;
}

void MhdExchange::end(bool is_sent) {
  const std::shared_ptr<MhdExchange> self = std::move(self_);  // nobody else may keep it
  connection_ = nullptr;
  server_.request_ends(*client_);
  client_has_gone();
  record_end(is_sent);
}

void MhdExchange::record_end(bool is_sent) {
  if (!has_head_ || std::exchange(client_->is_answered_by_library, false)) return;
  const Clock::time_point now = Clock::now();
  if (!is_sent) record_.status = client_gone_status;
  if (queued_at_) record_.send = now - *queued_at_;
  record_.total = now - record_.begun;
  server_.finished(request_, record_);
}

}  // namespace audit::httpd
