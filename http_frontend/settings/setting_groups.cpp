// The table of settings.
#include "settings/config.hpp"
#include "settings/setting.hpp"

namespace audit::httpd {
namespace {

using enum Changes;

SettingGroup log_settings() { return {"Log", {{"log-level", [](Config & c) -> auto& {return c.log_level; }
, one_of({"debug", "info", "warn", "error", "off"}), "How much to log. Each request has a line at level info"
}  // namespace
, {
  "log-format", [](Config & c) -> auto& { return c.log_format; }
  , one_of({"text", "json"}), "Format of each entry: a line of text or a JSON object"
}
}  // namespace audit::httpd
}
;
}

SettingGroup http_settings() { return {"HTTP", {{"listen", [](Config & c) -> auto& {return c.listen; }
, text(""), "Address and port to listen on. Port 0: any free one", by_restart
}
, {"tls-certificate-file", [](Config& c) -> auto& {return c.tls.certificate;
}
, text("/etc/audit_httpd/certificate.pem"), "Serve HTTPS with this certificate and those that lead to its CA (PEM)"
}
, {"tls-key-file", [](Config& c) -> auto& {return c.tls.key;
}
, text("/etc/audit_httpd/key.pem"), "Private key of the certificate (PEM, mode 600)"
}
, {"tls-client-ca-file", [](Config& c) -> auto& {return c.tls.client_ca;
}
, text("/etc/audit_httpd/client_ca.pem"), "CA of client certificates, whose common name is a user's name (PEM)"
}
, {"plain-http", [](Config& c) -> auto& {return c.plain_http;
}
, one_of({"loopback", "anywhere"}), "Where to listen without TLS", by_restart
}
, {"admin-listen", [](Config& c) -> auto& {return c.admin_listen;
}
, text(""), "Where /metrics, /healthz and /readyz are, without credentials. off: nowhere", by_restart
}
, {"server-timing", [](Config& c) -> auto& {return c.server_timing;
}
, one_of({"off", "on"}), "Report in the header Server-Timing how long each stage took"
}
, {
  "drain-timeout-ms", [](Config & c) -> auto& { return c.drain_timeout; }
  , numbers(0, 3'600'000), "How long to wait for requests under way when the daemon stops"
}
}
}
;
}

SettingGroup connection_limits() {
  return {"What one caller may take", {{"connection-limit", [](Config & c) -> auto& {return c.http.connections;
}
, numbers(1, 1'000'000), "HTTP connections", by_restart
}
, {"connections-per-address", [](Config& c) -> auto& {return c.http.connections_per_address;
}
, numbers(1, 1'000'000), "HTTP connections of one address. A /64 network of IPv6 counts as one"
}
, {"address-requests-per-s", [](Config& c) -> auto& {return c.address_requests_per_s;
}
, numbers(0, 1'000'000), "Requests a second of one address. 0: no limit"
}
, {"principal-requests-per-s", [](Config& c) -> auto& {return c.principal_requests_per_s;
}
, numbers(0, 1'000'000), "Requests a second of one user or key. 0: no limit"
}
, {"receive-timeout-s", [](Config& c) -> auto& {return c.http.receive_timeout;
}
, numbers(1, 86'400), "How long a request may take to arrive"
}
, {"answer-bytes-per-s", [](Config& c) -> auto& {return c.http.answer_bytes_per_s;
}
, numbers(1, 1'000'000'000), "Slowest rate at which a client may read an answer, after receive-timeout-s"
}
, {"idle-timeout-s", [](Config& c) -> auto& {return c.http.idle_timeout;
}
, numbers(1, 86'400), "Close an HTTP connection that has been silent for so long", by_restart
}
, {
  "trusted-proxies", [](Config & c) -> auto& { return c.http.trusted_proxies; }
  , networks("192.0.2.1, 2001:db8::/64"), "Addresses and networks whose X-Forwarded-For is trusted"
}
}
}
;
}

SettingGroup size_limits() {
  return {"Sizes and memory", {{"head-limit-bytes", [](Config & c) -> auto& {return c.http.head_bytes;
}
, numbers(4096, 1'048'576), "Memory of a connection, for the heads of request and answer", by_restart
}
, {"target-limit-bytes", [](Config& c) -> auto& {return c.http.target_bytes;
}
, numbers(256, 1'048'576), "Longest path and query"
}
, {"body-limit-bytes", [](Config& c) -> auto& {return c.http.body_bytes;
}
, numbers(1024, 10'485'760), "Largest body of a request, unpacked"
}
, {"body-memory-mb", [](Config& c) -> auto& {return c.http.body_memory;
}
, numbers(10, 1'000'000), "Memory for the bodies of all requests together"
}
, {"answer-memory-mb", [](Config& c) -> auto& {return c.http.answer_memory;
}
, numbers(32, 1'000'000), "Memory for all answers of more than 64 kB that are being sent"
}
, {
  "gzip-min-bytes", [](Config & c) -> auto& { return c.http.gzip_min_bytes; }
  , numbers(0, 1'073'741'824), "Compress answers of at least so many bytes for clients that accept gzip. 0: none"
}
}
}
;
}

SettingGroup database_settings() {
  return {"Database", {{"database", [](Config & c) -> auto& {return c.pool.session.conninfo;
}
, text_or_nothing("host=/var/run/postgresql dbname=app user=audit_httpd"),
    "Connection string or URI of libpq. Without it, the PG* variables count", by_restart
}
, {"pool-size", [](Config& c) -> auto& {return c.pool.size;
}
, numbers(1, 1000), "Database connections", by_restart
}
, {"queue-limit", [](Config& c) -> auto& {return c.pool.queue_limit;
}
, numbers(0, 1'000'000), "Requests that may wait for a connection"
}
, {"query-timeout-ms", [](Config& c) -> auto& {return c.pool.session.statement_timeout;
}
, numbers(1, 3'600'000), "Longest run of a query", by_restart
}
, {
  "request-timeout-ms", [](Config & c) -> auto& { return c.pool.request_timeout; }
  , numbers(1, 3'600'000), "Longest wait for a connection and run of a query together"
}
}
}
;
}

SettingGroup own_token_settings() {
  return {"Own tokens", {{"token-secret-file", [](Config & c) -> auto& {return c.token_secret_file;
}
, text("/run/credentials/audit_httpd.service/secret_token"),
    "File with the secret that signs own tokens (openssl rand -hex 32; mode 600). A service has it as a credential"
}
, {"token-lifetime-s", [](Config& c) -> auto& {return c.token_lifetime;
}
, numbers(1, 31'536'000), "Life of an own token"
}
, {"token-issuer", [](Config& c) -> auto& {return c.token_claims.issuer;
}
, text(""), "`iss` of own tokens"
}
, {"token-audience", [](Config& c) -> auto& {return c.token_claims.audience;
}
, text(""), "`aud` of own tokens"
}
, {"login-attempts", [](Config& c) -> auto& {return c.login_attempts;
}
, numbers(1, 1'000'000), "Failed log-ins for a name, or from an address, before more are rejected"
}
, {
  "login-window-s", [](Config & c) -> auto& { return c.login_window; }
  , numbers(1, 86'400), "The time in which they count"
}
}
}
;
}

SettingGroup idp_settings() {
  return {"Tokens of an identity provider", {{"jwks-file", [](Config & c) -> auto& {return c.jwks.file;
}
, text("/etc/audit_httpd/jwks.json"), "File with the provider's public keys (a JWK set)", by_restart
}
, {"jwks-url", [](Config& c) -> auto& {return c.jwks.url;
}
, text("https://idp.example.com/keys"), "URL of these keys, instead of a file", by_restart
}
, {"jwks-refresh-s", [](Config& c) -> auto& {return c.jwks.refresh;
}
, numbers(1, 86'400), "How often to read the keys again", by_restart
}
, {"idp-issuer", [](Config& c) -> auto& {return c.idp.rules.issuer;
}
, text("https://idp.example.com/"), "`iss` that its tokens must have", by_restart
}
, {"idp-audience", [](Config& c) -> auto& {return c.idp.rules.audience;
}
, text("audit"), "`aud` that its tokens must have", by_restart
}
, {"idp-algorithms", [](Config& c) -> auto& {return c.idp.algorithms;
}
, text(""), "Signature algorithms that its tokens may have", by_restart
}
, {"idp-user-id-claim", [](Config& c) -> auto& {return c.idp.user_id_claim;
}
, text("user_id"), "Claim with the user_id", by_restart
}
, {"idp-role-claim", [](Config& c) -> auto& {return c.idp.role_claim;
}
, text("db_role"), "Claim with the database role to run under. If set, tokens must have it", by_restart
}
, {
  "idp-scope-claims", [](Config & c) -> auto& { return c.idp.scope_claims; }
  , text(""), "Claims whose scopes add up. One that begins with a slash is a JSON pointer, such as /realm_access/roles",
      by_restart
}
}
}
;
}

SettingGroup memory_settings() {
  return {"What is remembered", {{"principal-cache-s", [](Config & c) -> auto& {return c.principal_cache;
}
, numbers(0, 3600), "How long to remember whom a key or token belongs to. A change is noticed at once all the same"
}
}
}
;
}

}  // namespace

const std::vector<SettingGroup>& setting_groups() {
  static const std::vector<SettingGroup> groups{log_settings(), http_settings(),     connection_limits(),
                                                size_limits(),  database_settings(), own_token_settings(),
                                                idp_settings(), memory_settings()};
  return groups;
}

}  // namespace audit::httpd
