#include "http/mhd_exchange.hpp"

#include <algorithm>

#include "http/content_encoding.hpp"
#include "http/mhd_head.hpp"
#include "http/mhd_response.hpp"
#include "http/problem.hpp"
#include "http/request_head.hpp"
#include "http/request_id.hpp"
#include "http/request_target.hpp"
#include "http/server_timing.hpp"

namespace audit::httpd {
namespace {

constexpr std::size_t max_ignored_body_bytes = 1024 * 1024;
constexpr int client_gone_status = 499;  // nginx's number for it, which never reaches a client

}  // namespace

MhdExchange* MhdExchange::begin(ExchangeContext& context, MHD_Connection* connection, const char* target) {
  HttpConnection* client = HttpConnection::of(connection);
  if (client == nullptr) return nullptr;
  const auto exchange = std::make_shared<MhdExchange>(context, *client, connection, target);
  hide_query(target);
  client->request_begins(exchange.get());
  exchange->self_ = exchange;
  return exchange.get();
}

MhdExchange::MhdExchange(ExchangeContext& context, HttpConnection& client, MHD_Connection* connection,
                         std::string_view target)
    : context_(context), client_(&client), connection_(connection), memory_(context.memory) {
  target_size_ = target.size();
  is_sound_ = is_sound_target(target);
  is_target_too_long_ = target_size_ > context_.limits.target_bytes;
  if (!is_target_too_long_) split_target(target, request_.path, request_.query);
}

MhdExchange::~MhdExchange() {
  if (is_dispatched_) --context_.open_requests;
}

MHD_Result MhdExchange::accept(const char* method, const char* version, const char* body, std::size_t* body_size) {
  if (!has_head_) return accept_head(method, version);
  if (*body_size == 0) return answer();
  const std::string_view piece(body, *body_size);
  *body_size = 0;
  return accept_body(piece);
}

MHD_Result MhdExchange::accept_head(const char* method, const char* version) {
  has_head_ = true;
  const RequestHead head = parsed_head(connection_, method, version);
  ++client_->heads;
  const bool ends_as_received = client_->head_watch.sound_heads() >= client_->heads || !parses_heads_in_place;
  is_sound_ = is_sound_ && head.is_sound() && ends_as_received;
  is_chunked_ = head.is_chunked();
  request_.method = method;
  find_client();
  request_.authorization = header_value(connection_, MHD_HTTP_HEADER_AUTHORIZATION);
  request_.api_key = header_value(connection_, "X-API-Key");
  request_.content_type = header_value(connection_, MHD_HTTP_HEADER_CONTENT_TYPE);
  request_.idempotency_key = header_value(connection_, "Idempotency-Key");
  request_.prefer = joined_headers(connection_, "Prefer");
  request_.content_encoding = joined_headers(connection_, MHD_HTTP_HEADER_CONTENT_ENCODING);
  request_.client_certificate = client_certificate();
  const std::string_view id = header_value(connection_, "X-Request-ID");
  request_.id = is_sane_request_id(id) ? std::string(id) : context_.request_ids.make();
  request_.max_body_bytes = std::min(context_.handler.max_body_bytes(request_), context_.limits.body_bytes);
  const std::size_t body_size = announced_body_bytes(connection_);
  response_ = refusal(body_size);
  if (!response_) request_.body.reserve(body_size);  // takes no memory until it is filled
  if (!response_ && needs_admission(body_size)) ask_for_admission();
  // A response given before the body was read also makes the library close the connection.
  return response_ ? queue_response() : MHD_YES;
}

// A body in chunks has no size yet.
bool MhdExchange::needs_admission(std::size_t body_size) const {
  return request_.max_body_bytes > small_body_bytes && (body_size > small_body_bytes || is_chunked_);
}

// An unknown caller may have memory for a small body, but not for a large one. Otherwise a few of them would take the
// memory of all others.
void MhdExchange::ask_for_admission() {
  awaits_admission_ = true;
  context_.handler.admit(shared_from_this(), [exchange = weak_from_this()] {
    const auto self = exchange.lock();
    if (!self) return;
    self->awaits_admission_ = false;
    if (self->is_suspended_) self->resume();
  });
  if (awaits_admission_ && !response_) context_.to_suspend.push_back(shared_from_this());
}

const ClientCertificate* MhdExchange::client_certificate() {
  if (!client_->tls) return nullptr;
  if (!client_->client_certificate) client_->client_certificate = client_certificate_of(tls_session(connection_));
  return client_->client_certificate ? &*client_->client_certificate : nullptr;
}

void MhdExchange::find_client() {
  const TrustedProxies& proxies = context_.limits.trusted_proxies;
  request_.client_address = client_->address_text;
  request_.client_group = client_->address.limit_group();
  if (!proxies.contains(client_->address)) return;
  const IpAddress address = proxies.client_of(client_->address, joined_headers(connection_, "X-Forwarded-For"));
  request_.client_address = address.text();
  request_.client_group = address.limit_group();
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
    has_no_room_ = !memory_.hold_body(piece.size());
    if (!has_no_room_) request_.body.append(piece);
  }
  if (body_bytes_ > request_.max_body_bytes || has_no_room_) drop_body();
  return body_bytes_ <= request_.max_body_bytes + max_ignored_body_bytes ? MHD_YES
                                                                         : MHD_NO;  // no: closes the connection
}

void MhdExchange::drop_body() {
  memory_.release_body();
  std::string().swap(request_.body);
}

MHD_Result MhdExchange::answer() {
  if (!is_dispatched_ && is_chunked_ && client_->head_watch.has_fault()) response_ = problem(400, "Bad Request");
  if (awaits_admission_ && !response_) return MHD_YES;  // it is about to be suspended
  if (!is_dispatched_ && !response_) {
    is_dispatched_ = true;
    dispatched_at_ = Clock::now();
    ++context_.open_requests;
    client_->request_has_arrived();
    if (body_bytes_ > request_.max_body_bytes) {
      response_ = problem(413, "Content Too Large");
    } else if (has_no_room_) {
      response_ = unavailable_problem("Too many large requests are under way", "overloaded");
    } else {
      context_.handler.dispatch(shared_from_this());
    }
  }
  if (response_) return queue_response();
  context_.to_suspend.push_back(shared_from_this());
  return MHD_YES;
}

// It is not called inside the library's callback. There, the library would leave the connection marked for reading, and
// could read the end of the client's side (shutdown) before the answer. The answer would then never be sent.
void MhdExchange::suspend() {
  if (connection_ == nullptr) return;
  MHD_suspend_connection(connection_);
  is_suspended_ = true;
  const bool waits = is_dispatched_ || awaits_admission_;
  if (response_ || !waits) resume();  // it came meanwhile
}

void MhdExchange::resume() {
  is_suspended_ = false;
  context_.run_needed = true;
  MHD_resume_connection(connection_);
}

void MhdExchange::give_up() {
  if (is_suspended_) resume();
}

void MhdExchange::respond(Response response) {
  when_client_goes(nullptr);
  if (connection_ == nullptr) return;  // the client has gone
  if (record_.query_begun) record_.database = Clock::now() - *record_.query_begun;
  const std::size_t size = response.body.bytes().size();
  if (!memory_.hold_answer(request_.client_group, size)) {
    return give(unavailable_problem("Too many large answers are under way", "overloaded"));
  }
  if (!may_compress(response)) return give(std::move(response));
  response.headers.push_back({MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT_ENCODING});
  const bool accepts = accepts_gzip(header_value(connection_, MHD_HTTP_HEADER_ACCEPT_ENCODING));
  return accepts && memory_.hold_answer(request_.client_group, size) ? compress(std::move(response))
                                                                     : give(std::move(response));
}

bool MhdExchange::may_compress(const Response& response) const {
  const std::size_t least = context_.limits.gzip_min_bytes;
  return least != 0 && response.status == MHD_HTTP_OK && response.body.bytes().size() >= least;
}

// On the helper thread. The exchange stays until that is done, since it holds room for the answer and its copy.
void MhdExchange::compress(Response response) {
  const auto shared = std::make_shared<Response>(std::move(response));
  const auto call = [this, shared]() -> BlockingCalls::Done {
    if (auto compressed = gzip(shared->body.bytes())) {
      shared->body = Body(std::move(*compressed));
      shared->headers.push_back({MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip"});
    }
    return [this, shared] {
      memory_.shrink_answer(shared->body.bytes().size());
      give(std::move(*shared));
    };
  };
  context_.compressions.submit(call, shared_from_this());
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
  if (context_.has_server_timing && record_.principal) {
    response_->headers.push_back({"Server-Timing", server_timing(record_)});
  }
  for (Header& header : headers_) response_->headers.push_back(std::move(header));
  queued_at_ = Clock::now();
  client_->answer_begins(record_.body_bytes);
  // The library takes chunks and trailers whose lines end in many ways: what comes behind them is no request for sure.
  const bool is_last = context_.is_stopping || !is_sound_ || is_chunked_;
  return httpd::queue_response(connection_, std::move(*response_), request_.id, is_last);
}

std::optional<Clock::time_point> MhdExchange::waiting_since() const {
  return is_dispatched_ && !response_ ? std::optional(dispatched_at_) : std::nullopt;
}

void MhdExchange::end(bool is_sent) {
  const std::shared_ptr<MhdExchange> self = std::move(self_);  // no other owner may keep it
  connection_ = nullptr;
  client_->request_ends();
  client_has_gone();
  record_end(is_sent);
}

void MhdExchange::record_end(bool is_sent) {
  if (!has_head_ || std::exchange(client_->is_answered_by_library, false)) return;
  const Clock::time_point now = Clock::now();
  if (!is_sent) record_.status = client_gone_status;
  if (queued_at_) record_.send = now - *queued_at_;
  record_.total = now - record_.begun;
  context_.handler.finished(request_, record_);
}

}  // namespace audit::httpd
