#include "endpoints/answer_from_database.hpp"

#include <utility>

namespace audit::httpd {

void answer_from_database(const Call& call, Query query, ToResponse to_response, ToProblem to_problem,
                          IfClientGoes if_client_goes) {
  const ExchangePtr& exchange = call.exchange;
  PgPool& pool = call.services.pool;
  const QueryId id = pool.run(std::move(query), Lane::normal, record_of(exchange),
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
