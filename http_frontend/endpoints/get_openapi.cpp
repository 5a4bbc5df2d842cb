// GET /openapi.json: the description of this service, from openapi.json as it was when the daemon was built.
#include <string_view>

#include "endpoints/endpoint.hpp"

namespace audit::httpd {
namespace {

// Made from openapi.json by the Makefile: a raw string literal.
constexpr std::string_view document =
#include "openapi.json.inc"
    ;

void handle(const Call& call) {
  call.exchange->respond(
      {200, {{"Content-Type", "application/json"}, {"Cache-Control", "public, max-age=300"}}, Body(document)});
}

}  // namespace

Endpoint get_openapi() {
  return {.method = "GET", .path = "/openapi.json", .access = Access::anonymous, .handle = handle};
}

}  // namespace audit::httpd
