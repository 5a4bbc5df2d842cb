// Where the identity provider's keys come from, a file or a URL, and when they are read again.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "auth/jwt_verifier.hpp"
#include "blocking_calls.hpp"
#include "event_loop.hpp"

namespace audit::httpd {

struct KeySetLocation {
  std::string file;  // or
  std::string url;
  std::chrono::seconds refresh{300};
};

// Reads it once; blocks. Null when there is no usable key.
KeySetPtr load_key_set(const KeySetLocation& location);

// Loads keys on a helper thread; when that fails the old ones stay.
class KeySetSource {
 public:
  KeySetSource(EventLoop& loop, KeySetLocation location, std::function<void(KeySetPtr)> on_keys);
  ~KeySetSource();
  KeySetSource(const KeySetSource&) = delete;
  KeySetSource& operator=(const KeySetSource&) = delete;

  void load();
  // Somebody used a key that is not known: the provider may have a new one. Tokens with invented key names must not
  // make us ask all the time.
  void load_if_old();

 private:
  void on_loaded(KeySetPtr keys);

  EventLoop& loop_;
  KeySetLocation location_;
  std::function<void(KeySetPtr)> on_keys_;
  BlockingCalls loads_;
  bool is_loading_ = false;
  Clock::time_point loaded_at_{};
  std::optional<EventLoop::TimerId> timer_;
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
};

}  // namespace audit::httpd
