// What must hold of settings besides the form of each.
#include "auth/json_web_key.hpp"
#include "base/listen_socket.hpp"
#include "db/pg_session.hpp"
#include "settings/config.hpp"

namespace audit::httpd {
namespace {

bool is_local_http(const std::string& url) {
  for (const std::string host : {"http://127.0.0.1", "http://[::1]", "http://localhost"}) {
    const char next = url.rfind(host, 0) == 0 ? url.c_str()[host.size()] : 'x';
    if (next == '\0' || next == ':' || next == '/') return true;
  }
  return false;
}

}  // namespace

// The rules that concern more than the form of one setting.
void check_rules(const Config& config) {
  const auto fail = [&](const std::string& option, const std::string& what) {
    throw config.with_origin(ConfigProblem("--" + option + ": " + what));
  };
  const auto check_address = [&](const std::string& option, const std::string& address) {
    try {
      parse_listen(address);
    } catch (const ConfigProblem& problem) {
      fail(option, problem.what());
    }
  };
  check_address("listen", config.listen);
  if (config.has_admin_listener()) check_address("admin-listen", config.admin_listen);
  if (config.has_tls() != !config.tls.key.empty()) {
    fail(config.has_tls() ? "tls-certificate-file" : "tls-key-file",
         "--tls-certificate-file and --tls-key-file must be set together");
  }
  if (!config.tls.client_ca.empty() && !config.has_tls()) {
    fail("tls-client-ca-file", "is of no use without --tls-certificate-file and --tls-key-file");
  }
  if (config.http.target_bytes >= config.http.head_bytes)
    fail("target-limit-bytes", "must be below --head-limit-bytes");
  if (!is_valid_conninfo(config.pool.session.conninfo)) fail("database", "is no libpq connection string or URI");
  if (!config.jwks.file.empty() && !config.jwks.url.empty())
    fail("jwks-url", "cannot be set together with --jwks-file");
  for (const std::string& name : config.idp.algorithms) {
    if (find_signature_algorithm(name) == nullptr) {
      fail("idp-algorithms", "\"" + name + "\" is none of RS256 to RS512, PS256 to PS512, ES256 to ES512, EdDSA");
    }
  }
  if (!config.has_identity_provider()) {
    const std::pair<const char*, const std::string&> without_keys[] = {{"idp-issuer", config.idp.rules.issuer},
                                                                       {"idp-audience", config.idp.rules.audience},
                                                                       {"idp-user-id-claim", config.idp.user_id_claim},
                                                                       {"idp-role-claim", config.idp.role_claim}};
    for (const auto& [name, value] : without_keys)
      if (!value.empty()) fail(name, "is of no use without --jwks-file or --jwks-url");
    return;
  }
  if (config.idp.rules.issuer == config.token_claims.issuer && !config.token_secret_file.empty()) {
    fail("idp-issuer", "must differ from --token-issuer");
  }
  if (config.idp.algorithms.empty()) fail("idp-algorithms", "must name at least one");
  if (config.idp.rules.issuer.empty())
    fail("idp-issuer", "must be set, to distinguish the provider's tokens from others");
  if (config.idp.rules.audience.empty()) fail("idp-audience", "must be set, to refuse tokens meant for other services");
  if (config.idp.scope_claims.empty()) fail("idp-scope-claims", "must name at least one");
  // An attacker who changes the keys on their way may issue tokens.
  if (!config.jwks.url.empty() && config.jwks.url.rfind("https://", 0) != 0 && !is_local_http(config.jwks.url))
    fail("jwks-url", "must begin with https:// (http:// goes to 127.0.0.1, [::1] and localhost only)");
}

}  // namespace audit::httpd
