#include "endpoints/handle_openapi.hpp"

namespace audit::httpd {

std::string_view openapi_document() {
  // Made from openapi.json by the Makefile: a raw string literal.
  static constexpr std::string_view document =
#include "openapi.json.inc"
      ;
  return document;
}

void handle_get_openapi(const ExchangePtr& exchange) {
  exchange->respond({200,
                     {{"Content-Type", "application/json"}, {"Cache-Control", "public, max-age=300"}},
                     Body(openapi_document())});
}

}  // namespace audit::httpd
