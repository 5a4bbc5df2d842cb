// GET /openapi.json: the description of this service, from openapi.json as it was when the daemon was built.
#pragma once

#include <string_view>

#include "http/http_types.hpp"

namespace audit::httpd {

std::string_view openapi_document();

void handle_get_openapi(const ExchangePtr& exchange);

}  // namespace audit::httpd
