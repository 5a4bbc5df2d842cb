// The settings: from the command line, then the environment, then a file, each checked before anything starts.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <variant>

#include "auth/jwt.hpp"
#include "auth/jwt_verifier.hpp"
#include "auth/key_set_source.hpp"
#include "base/config_problem.hpp"
#include "db/pg_pool.hpp"
#include "http/http_limits.hpp"
#include "http/tls_credentials.hpp"

namespace audit::httpd {

// Each member is the default of the setting that it is (setting_groups.cpp).
struct Config {
  std::string listen = "127.0.0.1:8080";
  std::string admin_listen = "127.0.0.1:9180";  // or "off"
  std::string plain_http = "loopback";          // where to serve without TLS, or "anywhere"
  TlsFiles tls;
  HttpLimits http;
  unsigned address_requests_per_s = 2000;
  unsigned principal_requests_per_s = 1000;
  PoolSettings pool;
  std::string token_secret_file;
  std::chrono::seconds token_lifetime{3600};
  ClaimRules token_claims{"audit_httpd", "audit_ext"};
  KeySetLocation jwks;
  IdentityProvider idp{.rules = {},
                       .algorithms = {"RS256", "PS256", "ES256", "EdDSA"},
                       .user_id_claim = {},
                       .role_claim = {},
                       .scope_claims = {"scope", "scp"}};
  std::chrono::seconds principal_cache{30};
  unsigned login_attempts = 10;
  std::chrono::seconds login_window{60};
  std::chrono::milliseconds drain_timeout{10000};
  std::string log_level = "info";
  std::string log_format = "text";    // or "json"
  std::string server_timing = "off";  // or "on"
  bool check_only = false;

  std::map<std::string, std::string> origins;  // of settings that were made: where, as messages put it

  bool has_tls() const { return !tls.certificate.empty(); }
  bool has_admin_listener() const { return admin_listen != "off"; }
  bool has_identity_provider() const { return !jwks.file.empty() || !jwks.url.empty(); }

  // The problem, found later, with the place where the setting was made that it begins with.
  ConfigProblem with_origin(const ConfigProblem& problem) const;
};

// Throws ConfigProblem for what is wrong with settings together, and where more than their form counts.
void check_rules(const Config& config);

// The text that --help, say, asked for.
struct Information {
  std::string text;
};

// Throws ConfigProblem.
std::variant<Config, Information> read_config(int argc, const char* const* argv);

}  // namespace audit::httpd
