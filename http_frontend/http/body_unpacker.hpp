// Unpacks the gzip bodies of requests on a thread of their own: the loop does not wait for zlib.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <variant>

#include "base/blocking_calls.hpp"
#include "http/gunzip.hpp"
#include "http/http_types.hpp"

namespace audit::httpd {

class BodyUnpacker {
 public:
  explicit BodyUnpacker(EventLoop& loop) : thread_(loop) {}
  // Answers those who wait.
  ~BodyUnpacker();
  BodyUnpacker(const BodyUnpacker&) = delete;
  BodyUnpacker& operator=(const BodyUnpacker&) = delete;

  // Calls `unpacked`, then or later, when the body is without a coding; else responds.
  // The exchange and the memory that it holds stay until then, though its client may have gone.
  void unpack(const ExchangePtr& exchange, std::function<void()> unpacked);

 private:
  struct Waiting {
    ExchangePtr exchange;
    std::function<void()> unpacked;
  };
  using PackedPtr = std::shared_ptr<const std::string>;

  void begin(const ExchangePtr& exchange, std::function<void()> unpacked);
  void fill(std::uint64_t id, const PackedPtr& packed, std::variant<std::size_t, GunzipFault> size);
  void conclude(std::uint64_t id, std::optional<std::string> body);
  void refuse(std::uint64_t id, Response response);

  BlockingCalls thread_;
  std::unordered_map<std::uint64_t, Waiting> waiting_;
  std::uint64_t last_id_ = 0;
};

}  // namespace audit::httpd
