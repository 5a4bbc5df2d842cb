#include "db/session_check.hpp"

#include <charconv>
#include <string_view>
#include <utility>

#include "base/version.hpp"
#include "db/pg_setup.hpp"

namespace audit::httpd {
namespace {

// Why the role is too mighty; null: it is not. A member of a mightier role counts as that role, since it can become it.
const std::string mighty_sql =
    "CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles"
    " WHERE rolsuper AND pg_catalog.pg_has_role(session_user, oid, 'MEMBER')) THEN 'is a superuser'"
    " WHEN me.rolbypassrls THEN 'has BYPASSRLS' WHEN me.rolcreaterole THEN 'has CREATEROLE'"
    " WHEN me.rolreplication THEN 'has REPLICATION'"
    " WHEN EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname IN ('pg_execute_server_program',"
    " 'pg_write_server_files', 'pg_read_server_files') AND pg_catalog.pg_has_role(session_user, oid, 'MEMBER'))"
    " THEN 'may use files or programs of the server'"
    " WHEN pg_catalog.pg_has_role(session_user, e.extowner, 'MEMBER') THEN 'owns the extension audit_ext' END";

const std::string self_from_sql =
    " FROM pg_catalog.pg_roles me"
    " LEFT JOIN pg_catalog.pg_extension e ON e.extname = 'audit_ext'"
    " LEFT JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace"
    " WHERE me.rolname = session_user";

// One row. It has whether the role has too many rights, the extension's schema (null: there is none), and whether the
// server is a standby. It has the role and the database. It has whether the role may call the needed functions, the
// extension's version, and the database's encoding.
const std::string query =
    "SELECT " + mighty_sql +
    ", pg_catalog.quote_ident(n.nspname), pg_catalog.pg_is_in_recovery(), me.rolname, pg_catalog.current_database(),"
    " pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND NOT EXISTS (SELECT FROM pg_catalog.pg_proc p"
    " WHERE p.pronamespace = n.oid AND p.proname = ANY ($1::pg_catalog.name[])"
    " AND NOT pg_catalog.has_function_privilege(p.oid, 'EXECUTE')),"
    " e.extversion, pg_catalog.getdatabaseencoding()" +
    self_from_sql;

const std::string check_sql = "SELECT pg_catalog.pg_is_in_recovery(), " + mighty_sql + self_from_sql;

std::string text(const PgResult& self, int column) { return std::string(self.value(0, column).value_or("")); }

// Of "1.10": {1, 10}.
std::pair<int, int> version_numbers(std::string_view text) {
  std::pair<int, int> numbers{0, 0};
  const char* const end = text.data() + text.size();
  const auto [dot, error] = std::from_chars(text.data(), end, numbers.first);
  if (dot != end) std::from_chars(dot + 1, end, numbers.second);
  return numbers;
}

void refuse_mighty_role(const PgResult& self) {
  if (!self.value(0, 0)) return;
  throw SetupProblem(SessionProblem::Kind::too_mighty, "the database role \"" + text(self, 3) + "\" " + text(self, 0) +
                                                           "; use a role that has nothing but audit_grant_frontend()");
}

// What callers send is UTF-8, and has characters that others lack.
void refuse_other_encoding(const PgResult& self) {
  const std::string found = text(self, 7);
  if (found == "UTF8") return;
  throw SetupProblem(SessionProblem::Kind::wrong_encoding,
                     "the database \"" + text(self, 4) + "\" has the encoding " + found +
                         ", but the daemon needs UTF8; dump it into a database made "
                         "with ENCODING 'UTF8' TEMPLATE template0");
}

std::string extension_schema(const PgResult& self) {
  if (self.value(0, 1)) return text(self, 1);
  throw SetupProblem(
      SessionProblem::Kind::not_ready,
      "the database \"" + text(self, 4) + "\" has no extension audit_ext; run CREATE EXTENSION audit_ext");
}

// The daemon calls what its own version of the extension has; later ones of the same major version have it too.
bool fits(std::string_view extension_version) {
  const auto [major, minor] = version_numbers(extension_version);
  const auto [own_major, own_minor] = version_numbers(version);
  return major == own_major && minor >= own_minor;
}

void refuse_other_version(const PgResult& self) {
  const std::string found = text(self, 6);
  if (fits(found)) return;
  throw SetupProblem(SessionProblem::Kind::not_ready, "the extension audit_ext is of version " + found +
                                                          ", but this daemon is of " + version +
                                                          "; run ALTER EXTENSION audit_ext UPDATE, or another daemon");
}

void refuse_missing_grants(const PgResult& self) {
  if (text(self, 5) == "t") return;
  throw SetupProblem(SessionProblem::Kind::not_ready, "the database role \"" + text(self, 3) +
                                                          "\" lacks rights; run SELECT audit_grant_frontend('" +
                                                          text(self, 3) + "')");
}

}  // namespace

const char* self_sql() { return query.c_str(); }

std::string needed_functions(const std::vector<PreparedStatement>& statements) {
  std::string names;
  for (const PreparedStatement& statement : statements) {
    if (statement.is_optional) continue;
    std::string_view rest = statement.sql;
    for (std::size_t at; (at = rest.find(schema_mark)) != std::string_view::npos;) {
      rest.remove_prefix(at + schema_mark.size() + 1);
      names.append(names.empty() ? "" : ",").append(rest.substr(0, rest.find('(')));
    }
  }
  return "{" + names + "}";
}

SessionSelf check_self(const PgResult& self) {
  refuse_mighty_role(self);
  refuse_other_encoding(self);
  const std::string schema = extension_schema(self);
  refuse_other_version(self);
  refuse_missing_grants(self);
  return {schema, text(self, 2) == "t"};
}

PreparedStatement check_statement() { return {"check", check_sql, {}}; }

}  // namespace audit::httpd
