#include "problem.hpp"

#include <jansson.h>
#include <spdlog/spdlog.h>

#include "core/utf8.hpp"
#include "json_value.hpp"

namespace audit::httpd {
namespace {

// Replaces each byte that is not printable ASCII, where the whole is not UTF-8.
std::string as_utf8(std::string text) {
  if (is_valid_utf8(text)) return text;
  std::string replaced;
  for (const char c : text) {
    if (c >= 0x20 && c < 0x7f) {
      replaced.push_back(c);
    } else {
      replaced.append("\xEF\xBF\xBD");
    }
  }
  return replaced;
}

JsonPtr as_json(const ValidationError& error) {
  return JsonPtr(json_pack("{s:[s,s%],s:s%,s:s%}", "loc", error.in.c_str(), as_utf8(error.name).c_str(),
                           as_utf8(error.name).size(), "msg", error.message.data(), error.message.size(), "type",
                           error.type.data(), error.type.size()));
}

bool is_permission_problem(const QueryFailure& failure) {
  // 42501: the caller's role may not read. 22023 and 42704 without a constraint name come from setting the role itself.
  return failure.sqlstate == "42501" || failure.sqlstate == "42704" || failure.sqlstate == "22023";
}

// A character that the database's encoding lacks, U+0000 among them.
bool is_text_problem(const QueryFailure& failure) { return failure.sqlstate == "22021" || failure.sqlstate == "22P05"; }

// 53: out of disk, memory or connections. 40001 and 40P01: a standby's replay had to go first.
bool is_passing_problem(const QueryFailure& failure) {
  return failure.sqlstate.compare(0, 2, "53") == 0 || failure.sqlstate == "40001" || failure.sqlstate == "40P01";
}

}  // namespace

Response json_response(int status, std::string body) {
  return {
      status, {{"Content-Type", "application/json"}, {"Cache-Control", "private, no-store"}}, Body(std::move(body))};
}

Response problem(int status, std::string_view detail) {
  return json_response(status, dump_json(*JsonPtr(json_pack("{s:s%}", "detail", detail.data(), detail.size()))));
}

Response validation_problem(const EventError& error) {
  JsonPtr place(json_pack("[s]", "body"));
  if (error.event) json_array_append_new(place.get(), json_integer(static_cast<json_int_t>(*error.event)));
  const std::string member = as_utf8(error.member);
  if (!member.empty()) json_array_append_new(place.get(), json_stringn(member.data(), member.size()));
  return json_response(422, dump_json(*JsonPtr(json_pack("{s:[{s:O,s:s%,s:s%}]}", "detail", "loc", place.get(), "msg",
                                                         error.message.data(), error.message.size(), "type",
                                                         error.type.data(), error.type.size()))));
}

Response validation_problem(const std::vector<ValidationError>& errors) {
  JsonPtr list(json_array());
  for (const ValidationError& error : errors) json_array_append_new(list.get(), as_json(error).release());
  return json_response(422, dump_json(*JsonPtr(json_pack("{s:O}", "detail", list.get()))));
}

Response oauth_problem(int status, std::string_view error, std::string_view description) {
  return json_response(status, dump_json(*JsonPtr(json_pack("{s:s%,s:s%,s:s%}", "error", error.data(), error.size(),
                                                            "error_description", description.data(), description.size(),
                                                            "detail", description.data(), description.size()))));
}

Response unavailable_problem(std::string_view detail, std::string_view rejection) {
  Response response = problem(503, detail);
  response.headers.push_back({"Retry-After", "1"});
  response.rejection = rejection;
  return response;
}

Response query_problem(const QueryFailure& failure, const Request& request) {
  switch (failure.kind) {
    case QueryFailure::Kind::away: return unavailable_problem("Database unavailable", "database_away");
    case QueryFailure::Kind::overloaded: return unavailable_problem("Too many requests are waiting", "overloaded");
    case QueryFailure::Kind::abandoned: return problem(499, "The client has gone");
    case QueryFailure::Kind::timed_out:
      spdlog::warn("request {}: the query took too long: {}", request.id, failure.message);
      return problem(504, "The query took too long");
    case QueryFailure::Kind::sql_error: break;
  }
  if (failure.constraint == "cursor_invalid") {
    return validation_problem({{"query", "cursor", validation::cursor_invalid, "cursor_invalid"}});
  }
  if (failure.constraint == "cursor_mismatch") {
    return validation_problem({{"query", "cursor", validation::cursor_mismatch, "cursor_mismatch"}});
  }
  spdlog::error("request {}: SQLSTATE {}: {}", request.id, failure.sqlstate, failure.message);
  if (failure.sqlstate == "25006")
    return unavailable_problem("This database takes no events: it is a standby", "standby");
  if (is_text_problem(failure)) return problem(400, "The request has text that the database cannot hold");
  if (is_passing_problem(failure)) return unavailable_problem("Database unavailable", "database_away");
  if (is_permission_problem(failure)) return problem(403, "Not enough permissions");
  return problem(500, "Internal Server Error");
}

}  // namespace audit::httpd
