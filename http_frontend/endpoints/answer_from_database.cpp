#include "endpoints/answer_from_database.hpp"

#include <utility>

namespace audit::httpd {
namespace {

constexpr const char* role = "role";

Query query_of(const Call& call, Parameters parameters) {
  Query query;
  if (call.principal->db_role) query.push_back({role, Parameters().add_bytes(*call.principal->db_role)});
  parameters.add_bytes("audit_httpd " + call.request().id);
  query.push_back({call.endpoint.statement.value().name, std::move(parameters)});
  return query;
}

}  // namespace

// Local to the transaction, which is the pipeline up to its end: the role is gone with it, whatever happens.
PreparedStatement role_statement() { return {role, "SELECT pg_catalog.set_config('role', $1, true)", {SqlType::text}}; }

void answer_from_database(const Call& call, Parameters parameters, ToResponse to_response, ToProblem to_problem,
                          IfClientGoes if_client_goes) {
  const ExchangePtr& exchange = call.exchange;
  PgPool& pool = call.services.pool;
  const QueryId id = pool.run(query_of(call, std::move(parameters)), Lane::normal, record_of(exchange),
                              [exchange, to_response = std::move(to_response), to_problem](QueryOutcome outcome) {
                                if (auto* result = std::get_if<PgResult>(&outcome)) {
                                  exchange->respond(to_response(std::move(*result)));
                                } else {
                                  exchange->respond(to_problem(std::get<QueryFailure>(outcome), exchange->request()));
                                }
                              });
  if (id != no_query && if_client_goes == IfClientGoes::cancel)
    exchange->when_client_goes([&pool, id] { pool.cancel(id); });
}

}  // namespace audit::httpd
