// Proofs of passwords on other threads: all of them come, not too many wait, and none is forgotten at the end.
#include "auth/password_prover.hpp"

#include <gtest/gtest.h>

namespace audit::httpd {
namespace {

constexpr const char* salt = "$2a$04$CCCCCCCCCCCCCCCCCCCCC.";
constexpr int max_waiting = 64;

TEST(PasswordProver, AllAreProved) {
  EventLoop loop;
  PasswordProver prover(loop);
  int proved = 0;
  for (int i = 0; i < max_waiting; ++i) {
    const std::string password = "password " + std::to_string(i);
    prover.prove(password, salt, [&, password](std::optional<Sha256> proof) {
      EXPECT_EQ(proof, password_proof(password, salt));
      if (++proved == max_waiting) loop.stop();
    });
  }
  EXPECT_EQ(proved, 0);
  loop.run();
  EXPECT_EQ(proved, max_waiting);
}

TEST(PasswordProver, TooManyAreTurnedAwayAtOnceAndTheRestAtTheEnd) {
  EventLoop loop;
  int turned_away = 0;
  const auto count = [&](std::optional<Sha256> proof) {
    EXPECT_FALSE(proof);
    ++turned_away;
  };
  {
    PasswordProver prover(loop);
    for (int i = 0; i < max_waiting; ++i) prover.prove("a password", salt, count);
    EXPECT_EQ(turned_away, 0);
    prover.prove("a password", salt, count);
    EXPECT_EQ(turned_away, 1);
  }
  EXPECT_EQ(turned_away, 1 + max_waiting);
}

}  // namespace
}  // namespace audit::httpd
