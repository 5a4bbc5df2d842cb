// What the database is sent instead of a password: a proof that is of no use to whoever reads it, in a log for example.
#pragma once

#include <string>
#include <string_view>

#include "auth/sha256.hpp"

namespace audit::httpd {

// SHA-256 of the bcrypt hash that the password has with that salt: "$2a$", cost, "$" and 22 characters, as
// audit_password_salt() returns it. Takes as long as bcrypt does. A password that nobody can have (more than the 72
// bytes that bcrypt reads, U+0000 in it) and a salt that is none get the proof of nothing, all zeros.
Sha256 password_proof(const std::string& password, std::string_view salt);

}  // namespace audit::httpd
