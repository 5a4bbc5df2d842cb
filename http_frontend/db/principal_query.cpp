#include "db/principal_query.hpp"

namespace audit::httpd {
namespace {

constexpr const char* password_sql =
    "SELECT principal, user_id, scope, db_role, token_epoch"
    " FROM @schema@.audit_authenticate_password(username => $1, password => $2)";

constexpr const char* token_sql =
    "SELECT principal, user_id, scope, db_role, NULL"
    " FROM @schema@.audit_authenticate_token(username => $1, token_epoch => $2)";

constexpr const char* api_key_sql =
    "SELECT principal, user_id, scope, db_role, pg_catalog.floor(EXTRACT(epoch FROM expires_at))::bigint"
    " FROM @schema@.audit_authenticate_api_key(key_sha256 => $1)";

constexpr const char* certificate_sql =
    "SELECT principal, user_id, scope, db_role, NULL"
    " FROM @schema@.audit_authenticate_certificate(common_name => $1)";

}  // namespace

std::vector<PreparedStatement> principal_statements() {
  using enum SqlType;
  return {{"password", password_sql, {text, text}},
          {"token", token_sql, {text, int4}},
          {"api_key", api_key_sql, {bytes}},
          {"certificate", certificate_sql, {text}}};
}

Query password_query(std::string_view username, std::string_view password) {
  return {{"password", Parameters().add_bytes(username).add_bytes(password)}};
}

Query token_query(std::string_view username, std::int32_t token_epoch) {
  return {{"token", Parameters().add_bytes(username).add_int32(token_epoch)}};
}

Query api_key_query(const Sha256& key_hash) {
  return {{"api_key", Parameters().add_bytes({reinterpret_cast<const char*>(key_hash.data()), key_hash.size()})}};
}

Query certificate_query(std::string_view common_name) { return {{"certificate", Parameters().add_bytes(common_name)}}; }

std::optional<FoundPrincipal> found_principal(const PgResult& result) {
  if (result.row_count() == 0) return std::nullopt;
  FoundPrincipal found;
  found.principal.name = result.value(0, 0).value_or("");
  found.principal.user_id = result.integer(0, 1);
  found.principal.scopes = Scopes::parse_known(result.value(0, 2).value_or(""));
  if (const auto role = result.value(0, 3)) found.principal.db_role = std::string(*role);
  found.extra = result.integer(0, 4);
  return found;
}

}  // namespace audit::httpd
