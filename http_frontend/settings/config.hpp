// The settings: from the command line, then the environment, then a file, each checked before anything starts.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/config_problem.hpp"

namespace audit::httpd {

// SIGHUP changes all but those that Reader::restart_only (config.cpp) names.
struct Config {
  std::string listen = "127.0.0.1:8080";
  std::string admin_listen = "127.0.0.1:9180";  // or "off"
  std::string plain_http = "loopback";          // where to serve without TLS, or "anywhere"
  std::string tls_certificate_file;
  std::string tls_key_file;
  std::string tls_client_ca_file;
  std::string database;  // may hold a password: never shown
  std::size_t pool_size = 8;
  std::size_t queue_limit = 256;
  unsigned query_timeout_ms = 5000;
  unsigned request_timeout_ms = 10000;
  std::string token_secret_file;
  unsigned token_lifetime_s = 3600;
  std::string token_issuer = "audit_httpd";
  std::string token_audience = "audit_ext";
  std::string jwks_file;
  std::string jwks_url;
  unsigned jwks_refresh_s = 300;
  std::string idp_issuer;
  std::string idp_audience;
  std::string idp_algorithms = "RS256,PS256,ES256,EdDSA";
  std::string idp_user_id_claim;
  std::string idp_role_claim;
  std::string idp_scope_claims = "scope,scp";
  unsigned principal_cache_s = 30;
  unsigned login_attempts = 10;
  unsigned login_window_s = 60;
  unsigned connection_limit = 4096;
  unsigned connections_per_address = 1024;
  unsigned address_requests_per_s = 2000;
  unsigned principal_requests_per_s = 1000;
  unsigned head_limit_bytes = 10 * 1024;
  unsigned target_limit_bytes = 8 * 1024;
  unsigned body_limit_bytes = 10 * 1024 * 1024;
  unsigned receive_timeout_s = 30;
  unsigned answer_bytes_per_s = 32 * 1024;
  unsigned idle_timeout_s = 60;
  unsigned body_memory_mb = 64;
  unsigned answer_memory_mb = 256;
  unsigned gzip_min_bytes = 1024;
  std::string trusted_proxies;
  unsigned drain_timeout_ms = 10000;
  std::string log_level = "info";
  std::string log_format = "text";    // or "json"
  std::string server_timing = "off";  // or "on"
  bool check_only = false;

  std::map<std::string, std::string> origins;       // of settings that were made: where, as messages put it
  std::map<std::string, std::string> restart_only;  // settings that count from start to end, with their values

  std::vector<std::string> algorithms() const;    // of idp_algorithms
  std::vector<std::string> scope_claims() const;  // of idp_scope_claims
  bool has_tls() const { return !tls_certificate_file.empty(); }
  bool has_admin_listener() const { return admin_listen != "off"; }
  bool has_identity_provider() const { return !jwks_file.empty() || !jwks_url.empty(); }

  // The problem, found later, with the place where the setting was made that it begins with.
  ConfigProblem with_origin(const ConfigProblem& problem) const;
};

// The text that --help or --version asked for.
struct Information {
  std::string text;
};

// Throws ConfigProblem.
std::variant<Config, Information> read_config(int argc, const char* const* argv);

}  // namespace audit::httpd
