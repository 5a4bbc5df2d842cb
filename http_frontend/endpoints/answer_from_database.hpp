// What most handlers end with: a query, and the response that is made of its outcome.
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

// Runs the query and responds with what the functions make of its outcome.
void answer_from_database(const Call& call, Query query, ToResponse to_response, ToProblem to_problem = query_problem,
                          IfClientGoes if_client_goes = IfClientGoes::cancel);

}  // namespace audit::httpd
