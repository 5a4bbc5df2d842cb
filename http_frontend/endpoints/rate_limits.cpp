#include "endpoints/rate_limits.hpp"

#include <algorithm>
#include <string>

#include "auth/sha256.hpp"
#include "http/problem.hpp"

namespace audit::httpd {
namespace {

// draft-ietf-httpapi-ratelimit-headers-10. All of the quota is there again after its window of one second.
Header policy_header(const char* policy, const RateLimiter& limiter) {
  return {"RateLimit-Policy", std::string("\"") + policy + "\";q=" + std::to_string(limiter.per_second()) + ";w=1"};
}

Header limit_header(const char* policy, const RateLimiter::Verdict& verdict) {
  return {"RateLimit", std::string("\"") + policy + "\";r=" + std::to_string(verdict.remaining) + ";t=1"};
}

void refuse(Exchange& exchange, const char* policy, const RateLimiter& limiter, const RateLimiter::Verdict& verdict) {
  Response response = problem(429, "Too many requests");
  response.rejection = "rate_limited";
  response.headers.push_back({"Retry-After", std::to_string(verdict.wait.count())});
  response.headers.push_back(policy_header(policy, limiter));
  response.headers.push_back(limit_header(policy, verdict));
  exchange.respond(std::move(response));
}

// Keys and tokens may bear the same name.
RateLimiter::Caller caller_of(const Principal& principal, const Request& request) {
  const Sha256 hash = sha256((request.authorization.empty() ? "key " : "token ") + principal.name);
  RateLimiter::Caller caller;
  std::copy_n(hash.begin(), caller.size(), caller.begin());
  return caller;
}

}  // namespace

bool RateLimits::admit_address(Exchange& exchange) {
  if (!addresses_.is_on()) return true;
  const RateLimiter::Verdict verdict =
      addresses_.take(exchange.request().client_group.bytes, std::chrono::steady_clock::now());
  if (!verdict.is_allowed) refuse(exchange, "address", addresses_, verdict);
  return verdict.is_allowed;
}

bool RateLimits::admit_principal(Exchange& exchange, const Principal& principal) {
  if (!principals_.is_on()) return true;
  const RateLimiter::Verdict verdict =
      principals_.take(caller_of(principal, exchange.request()), std::chrono::steady_clock::now());
  if (!verdict.is_allowed) {
    refuse(exchange, "principal", principals_, verdict);
    return false;
  }
  exchange.add_header(policy_header("principal", principals_));
  exchange.add_header(limit_header("principal", verdict));
  return true;
}

}  // namespace audit::httpd
