#include "auth/password_prover.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace audit::httpd {
namespace {

// At about 70 ms each, no password waits longer than a request may.
constexpr std::size_t max_waiting = 64;
constexpr unsigned max_threads = 8;

}  // namespace

PasswordProver::PasswordProver(EventLoop& loop) {
  const unsigned count = std::clamp(std::thread::hardware_concurrency() / 2, 1U, max_threads);
  for (unsigned i = 0; i < count; ++i) threads_.push_back(std::make_unique<BlockingCalls>(loop));
}

PasswordProver::~PasswordProver() {
  threads_.clear();
  for (auto& [id, done] : std::exchange(waiting_, {})) done(std::nullopt);
}

void PasswordProver::prove(std::string password, std::string salt, Done done) {
  if (waiting_.size() == max_waiting) return done(std::nullopt);
  const std::uint64_t id = ++last_id_;
  waiting_.emplace(id, std::move(done));
  threads_[id % threads_.size()]->submit(
      [this, id, password = std::move(password), salt = std::move(salt)]() -> BlockingCalls::Done {
        return [this, id, proof = password_proof(password, salt)] { waiting_.extract(id).mapped()(proof); };
      });
}

}  // namespace audit::httpd
