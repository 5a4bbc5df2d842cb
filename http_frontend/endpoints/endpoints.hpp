// The table of routes.
#pragma once

#include <vector>

#include "endpoints/endpoint.hpp"

namespace audit::httpd {

std::vector<Endpoint> endpoints_of(Listener listener);

}  // namespace audit::httpd
