#include "settings/config.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <cstring>
#include <set>
#include <sstream>

#include "auth/json_web_key.hpp"
#include "base/listen_socket.hpp"
#include "base/version.hpp"
#include "db/pg_session.hpp"
#include "http/trusted_proxies.hpp"

namespace audit::httpd {
namespace {

// Something about the file itself.
struct FileProblem : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// CLI11's reader of files takes a setting that comes twice as a list, and a section as a name with a dot in it.
class FlatConfig : public CLI::ConfigINI {
 public:
  explicit FlatConfig(const CLI::App& app) : app_(app) {}

  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
    std::vector<CLI::ConfigItem> items = CLI::ConfigINI::from_config(input);
    std::set<std::string> seen;
    for (const CLI::ConfigItem& item : items) {
      if (!item.parents.empty()) throw FileProblem("sections are not known: " + item.parents.front());
      if (app_.get_option_no_throw("--" + item.name) == nullptr) throw FileProblem("unknown setting " + item.name);
      if (!seen.insert(item.name).second || item.inputs.size() != 1) {
        throw FileProblem(item.name +
                          " must be set once, to one value (in quotes if it has spaces; no comment after it)");
      }
    }
    return items;
  }

 private:
  const CLI::App& app_;
};

std::string environment_name(std::string option) {
  std::transform(option.begin(), option.end(), option.begin(),
                 [](unsigned char c) { return c == '-' ? '_' : static_cast<char>(std::toupper(c)); });
  return "AUDIT_HTTPD_" + option;
}

class Reader {
 public:
  explicit Reader(Config& config) : config_(config) { declare(); }

  void read(int argc, const char* const* argv) {
    try {
      app_.parse(arguments(argc, argv));
    } catch (const CLI::Success&) {
      throw;
    } catch (const FileProblem& problem) {
      throw ConfigProblem(problem.what() + origin_file());
    } catch (const CLI::ParseError& error) {
      throw ConfigProblem(one_line(error.what()) + origin_of(error.what()));
    }
  }

  CLI::App& app() { return app_; }

  // What the Config has for itself besides the values.
  void describe() {
    for (const CLI::Option* option : app_.get_options()) {
      const std::string name = option->get_single_name();
      config_.origins[name] = origin(name);
      if (restart_only.count(name) == 0) continue;
      config_.restart_only[name] = option->empty() ? option->get_default_str() : CLI::detail::join(option->results());
    }
  }

  // Where the setting was made, for messages.
  std::string origin(const std::string& option) const {
    if (from_command_line_.count(option) != 0) return "";
    if (from_environment_.count(option) != 0) return " (from the environment: " + environment_name(option) + ")";
    return app_.count("--" + option) != 0 ? origin_file() : "";
  }

 private:
  template <typename Value>
  void text(const std::string& name, Value& to, const std::string& help) {
    app_.add_option("--" + name, to, help + "\n[" + environment_name(name) + "]")
        ->check([](const std::string& value) { return std::string(value.empty() ? "must not be empty" : ""); })
        ->capture_default_str();
  }
  // What else CLI11 takes for a number depends on its version: a blank behind it, a separator within.
  static std::string is_digits(const std::string& value) {
    return value.find_first_not_of("0123456789") == std::string::npos ? "" : "must be digits";
  }

  template <typename Value>
  void number(const std::string& name, Value& to, unsigned low, unsigned high, const std::string& help) {
    app_.add_option("--" + name, to, help + "\n[" + environment_name(name) + "]")
        ->check(is_digits)
        ->check(CLI::Range(low, high))
        ->type_name("NUMBER")
        ->capture_default_str();
  }

  void choice(const std::string& name, std::string& to, std::vector<std::string> values, const std::string& help) {
    app_.add_option("--" + name, to, help + "\n[" + environment_name(name) + "]")
        ->check(CLI::IsMember(std::move(values)))
        ->capture_default_str();
  }

  // Sockets, sessions and the library's own limits are made once.
  inline static const std::set<std::string> restart_only{
      "listen",         "admin-listen",     "plain-http",       "database",
      "pool-size",      "query-timeout-ms", "connection-limit", "head-limit-bytes",
      "idle-timeout-s", "jwks-file",        "jwks-url",         "jwks-refresh-s",
      "idp-issuer",     "idp-audience",     "idp-algorithms",   "idp-user-id-claim",
      "idp-role-claim", "idp-scope-claims"};

  void declare();
  void declare_limits();
  void declare_identity();
  std::vector<std::string> arguments(int argc, const char* const* argv);

  // Of the setting that CLI11's message names, which its longest match is: `--idp-issuer` is no `--idp`.
  std::string origin_of(const std::string& message) const {
    std::string named;
    for (const CLI::Option* option : app_.get_options()) {
      const std::string name = option->get_single_name();
      if (name.size() > named.size() && message.find(name) != std::string::npos) named = name;
    }
    return named.empty() || named == "config" ? origin_file() : origin(named);
  }

  std::string origin_file() const {
    const CLI::Option* file = app_.get_config_ptr();
    return file->count() != 0 ? " (from " + file->as<std::string>() + ")" : "";
  }

  static std::string one_line(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
  }

  Config& config_;
  CLI::App app_{"Serves the audit trail of the PostgreSQL extension audit_ext over HTTP.", "audit_httpd"};
  std::set<std::string> from_command_line_;
  std::set<std::string> from_environment_;
};

void Reader::declare() {
  app_.config_formatter(std::make_shared<FlatConfig>(app_));
  app_.allow_config_extras(false);
  app_.set_config("--config", "", "File of settings: a line `name = value` each, names as here");
  app_.set_version_flag("--version", std::string("audit_httpd ") + version);
  app_.add_flag("--check-config", config_.check_only, "Check the settings, and do nothing else");
  text("listen", config_.listen, "Address and port to listen on; port 0: any free one");
  text("tls-certificate-file", config_.tls_certificate_file,
       "Serve HTTPS with this certificate and those that lead to its CA (PEM)");
  text("tls-key-file", config_.tls_key_file, "Private key of the certificate (PEM)");
  text("tls-client-ca-file", config_.tls_client_ca_file,
       "CA whose client certificates tell who is calling: the common name is a user's name (PEM)");
  choice("plain-http", config_.plain_http, {"loopback", "anywhere"}, "Addresses that may be listened on without TLS");
  text("admin-listen", config_.admin_listen, "The same for /metrics, /healthz and /readyz; off: nowhere");
  app_.add_option("--database", config_.database,
                  "libpq connection string or URI; empty: the PG* environment\n[AUDIT_HTTPD_DATABASE]");
  number("pool-size", config_.pool_size, 1, 1000, "Database connections");
  number("queue-limit", config_.queue_limit, 0, 1'000'000, "Requests that may wait for one");
  number("query-timeout-ms", config_.query_timeout_ms, 1, 3'600'000, "Longest run of a query");
  number("request-timeout-ms", config_.request_timeout_ms, 1, 3'600'000, "Longest wait and query together");
  declare_identity();
  declare_limits();
  number("drain-timeout-ms", config_.drain_timeout_ms, 0, 3'600'000, "At the end, wait so long for requests under way");
  choice("server-timing", config_.server_timing, {"off", "on"}, "Tell callers how long each stage took");
  choice("log-level", config_.log_level, {"debug", "info", "warn", "error", "off"}, "How much to log");
  choice("log-format", config_.log_format, {"text", "json"}, "How to log it");
}

void Reader::declare_limits() {
  number("connection-limit", config_.connection_limit, 1, 1'000'000, "HTTP connections");
  number("connections-per-address", config_.connections_per_address, 1, 1'000'000, "HTTP connections of one address");
  number("address-requests-per-s", config_.address_requests_per_s, 0, 1'000'000,
         "Requests a second of one address; 0: no limit");
  number("principal-requests-per-s", config_.principal_requests_per_s, 0, 1'000'000,
         "Requests a second of one user or key; 0: no limit");
  number("head-limit-bytes", config_.head_limit_bytes, 4096, 1'048'576, "Memory for the head of a request");
  number("target-limit-bytes", config_.target_limit_bytes, 256, 1'048'576, "Longest path and query");
  number("body-limit-bytes", config_.body_limit_bytes, 1024, 10'485'760, "Largest body of a request");
  number("body-memory-mb", config_.body_memory_mb, 10, 1'000'000, "Memory for the bodies of all requests together");
  number("answer-memory-mb", config_.answer_memory_mb, 32, 1'000'000,
         "Memory for all answers of more than 64 kB that are being sent");
  number("receive-timeout-s", config_.receive_timeout_s, 1, 86'400, "A request must have arrived whole after so long");
  number("answer-bytes-per-s", config_.answer_bytes_per_s, 1, 1'000'000'000,
         "An answer must have been taken after receive-timeout-s, and a second for so many bytes of it");
  number("idle-timeout-s", config_.idle_timeout_s, 1, 86'400,
         "Close an HTTP connection that has been silent for so long");
  number("gzip-min-bytes", config_.gzip_min_bytes, 0, 1'073'741'824,
         "Compress answers from this size on for those who take it; 0: none");
  text("trusted-proxies", config_.trusted_proxies, "Addresses and networks whose X-Forwarded-For is believed");
}

void Reader::declare_identity() {
  text("token-secret-file", config_.token_secret_file,
       "File with the secret for own tokens; without it there are none");
  number("token-lifetime-s", config_.token_lifetime_s, 1, 31'536'000, "Life of an own token");
  text("token-issuer", config_.token_issuer, "`iss` of own tokens");
  text("token-audience", config_.token_audience, "`aud` of own tokens");
  text("jwks-file", config_.jwks_file, "File with the identity provider's public keys (a JWK set)");
  text("jwks-url", config_.jwks_url, "URL of them");
  number("jwks-refresh-s", config_.jwks_refresh_s, 1, 86'400, "Read them again so often");
  text("idp-issuer", config_.idp_issuer, "`iss` that its tokens must have");
  text("idp-audience", config_.idp_audience, "`aud` that its tokens must have");
  text("idp-algorithms", config_.idp_algorithms, "Signature algorithms that its tokens may have");
  text("idp-user-id-claim", config_.idp_user_id_claim, "Claim with the user_id");
  text("idp-role-claim", config_.idp_role_claim,
       "Claim with the database role to run under; if set, tokens must have it");
  text("idp-scope-claims", config_.idp_scope_claims,
       "Claims whose scopes add up; one with a slash in front is a JSON pointer, such as /realm_access/roles");
  number("principal-cache-s", config_.principal_cache_s, 0, 3600, "Remember so long who a key or token belongs to");
  number("login-attempts", config_.login_attempts, 1, 1'000'000, "Failed logins for a name, or from an address");
  number("login-window-s", config_.login_window_s, 1, 86'400, "in so many seconds, before more are refused");
}

// The environment as if it came first on the command line, for the options that do not: CLI11 itself would let the file
// win over the environment. (CLI11 takes the arguments in reverse order.)
std::vector<std::string> Reader::arguments(int argc, const char* const* argv) {
  std::vector<std::string> all(argv + 1, argv + argc);
  for (const std::string& argument : all) {
    if (argument.rfind("--", 0) == 0) from_command_line_.insert(argument.substr(2, argument.find('=') - 2));
  }
  for (const CLI::Option* option : app_.get_options()) {
    const std::string name = option->get_single_name();
    const bool has_value = option->get_items_expected_max() != 0 && option->get_type_size_max() != 0;
    const char* value = std::getenv(environment_name(name).c_str());
    if (!has_value || value == nullptr || from_command_line_.count(name) != 0) continue;
    from_environment_.insert(name);
    all.insert(all.begin(), {"--" + name, value});  // not --name=value: CLI11 would overlook an empty one
  }
  std::reverse(all.begin(), all.end());
  return all;
}

// A misspelt variable would otherwise do nothing, and nobody would know.
void refuse_unknown_variables(const CLI::App& app) {
  constexpr std::string_view prefix = "AUDIT_HTTPD_";
  std::set<std::string> known;
  for (const CLI::Option* option : app.get_options()) known.insert(environment_name(option->get_single_name()));
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string name(*variable, std::strcspn(*variable, "="));
    if (name.compare(0, prefix.size(), prefix) == 0 && known.count(name) == 0) {
      throw ConfigProblem("unknown variable " + name + " in the environment");
    }
  }
}

bool is_local_http(const std::string& url) {
  for (const std::string host : {"http://127.0.0.1", "http://[::1]", "http://localhost"}) {
    const char next = url.rfind(host, 0) == 0 ? url.c_str()[host.size()] : 'x';
    if (next == '\0' || next == ':' || next == '/') return true;
  }
  return false;
}

// The rules that concern more than the form of one setting.
void check(const Config& config, const Reader& reader) {
  const auto fail = [&](const std::string& option, const std::string& what) {
    throw ConfigProblem("--" + option + ": " + what + reader.origin(option));
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
  if (config.has_tls() != !config.tls_key_file.empty()) {
    fail(config.has_tls() ? "tls-certificate-file" : "tls-key-file",
         "--tls-certificate-file and --tls-key-file must be set together");
  }
  if (!config.tls_client_ca_file.empty() && !config.has_tls()) {
    fail("tls-client-ca-file", "is of no use without --tls-certificate-file and --tls-key-file");
  }
  if (!TrustedProxies::parse(config.trusted_proxies)) {
    fail("trusted-proxies", "is no list of addresses and networks, such as 192.0.2.1, 2001:db8::/32");
  }
  if (config.target_limit_bytes >= config.head_limit_bytes)
    fail("target-limit-bytes", "must be below --head-limit-bytes");
  if (!is_valid_conninfo(config.database)) fail("database", "is no libpq connection string or URI");
  if (!config.jwks_file.empty() && !config.jwks_url.empty())
    fail("jwks-url", "cannot be set together with --jwks-file");
  for (const std::string& name : config.algorithms()) {
    if (find_signature_algorithm(name) == nullptr) {
      fail("idp-algorithms", "\"" + name + "\" is none of RS256 to RS512, PS256 to PS512, ES256 to ES512, EdDSA");
    }
  }
  if (!config.has_identity_provider()) {
    if (!config.idp_issuer.empty()) fail("idp-issuer", "is of no use without --jwks-file or --jwks-url");
    return;
  }
  if (config.idp_issuer == config.token_issuer && !config.token_secret_file.empty()) {
    fail("idp-issuer", "must differ from --token-issuer");
  }
  if (config.algorithms().empty()) fail("idp-algorithms", "must name at least one");
  if (config.idp_issuer.empty()) fail("idp-issuer", "must be set, to tell the provider's tokens from others");
  if (config.idp_audience.empty()) fail("idp-audience", "must be set, to refuse tokens meant for other services");
  if (config.scope_claims().empty()) fail("idp-scope-claims", "must name at least one");
  // Whoever changes the keys on their way may issue tokens.
  if (!config.jwks_url.empty() && config.jwks_url.rfind("https://", 0) != 0 && !is_local_http(config.jwks_url))
    fail("jwks-url", "must begin with https:// (http:// goes to 127.0.0.1, [::1] and localhost only)");
}

}  // namespace

namespace {

std::vector<std::string> names_in(const std::string& text) {
  std::vector<std::string> names;
  std::istringstream list(text);
  for (std::string name; std::getline(list, name, ',');) {
    name.erase(std::remove(name.begin(), name.end(), ' '), name.end());
    if (!name.empty()) names.push_back(name);
  }
  return names;
}

}  // namespace

std::vector<std::string> Config::algorithms() const { return names_in(idp_algorithms); }
std::vector<std::string> Config::scope_claims() const { return names_in(idp_scope_claims); }

ConfigProblem Config::with_origin(const ConfigProblem& problem) const {
  const std::string text = problem.what();
  const std::string name = text.substr(0, text.find(':'));
  const auto origin = name.rfind("--", 0) == 0 ? origins.find(name.substr(2)) : origins.end();
  return origin == origins.end() ? problem : ConfigProblem(text + origin->second);
}

std::variant<Config, Information> read_config(int argc, const char* const* argv) {
  Config config;
  Reader reader(config);
  try {
    reader.read(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return Information{reader.app().help()};
  } catch (const CLI::CallForVersion&) {
    return Information{reader.app().version() + "\n"};
  }
  refuse_unknown_variables(reader.app());
  check(config, reader);
  reader.describe();
  return config;
}

}  // namespace audit::httpd
