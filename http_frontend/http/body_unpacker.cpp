#include "http/body_unpacker.hpp"

#include <utility>

#include "http/content_encoding.hpp"
#include "http/problem.hpp"

namespace audit::httpd {
namespace {

// The largest bodies take 50 ms each.
constexpr std::size_t max_waiting = 256;

Response overloaded() { return unavailable_problem("Too many large requests are under way", "overloaded"); }

Response response_to(GunzipFault fault) {
  switch (fault) {
    case GunzipFault::damaged: return problem(400, "The body is not valid gzip");
    case GunzipFault::cut_short: return problem(400, "The gzip body ends too early");
    case GunzipFault::too_large: return problem(413, "Content Too Large");
    case GunzipFault::no_memory: break;
  }
  return overloaded();
}

}  // namespace

BodyUnpacker::~BodyUnpacker() {
  for (auto& [id, waiting] : std::exchange(waiting_, {})) {
    waiting.exchange->respond(unavailable_problem("The service is stopping", "stopping"));
  }
}

void BodyUnpacker::unpack(const ExchangePtr& exchange, std::function<void()> unpacked) {
  switch (content_coding(exchange->request().content_encoding)) {
    case ContentCoding::identity: return unpacked();
    case ContentCoding::gzip: return begin(exchange, std::move(unpacked));
    case ContentCoding::other: return exchange->respond(unsupported_coding("gzip"));
  }
}

// Twice over: how large the body is has to be known before it may take that much memory.
void BodyUnpacker::begin(const ExchangePtr& exchange, std::function<void()> unpacked) {
  if (waiting_.size() == max_waiting) return exchange->respond(overloaded());
  const std::uint64_t id = ++last_id_;
  const auto packed = std::make_shared<const std::string>(exchange->take_body());
  waiting_.emplace(id, Waiting{exchange, std::move(unpacked)});
  thread_.submit([this, id, packed, max_size = exchange->request().max_body_bytes]() -> BlockingCalls::Done {
    return [this, id, packed, size = gunzipped_size(*packed, max_size)] { fill(id, packed, size); };
  });
}

void BodyUnpacker::fill(std::uint64_t id, const PackedPtr& packed, std::variant<std::size_t, GunzipFault> size) {
  if (waiting_.at(id).exchange->has_client_gone()) return refuse(id, problem(499, "The client has gone"));
  if (const auto* fault = std::get_if<GunzipFault>(&size)) return refuse(id, response_to(*fault));
  const std::size_t count = std::get<std::size_t>(size);
  if (!waiting_.at(id).exchange->hold_body_bytes(count)) return refuse(id, overloaded());
  thread_.submit([this, id, packed, count]() -> BlockingCalls::Done {
    return [this, id, body = gunzip(*packed, count)]() mutable { conclude(id, std::move(body)); };
  });
}

void BodyUnpacker::conclude(std::uint64_t id, std::optional<std::string> body) {
  if (!body) return refuse(id, overloaded());
  const Waiting done = std::move(waiting_.extract(id).mapped());
  done.exchange->set_body(std::move(*body));
  done.unpacked();
}

void BodyUnpacker::refuse(std::uint64_t id, Response response) {
  waiting_.extract(id).mapped().exchange->respond(std::move(response));
}

}  // namespace audit::httpd
