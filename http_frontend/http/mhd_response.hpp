// Giving responses to libmicrohttpd, and past it.
#pragma once

#include <microhttpd.h>

#include <string>

#include "http/http_types.hpp"

struct gnutls_session_int;

namespace audit::httpd {

// Null without TLS.
gnutls_session_int* tls_session(MHD_Connection* connection);

// Answers past the library, for a request that it has given up; the connection has to be closed then.
void send_at_once(MHD_Connection* connection, const Response& response, const std::string& request_id);

// The library's own MHD_queue_response, which mhd_response.cpp hides, with the request's id among the headers.
MHD_Result queue_response(MHD_Connection* connection, Response response, const std::string& request_id, bool is_last);

}  // namespace audit::httpd
