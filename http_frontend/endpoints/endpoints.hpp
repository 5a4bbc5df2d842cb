// The table of routes.
#pragma once

#include <vector>

#include "endpoints/endpoint.hpp"

namespace audit::httpd {

std::vector<Endpoint> endpoints_of(Listener listener);

// What each session of the database has to prepare for them.
std::vector<PreparedStatement> endpoint_statements();

}  // namespace audit::httpd
