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

LoadedKeySet load_key_set(const KeySetLocation& location) {
  LoadedKeySet loaded;
  if (location.file.empty()) {
    const std::optional<std::string> json = fetch(location.url, {});
    if (json) loaded.keys = KeySet::from_json(*json, loaded.left_out);
  } else {
    std::ostringstream json;
    json << std::ifstream(location.file, std::ios::binary).rdbuf();  // of no file, or a directory: nothing
    loaded.keys = KeySet::from_json(json.str(), loaded.left_out);
  }
  return loaded;
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
    const auto loaded = std::make_shared<LoadedKeySet>(load_key_set(location));
    return [this, loaded, is_alive] {
      if (*is_alive) on_loaded(std::move(*loaded));
    };
  });
}

void KeySetSource::load_if_old() {
  if (Clock::now() - loaded_at_ >= shortest_interval) load();
}

const std::string& KeySetSource::place() const { return location_.file.empty() ? location_.url : location_.file; }

// Not at every refresh, as long as it is the same.
void KeySetSource::log_left_out(std::vector<std::string> left_out) {
  if (left_out == left_out_) return;
  left_out_ = std::move(left_out);
  for (const std::string& line : left_out_) spdlog::warn("left out of {}: {}", place(), line);
}

void KeySetSource::on_loaded(LoadedKeySet loaded) {
  is_loading_ = false;
  loaded_at_ = Clock::now();
  log_left_out(std::move(loaded.left_out));
  const bool is_usable = loaded.keys != nullptr;
  if (is_usable) {
    on_keys_(std::move(loaded.keys));
  } else {
    spdlog::error("no usable key from {}; the keys from before stay in use", place());
  }
  timer_ = loop_.call_after(is_usable ? location_.refresh : std::min(location_.refresh, shortest_interval),
                            [this] { load(); });
}

}  // namespace audit::httpd
