// GET /healthz: the process lives.
#include "endpoints/endpoint.hpp"
#include "http/problem.hpp"

namespace audit::httpd {

Endpoint get_healthz() {
  return {.listener = Listener::both,
          .method = "GET",
          .path = "/healthz",
          .access = Access::anonymous,
          .handle = [](auto& call) { call.exchange->respond(json_response(200, R"({"status":"ok"})")); }};
}

}  // namespace audit::httpd
