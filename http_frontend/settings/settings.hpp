// The settings together with what the files hold that they name: all that starting or reloading can fail on.
#pragma once

#include <memory>

#include "auth/jwt_verifier.hpp"
#include "auth/token_issuer.hpp"
#include "http/tls_credentials.hpp"
#include "settings/config.hpp"

namespace audit::httpd {

struct Settings {
  Config config;
  TokenIssuerPtr issuer;  // null: no own tokens
  KeySetPtr keys;         // null: there are none, or they come by URL
  TlsCredentialsPtr tls;  // null: plain HTTP
};

// Throws ConfigProblem, which names setting, file and origin.
Settings load_settings(Config config);

}  // namespace audit::httpd
