// Proofs of passwords: bcrypt as pgcrypto has it, and nothing for what is no password.
#include "auth/password_proof.hpp"

#include <gtest/gtest.h>

namespace audit::httpd {
namespace {

// Solar Designer's test vectors, which pgcrypto's regression tests use as well.
TEST(PasswordProof, IsTheHashOfTheHash) {
  EXPECT_EQ(password_proof("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC."),
            sha256("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"));
  EXPECT_EQ(password_proof("", "$2a$05$CCCCCCCCCCCCCCCCCCCCC."),
            sha256("$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"));
}

// libcrypt's own $2a$ takes a detour for this one; pgcrypto's, like $2y$ and $2b$, does not.
TEST(PasswordProof, PasswordsOutsideOfAscii) {
  EXPECT_EQ(password_proof("\xff\xff\xa3", "$2a$05$/OK.fbVrR/bpIqNJ5ianF."),
            sha256("$2a$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e"));
}

TEST(PasswordProof, NothingForWhatIsNoPassword) {
  constexpr std::string_view salt = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.";
  const Sha256 nothing{};
  EXPECT_NE(password_proof(std::string(72, 'x'), salt), nothing);
  EXPECT_EQ(password_proof(std::string(73, 'x'), salt), nothing);
  EXPECT_EQ(password_proof(std::string("U*U\0", 4), salt), nothing);
  EXPECT_EQ(password_proof(std::string("\0U*U", 4), salt), nothing);
}

TEST(PasswordProof, NothingForWhatIsNoSalt) {
  const Sha256 nothing{};
  for (const char* salt : {"", "$", "$2a", "$2a$", "$2a$05$", "$2a$05$CCCC", "$2a$99$CCCCCCCCCCCCCCCCCCCCC.",
                           "$2b$05$CCCCCCCCCCCCCCCCCCCCC.", "$1$abcdefgh$", "*0", "ab"}) {
    EXPECT_EQ(password_proof("a password", salt), nothing) << salt;
  }
}

}  // namespace
}  // namespace audit::httpd
