#include "http/gunzip.hpp"

#include <zlib.h>

#include <array>
#include <new>

namespace audit::httpd {
namespace {

class Reader {
 public:
  explicit Reader(std::string_view packed) {
    constexpr int gzip_window_bits = 15 + 16;  // 16: with gzip's own head
    is_ready_ = inflateInit2(&stream_, gzip_window_bits) == Z_OK;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream_.avail_in = static_cast<uInt>(packed.size());
  }
  ~Reader() {
    if (is_ready_) inflateEnd(&stream_);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // The number of bytes, which is below `size` at the end only.
  std::variant<std::size_t, GunzipFault> read(char* to, std::size_t size) {
    if (!is_ready_) return GunzipFault::no_memory;
    stream_.next_out = reinterpret_cast<Bytef*>(to);
    stream_.avail_out = static_cast<uInt>(size);
    while (stream_.avail_out > 0 && !is_at_end_) {
      switch (inflate(&stream_, Z_NO_FLUSH)) {
        case Z_OK: break;
        case Z_STREAM_END: end_member(); break;
        case Z_BUF_ERROR: return GunzipFault::cut_short;
        case Z_MEM_ERROR: return GunzipFault::no_memory;
        default: return GunzipFault::damaged;
      }
    }
    return size - stream_.avail_out;
  }

 private:
  void end_member() {
    is_at_end_ = stream_.avail_in == 0;
    if (!is_at_end_) inflateReset(&stream_);
  }

  z_stream stream_{};
  bool is_ready_ = false;
  bool is_at_end_ = false;
};

}  // namespace

std::variant<std::size_t, GunzipFault> gunzipped_size(std::string_view packed, std::size_t max_size) {
  Reader reader(packed);
  std::array<char, 64 * 1024> piece;
  for (std::size_t total = 0;;) {
    const auto size = reader.read(piece.data(), piece.size());
    if (std::holds_alternative<GunzipFault>(size)) return size;
    total += std::get<std::size_t>(size);
    if (total > max_size) return GunzipFault::too_large;
    if (std::get<std::size_t>(size) < piece.size()) return total;
  }
}

std::optional<std::string> gunzip(std::string_view packed, std::size_t size) {
  try {
    std::string text(size, '\0');
    Reader reader(packed);
    const auto count = reader.read(text.data(), size);
    return std::holds_alternative<std::size_t>(count) ? std::optional(std::move(text)) : std::nullopt;
  } catch (const std::bad_alloc&) {
    return std::nullopt;
  }
}

}  // namespace audit::httpd
