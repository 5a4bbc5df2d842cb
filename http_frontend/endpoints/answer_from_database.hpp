// The end of most handlers: the endpoint's statement, and the response that its outcome becomes.
#pragma once

#include <functional>

#include "db/query.hpp"
#include "db/query_outcome.hpp"
#include "db/query_problem.hpp"
#include "endpoints/endpoint.hpp"

namespace audit::httpd {

using ToResponse = std::function<Response(PgResult result)>;
using ToProblem = Response (*)(const QueryFailure& failure, const Request& request);
enum class IfClientGoes { cancel, go_on };

// Runs the endpoint's statement, under the caller's database role where it has one, and responds with what the
// functions make of its outcome. `parameters` are all but the last, which this adds: the session's application_name
// while the statement runs, for pg_stat_activity and %a in log_line_prefix. It has the request's id, up to the server's
// 63 bytes. The statement sets it in its first column, which costs less than a statement of its own or a place in FROM.
void answer_from_database(const Call& call, Parameters parameters, ToResponse to_response,
                          ToProblem to_problem = query_problem, IfClientGoes if_client_goes = IfClientGoes::cancel);

// What it sets the role with.
PreparedStatement role_statement();

}  // namespace audit::httpd
