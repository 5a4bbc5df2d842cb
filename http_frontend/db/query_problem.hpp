// The answer to a request whose query failed.
#pragma once

#include "db/query_outcome.hpp"
#include "http/http_types.hpp"

namespace audit::httpd {

// The caller's answer to a query that failed. The rest (SQLSTATE, message) goes to the log with the request's id.
Response query_problem(const QueryFailure& failure, const Request& request);

}  // namespace audit::httpd
