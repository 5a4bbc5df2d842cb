#include "endpoints/rate_limiter.hpp"

#include <algorithm>

namespace audit::httpd {

RateLimiter::Verdict RateLimiter::take(const Caller& caller, Time now) {
  Bucket& bucket = bucket_of(caller, now);
  const double seconds = std::max(0.0, std::chrono::duration<double>(now - bucket.filled_at).count());
  bucket.tokens = std::min<double>(per_second_, bucket.tokens + seconds * per_second_);
  bucket.filled_at = now;
  // Less than one by less than what rounding can make is one.
  if (bucket.tokens < 1.0 - 1e-6) return {false, 0, std::chrono::seconds(1)};  // the next comes within a second
  bucket.tokens = std::max(0.0, bucket.tokens - 1.0);
  return {true, static_cast<unsigned>(bucket.tokens + 1e-6), std::chrono::seconds(0)};
}

RateLimiter::Bucket& RateLimiter::bucket_of(const Caller& caller, Time now) {
  const auto found = by_caller_.find(caller);
  if (found != by_caller_.end()) {
    buckets_.splice(buckets_.begin(), buckets_, found->second);
    return buckets_.front();
  }
  if (buckets_.size() == capacity_) {
    by_caller_.erase(buckets_.back().caller);
    buckets_.pop_back();
  }
  buckets_.push_front({caller, static_cast<double>(per_second_), now});
  by_caller_[caller] = buckets_.begin();
  return buckets_.front();
}

}  // namespace audit::httpd
