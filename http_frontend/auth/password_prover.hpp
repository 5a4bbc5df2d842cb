// Makes proofs of passwords on threads of their own, since bcrypt takes long by design.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "auth/password_proof.hpp"
#include "base/blocking_calls.hpp"
#include "base/event_loop.hpp"

namespace audit::httpd {

class PasswordProver {
 public:
  using Done = std::function<void(std::optional<Sha256>)>;

  // On half of the processors, and not more than 8.
  explicit PasswordProver(EventLoop& loop);
  // Calls those back with nothing who still wait.
  ~PasswordProver();
  PasswordProver(const PasswordProver&) = delete;
  PasswordProver& operator=(const PasswordProver&) = delete;

  // `done` is called with password_proof(), or at once with nothing when too many wait.
  void prove(std::string password, std::string salt, Done done);

 private:
  std::vector<std::unique_ptr<BlockingCalls>> threads_;
  std::map<std::uint64_t, Done> waiting_;
  std::uint64_t last_id_ = 0;
};

}  // namespace audit::httpd
