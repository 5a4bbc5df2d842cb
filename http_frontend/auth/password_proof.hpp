// The proof that the database gets instead of a password. A reader of it, in a log for example, cannot use it.
#pragma once

#include <string>
#include <string_view>

#include "auth/sha256.hpp"

namespace audit::httpd {

// SHA-256 of the password's bcrypt hash with that salt: "$2a$", cost, "$" and 22 characters, as audit_password_salt()
// returns it. Takes as long as bcrypt. The proof is all zeros for an invalid salt and for an impossible password. Such
// a password holds U+0000, or more than the 72 bytes that bcrypt reads.
Sha256 password_proof(const std::string& password, std::string_view salt);

}  // namespace audit::httpd
