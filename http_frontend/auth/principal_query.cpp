#include "auth/principal_query.hpp"

namespace audit::httpd {
namespace {

// A parameter can get into logs in many ways (pgaudit, auto_explain, debug_print_plan), so no password is one.
constexpr const char* password_salt_sql = "SELECT @schema@.audit_password_salt(username => $1)";

constexpr const char* password_proof_sql =
    "SELECT principal, user_id, scope, db_role, token_epoch"
    " FROM @schema@.audit_authenticate_proof(username => $1, proof => $2)";

constexpr const char* token_sql =
    "SELECT principal, user_id, scope, db_role, NULL"
    " FROM @schema@.audit_authenticate_token(username => $1, token_epoch => $2)";

constexpr const char* api_key_sql =
    "SELECT principal, user_id, scope, db_role, pg_catalog.floor(EXTRACT(epoch FROM expires_at))::bigint"
    " FROM @schema@.audit_authenticate_api_key(key_sha256 => $1)";

constexpr const char* certificate_sql =
    "SELECT principal, user_id, scope, db_role, NULL"
    " FROM @schema@.audit_authenticate_certificate(common_name => $1)";

std::string_view bytes_of(const Sha256& hash) { return {reinterpret_cast<const char*>(hash.data()), hash.size()}; }

}  // namespace

std::vector<PreparedStatement> principal_statements() {
  using enum SqlType;
  return {{"password_salt", password_salt_sql, {text}},
          {"password_proof", password_proof_sql, {text, bytes}},
          {"token", token_sql, {text, int4}},
          {"api_key", api_key_sql, {bytes}},
          {"certificate", certificate_sql, {text}}};
}

Query password_salt_query(std::string_view username) { return {{"password_salt", Parameters().add_bytes(username)}}; }

Query password_proof_query(std::string_view username, const Sha256& proof) {
  return {{"password_proof", Parameters().add_bytes(username).add_bytes(bytes_of(proof))}};
}

Query token_query(std::string_view username, std::int32_t token_epoch) {
  return {{"token", Parameters().add_bytes(username).add_int32(token_epoch)}};
}

Query api_key_query(const Sha256& key_hash) { return {{"api_key", Parameters().add_bytes(bytes_of(key_hash))}}; }

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
