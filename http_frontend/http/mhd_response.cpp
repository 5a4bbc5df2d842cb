#include "http/mhd_response.hpp"

#include <dlfcn.h>
#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include "http/http_connection.hpp"
#include "http/problem.hpp"
#include "http/tls_credentials.hpp"

namespace audit::httpd {
namespace {

using QueueResponse = decltype(&MHD_queue_response);

QueueResponse library_queue_response() {
  static const auto function = reinterpret_cast<QueueResponse>(dlsym(RTLD_NEXT, "MHD_queue_response"));
  return function;
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

}  // namespace audit::httpd

// A request that the library cannot parse (a head that is too large, for one) never reaches the daemon's code. The
// library answers it in HTML, through its own public function. A program's definition comes before a library's, so this
// one is called instead. It sends JSON and has the connection closed. If a later version does not call it, its answers
// are HTML again, with the same status.
extern "C" MHD_Result MHD_queue_response(MHD_Connection* connection, unsigned status, MHD_Response*) {
  using namespace audit::httpd;
  try {
    HttpConnection* client = HttpConnection::of(connection);
    if (client == nullptr) return MHD_NO;
    Request request;
    request.id = client->context.request_ids.make();
    request.client_address = client->address_text;
    RequestRecord record;
    record.status = static_cast<int>(status);
    client->context.handler.finished(request, record);
    client->is_answered_by_library = true;
    const char* reason = MHD_get_reason_phrase_for(status);
    // Given to the library, the head of this answer would be sent twice where it has refused the fields of a head.
    send_at_once(connection, problem(record.status, reason), request.id);
    return MHD_NO;
  } catch (const std::exception& error) {
    spdlog::error("request dropped: {}", error.what());
    return MHD_NO;
  }
}
