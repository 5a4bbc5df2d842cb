#include "http/problem.hpp"

#include <jansson.h>

#include "base/json_value.hpp"
#include "core/utf8.hpp"

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

}  // namespace

Response json_response(int status, Body body) {
  return {status, {{"Content-Type", "application/json"}, {"Cache-Control", "private, no-store"}}, std::move(body)};
}

Response json_response(int status, std::string body) { return json_response(status, Body(std::move(body))); }

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

Response unsupported_coding(const char* accepted) {
  Response response = problem(415, "Content-Encoding is not supported");
  response.headers.push_back({"Accept-Encoding", accepted});
  return response;
}

Response unavailable_problem(std::string_view detail, std::string_view rejection) {
  Response response = problem(503, detail);
  response.headers.push_back({"Retry-After", "1"});
  response.rejection = rejection;
  return response;
}

}  // namespace audit::httpd
