// The source of the identity provider's keys, a file or a URL, and when it is read again.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "auth/key_set.hpp"
#include "base/blocking_calls.hpp"
#include "base/event_loop.hpp"

namespace audit::httpd {

struct KeySetLocation {
  std::string file;  // or
  std::string url;
  std::chrono::seconds refresh{300};
};

struct LoadedKeySet {
  KeySetPtr keys;                     // null: there is no usable key
  std::vector<std::string> left_out;  // a line for each key that cannot be used, or for the whole
};

// Reads it once; blocks.
LoadedKeySet load_key_set(const KeySetLocation& location);

// Loads keys on a helper thread. If that fails, the old ones stay.
class KeySetSource {
 public:
  KeySetSource(EventLoop& loop, KeySetLocation location, std::function<void(KeySetPtr)> on_keys);
  ~KeySetSource();
  KeySetSource(const KeySetSource&) = delete;
  KeySetSource& operator=(const KeySetSource&) = delete;

  void load();
  // A token names an unknown key: the provider may have a new one. Tokens with invented names of keys must not cause a
  // request each.
  void load_if_old();

 private:
  void on_loaded(LoadedKeySet loaded);
  void log_left_out(std::vector<std::string> left_out);
  const std::string& place() const;

  EventLoop& loop_;
  KeySetLocation location_;
  std::function<void(KeySetPtr)> on_keys_;
  BlockingCalls loads_;
  bool is_loading_ = false;
  std::vector<std::string> left_out_;  // of the last load
  Clock::time_point loaded_at_{};
  std::optional<EventLoop::TimerId> timer_;
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
};

}  // namespace audit::httpd
