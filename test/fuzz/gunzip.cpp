// Bodies that come as gzip: any bytes, and what was packed from them in members whose lengths the first bytes say.
#include "http/gunzip.hpp"

#include "fuzz.hpp"
#include "http/content_encoding.hpp"

namespace {

using namespace audit::httpd;
using audit::fuzz::require;

constexpr std::size_t limit = 1024 * 1024;

std::optional<std::string> unpacked(std::string_view packed) {
  const auto size = gunzipped_size(packed, limit);
  if (std::holds_alternative<GunzipFault>(size)) return std::nullopt;
  const std::size_t count = std::get<std::size_t>(size);
  require(count <= limit);
  // The bound is just where it is said to be.
  require(gunzipped_size(packed, count) == size);
  if (count > 0) require(std::get<GunzipFault>(gunzipped_size(packed, count - 1)) == GunzipFault::too_large);
  auto text = gunzip(packed, count);
  require(text && text->size() == count);
  return text;
}

void check_members(std::string_view text) {
  std::string packed = gzip("").value();
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view member = rest.substr(0, 1U + static_cast<unsigned char>(rest.front()));
    packed.append(gzip(member).value());
    rest.remove_prefix(member.size());
  }
  require(unpacked(packed) == text);
  // Neither cut in the last member, nor with anything behind it.
  require(!unpacked(std::string_view(packed).substr(0, packed.size() - 1)));
  require(!unpacked(packed + "x"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = audit::fuzz::as_text(data, size);
  const auto text = unpacked(bytes);
  // What is gzip stays it with a member behind.
  if (text && text->size() < limit) require(unpacked(std::string(bytes) + gzip("x").value()) == *text + "x");
  check_members(bytes);
  return 0;
}
