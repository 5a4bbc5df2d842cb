// The SQL behind authentication: passwords, own tokens, API keys.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "auth/principal.hpp"
#include "auth/sha256.hpp"
#include "db/query.hpp"
#include "db/query_outcome.hpp"

namespace audit::httpd {

std::vector<PreparedStatement> principal_statements();

// One row and column: the salt for a proof of the password. An unknown name has one too.
Query password_salt_query(std::string_view username);
Query password_proof_query(std::string_view username, const Sha256& proof);
Query token_query(std::string_view username, std::int32_t token_epoch);
Query api_key_query(const Sha256& key_hash);
Query certificate_query(std::string_view common_name);

// Their answer. `extra` is the token's epoch after a password. For an API key it is the time of expiry in seconds since
// 1970, if there is one.
struct FoundPrincipal {
  Principal principal;
  std::optional<std::int64_t> extra;
};

// Nothing: the credential is wrong.
std::optional<FoundPrincipal> found_principal(const PgResult& result);

}  // namespace audit::httpd
