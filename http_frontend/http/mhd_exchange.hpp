// One request inside libmicrohttpd: its parts as they arrive, and the response that goes back.
#pragma once

#include <microhttpd.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/event_loop.hpp"
#include "http/exchange_context.hpp"
#include "http/http_connection.hpp"
#include "http/http_types.hpp"
#include "http/memory_budget.hpp"

namespace audit::httpd {

// The library knows it by its plain address from the target on until it reports the request's end; meanwhile the
// exchange keeps itself alive.
class MhdExchange final : public Exchange, public std::enable_shared_from_this<MhdExchange> {
 public:
  // Null context of the library for a request that is to be dropped.
  static MhdExchange* begin(ExchangeContext& context, MHD_Connection* connection, const char* target);
  MhdExchange(ExchangeContext& context, HttpConnection& client, MHD_Connection* connection, std::string_view target);
  ~MhdExchange() override;

  void respond(Response response) override;
  bool hold_body_bytes(std::size_t count) override { return memory_.hold_body(count); }

  // The library's access callback. It comes with the head, with each piece of the body, and with its end. It comes once
  // more after a suspended request was resumed.
  MHD_Result accept(const char* method, const char* version, const char* body, std::size_t* body_size);
  // The library is done with the request: answered, or its connection has ended.
  void end(bool is_sent);
  void suspend();
  // The server ends, whether there is an answer or not.
  void give_up();
  // When the whole request had arrived; nothing while it has not, and when it is answered.
  std::optional<Clock::time_point> waiting_since() const;

 private:
  MHD_Result accept_head(const char* method, const char* version);
  bool needs_admission(std::size_t body_size) const;
  void ask_for_admission();
  MHD_Result accept_body(std::string_view piece);
  void drop_body();
  MHD_Result answer();
  std::optional<Response> refusal(std::size_t body_size) const;
  const ClientCertificate* client_certificate();
  void find_client();
  bool may_compress(const Response& response) const;
  void compress(Response response);
  void give(Response response);
  void resume();
  MHD_Result queue_response();
  void record_end(bool is_sent);

  ExchangeContext& context_;
  HttpConnection* client_;
  MHD_Connection* connection_;
  HeldMemory memory_;
  std::shared_ptr<MhdExchange> self_;
  std::optional<Response> response_;
  std::size_t body_bytes_ = 0;  // that have come
  bool has_no_room_ = false;    // for the body, among those of others
  std::optional<Clock::time_point> queued_at_;
  Clock::time_point dispatched_at_;
  bool is_target_too_long_ = false;
  std::size_t target_size_ = 0;
  bool is_chunked_ = false;
  bool is_sound_ = true;  // its head; else nothing more is read from this connection
  bool has_head_ = false;
  bool awaits_admission_ = false;  // meanwhile no more of the body is read
  bool is_dispatched_ = false;
  bool is_suspended_ = false;
};

}  // namespace audit::httpd
