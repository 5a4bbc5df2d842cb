#include "auth/key_set_source.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

#include "auth/http_fetch.hpp"

namespace audit::httpd {
namespace {

constexpr std::chrono::seconds shortest_interval{10};

}  // namespace

KeySetPtr load_key_set(const KeySetLocation& location) {
  if (location.file.empty()) {
    const std::optional<std::string> json = fetch(location.url, {});
    return json ? KeySet::from_json(*json) : nullptr;
  }
  std::ostringstream json;
  json << std::ifstream(location.file, std::ios::binary).rdbuf();  // of no file, or a directory: nothing
  return KeySet::from_json(json.str());
}

KeySetSource::KeySetSource(EventLoop& loop, KeySetLocation location, std::function<void(KeySetPtr)> on_keys)
    : loop_(loop), location_(std::move(location)), on_keys_(std::move(on_keys)), loads_(loop) {}

KeySetSource::~KeySetSource() {
  *is_alive_ = false;
  if (timer_) loop_.cancel(*timer_);
}

void KeySetSource::load() {
  if (std::exchange(is_loading_, true)) return;
  if (timer_) loop_.cancel(*timer_);
  loads_.submit([this, location = location_, is_alive = is_alive_]() -> BlockingCalls::Done {
    KeySetPtr keys = load_key_set(location);
    return [this, keys = std::move(keys), is_alive] {
      if (*is_alive) on_loaded(keys);
    };
  });
}

void KeySetSource::load_if_old() {
  if (Clock::now() - loaded_at_ >= shortest_interval) load();
}

void KeySetSource::on_loaded(KeySetPtr keys) {
  is_loading_ = false;
  loaded_at_ = Clock::now();
  const bool is_usable = keys != nullptr;
  if (is_usable) {
    on_keys_(std::move(keys));
  } else {
    spdlog::error("no usable key from {}; the keys from before stay in use",
                  location_.file.empty() ? location_.url : location_.file);
  }
  timer_ = loop_.call_after(is_usable ? location_.refresh : std::min(location_.refresh, shortest_interval),
                            [this] { load(); });
}

}  // namespace audit::httpd
