// The table of settings.
#include "settings/config.hpp"
#include "settings/setting.hpp"

namespace audit::httpd {
namespace {

using enum Changes;

SettingGroup log_settings() {
  return {"Log",
          {{"log-level", at(&Config::log_level), one_of({"debug", "info", "warn", "error", "off"}),
            "How much to log. Each request has a line at level info"},
           {"log-format", at(&Config::log_format), one_of({"text", "json"}),
            "Format of each entry: a line of text or a JSON object"}}};
}

SettingGroup http_settings() {
  return {"HTTP",
          {{"listen", at(&Config::listen), text(""), "Address and port to listen on. Port 0: any free one", by_restart},
           {"tls-certificate-file", at(&Config::tls, &TlsFiles::certificate), text("/etc/audit_httpd/certificate.pem"),
            "Serve HTTPS with this certificate and those that lead to its CA (PEM)"},
           {"tls-key-file", at(&Config::tls, &TlsFiles::key), text("/etc/audit_httpd/key.pem"),
            "Private key of the certificate (PEM, mode 600)"},
           {"tls-client-ca-file", at(&Config::tls, &TlsFiles::client_ca), text("/etc/audit_httpd/client_ca.pem"),
            "CA of client certificates, whose common name is a user's name (PEM)"},
           {"plain-http", at(&Config::plain_http), one_of({"loopback", "anywhere"}), "Where to listen without TLS",
            by_restart},
           {"admin-listen", at(&Config::admin_listen), text(""),
            "Where /metrics, /healthz and /readyz are, without credentials. off: nowhere", by_restart},
           {"server-timing", at(&Config::server_timing), one_of({"off", "on"}),
            "Report in the header Server-Timing how long each stage took"},
           {"drain-timeout-ms", at(&Config::drain_timeout), numbers(0, 3'600'000),
            "How long to wait for requests under way when the daemon stops"}}};
}

SettingGroup connection_limits() {
  return {"What one caller may take",
          {{"connection-limit", at(&Config::http, &HttpLimits::connections), numbers(1, 1'000'000), "HTTP connections",
            by_restart},
           {"connections-per-address", at(&Config::http, &HttpLimits::connections_per_address), numbers(1, 1'000'000),
            "HTTP connections of one address. A /64 network of IPv6 counts as one"},
           {"address-requests-per-s", at(&Config::address_requests_per_s), numbers(0, 1'000'000),
            "Requests a second of one address. 0: no limit"},
           {"principal-requests-per-s", at(&Config::principal_requests_per_s), numbers(0, 1'000'000),
            "Requests a second of one user or key. 0: no limit"},
           {"receive-timeout-s", at(&Config::http, &HttpLimits::receive_timeout), numbers(1, 86'400),
            "How long a request may take to arrive"},
           {"answer-bytes-per-s", at(&Config::http, &HttpLimits::answer_bytes_per_s), numbers(1, 1'000'000'000),
            "Slowest rate at which a client may read an answer, after receive-timeout-s"},
           {"idle-timeout-s", at(&Config::http, &HttpLimits::idle_timeout), numbers(1, 86'400),
            "Close an HTTP connection that has been silent for so long", by_restart},
           {"trusted-proxies", at(&Config::http, &HttpLimits::trusted_proxies), networks("192.0.2.1, 2001:db8::/64"),
            "Addresses and networks whose X-Forwarded-For is trusted"}}};
}

SettingGroup size_limits() {
  return {"Sizes and memory",
          {{"head-limit-bytes", at(&Config::http, &HttpLimits::head_bytes), numbers(4096, 1'048'576),
            "Memory of a connection, for the heads of request and answer", by_restart},
           {"target-limit-bytes", at(&Config::http, &HttpLimits::target_bytes), numbers(256, 1'048'576),
            "Longest path and query"},
           {"body-limit-bytes", at(&Config::http, &HttpLimits::body_bytes), numbers(1024, 10'485'760),
            "Largest body of a request, unpacked"},
           {"body-memory-mb", at(&Config::http, &HttpLimits::body_memory), numbers(10, 1'000'000),
            "Memory for the bodies of all requests together"},
           {"answer-memory-mb", at(&Config::http, &HttpLimits::answer_memory), numbers(32, 1'000'000),
            "Memory for all answers of more than 64 kB that are being sent"},
           {"gzip-min-bytes", at(&Config::http, &HttpLimits::gzip_min_bytes), numbers(0, 1'073'741'824),
            "Compress answers of at least so many bytes for clients that accept gzip. 0: none"}}};
}

SettingGroup database_settings() {
  return {"Database",
          {{"database", at(&Config::pool, &PoolSettings::session, &SessionSettings::conninfo),
            text_or_nothing("host=/var/run/postgresql dbname=app user=audit_httpd"),
            "Connection string or URI of libpq. Without it, the PG* variables count", by_restart},
           {"pool-size", at(&Config::pool, &PoolSettings::size), numbers(1, 1000), "Database connections", by_restart},
           {"queue-limit", at(&Config::pool, &PoolSettings::queue_limit), numbers(0, 1'000'000),
            "Requests that may wait for a connection"},
           {"query-timeout-ms", at(&Config::pool, &PoolSettings::session, &SessionSettings::statement_timeout),
            numbers(1, 3'600'000), "Longest run of a query", by_restart},
           {"request-timeout-ms", at(&Config::pool, &PoolSettings::request_timeout), numbers(1, 3'600'000),
            "Longest wait for a connection and run of a query together"}}};
}

SettingGroup own_token_settings() {
  return {
      "Own tokens",
      {{"token-secret-file", at(&Config::token_secret_file), text("/run/credentials/audit_httpd.service/secret_token"),
        "File with the secret that signs own tokens (openssl rand -hex 32; mode 600). A service has it as a "
        "credential"},
       {"token-lifetime-s", at(&Config::token_lifetime), numbers(1, 31'536'000), "Life of an own token"},
       {"token-issuer", at(&Config::token_claims, &ClaimRules::issuer), text(""), "`iss` of own tokens"},
       {"token-audience", at(&Config::token_claims, &ClaimRules::audience), text(""), "`aud` of own tokens"},
       {"login-attempts", at(&Config::login_attempts), numbers(1, 1'000'000),
        "Failed log-ins for a name, or from an address, before more are rejected"},
       {"login-window-s", at(&Config::login_window), numbers(1, 86'400), "The time in which they count"}}};
}

SettingGroup idp_settings() {
  return {"Tokens of an identity provider",
          {{"jwks-file", at(&Config::jwks, &KeySetLocation::file), text("/etc/audit_httpd/jwks.json"),
            "File with the provider's public keys (a JWK set)", by_restart},
           {"jwks-url", at(&Config::jwks, &KeySetLocation::url), text("https://idp.example.com/keys"),
            "URL of these keys, instead of a file", by_restart},
           {"jwks-refresh-s", at(&Config::jwks, &KeySetLocation::refresh), numbers(1, 86'400),
            "How often to read the keys again", by_restart},
           {"idp-issuer", at(&Config::idp, &IdentityProvider::rules, &ClaimRules::issuer),
            text("https://idp.example.com/"), "`iss` that its tokens must have", by_restart},
           {"idp-audience", at(&Config::idp, &IdentityProvider::rules, &ClaimRules::audience), text("audit"),
            "`aud` that its tokens must have", by_restart},
           {"idp-algorithms", at(&Config::idp, &IdentityProvider::algorithms), text(""),
            "Signature algorithms that its tokens may have", by_restart},
           {"idp-user-id-claim", at(&Config::idp, &IdentityProvider::user_id_claim), text("user_id"),
            "Claim with the user_id", by_restart},
           {"idp-role-claim", at(&Config::idp, &IdentityProvider::role_claim), text("db_role"),
            "Claim with the database role to run under. If set, tokens must have it", by_restart},
           {"idp-scope-claims", at(&Config::idp, &IdentityProvider::scope_claims), text(""),
            "Claims whose scopes add up. One that begins with a slash is a JSON pointer, such as /realm_access/roles",
            by_restart}}};
}

SettingGroup memory_settings() {
  return {"What is remembered",
          {{"principal-cache-s", at(&Config::principal_cache), numbers(0, 3600),
            "How long to remember whom a key or token belongs to. A change takes effect at once, also before that"}}};
}

}  // namespace

const std::vector<SettingGroup>& setting_groups() {
  static const std::vector<SettingGroup> groups{log_settings(), http_settings(),     connection_limits(),
                                                size_limits(),  database_settings(), own_token_settings(),
                                                idp_settings(), memory_settings()};
  return groups;
}

}  // namespace audit::httpd
