#include "settings/settings.hpp"

#include <utility>

#include "auth/key_set_source.hpp"
#include "base/listen_socket.hpp"
#include "base/settings_file.hpp"

namespace audit::httpd {
namespace {

TokenIssuerPtr make_issuer(const Config& config) {
  if (config.token_secret_file.empty()) return nullptr;
  return std::make_shared<TokenIssuer>(read_secret_file(config.token_secret_file), config.token_claims,
                                       config.token_lifetime);
}

KeySetPtr read_key_file(const Config& config) {
  if (config.jwks.file.empty()) return nullptr;  // by URL: while serving
  LoadedKeySet loaded = load_key_set(config.jwks);
  if (loaded.keys) return loaded.keys;
  const std::string first = loaded.left_out.empty() ? "" : "; " + loaded.left_out.front();
  throw ConfigProblem("--jwks-file: " + config.jwks.file + ": there is no usable public key in it" + first);
}

TlsCredentialsPtr read_tls_files(const Config& config) {
  if (!config.has_tls()) return nullptr;
  return std::make_shared<TlsCredentials>(config.tls);
}

// Credentials must not pass over a network in the clear by an oversight.
void refuse_public_addresses(const Config& config) {
  if (config.plain_http == "anywhere") return;
  if (!config.has_tls()) refuse_public_address("listen", parse_listen(config.listen));
  if (config.has_admin_listener()) refuse_public_address("admin-listen", parse_listen(config.admin_listen));
}

}  // namespace

Settings load_settings(Config config) {
  try {
    refuse_public_addresses(config);
    TokenIssuerPtr issuer = make_issuer(config);
    KeySetPtr keys = read_key_file(config);
    TlsCredentialsPtr tls = read_tls_files(config);
    return {std::move(config), std::move(issuer), std::move(keys), std::move(tls)};
  } catch (const ConfigProblem& problem) {
    throw config.with_origin(problem);
  }
}

}  // namespace audit::httpd
