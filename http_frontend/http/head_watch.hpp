// Follows the bytes of a connection to where heads end, and through the chunks of a body. The library takes more than
// CR LF for the end of a line, and leaves no trace of what it was.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace audit::httpd {

class HeadWatch {
 public:
  // What was received next.
  void feed(std::string_view bytes);
  // Heads so far that are sound. Their lines all end with CR LF and hold neither CR nor NUL. Their request line has two
  // spaces, and no line of a field begins with a space or a colon. Nothing counts behind a head that is not sound, nor
  // behind chunks.
  std::size_t sound_heads() const { return sound_heads_; }
  // Whether a line of a head, of chunks or of a trailer is none of RFC 9112.
  bool has_fault() const { return has_fault_; }

 private:
  enum class Part { head, chunk_size, chunk_end, trailer, end };

  void add_to_line(std::string_view bytes);
  void end_line();
  void end_line_of_head();
  void end_head();
  void note_field(std::string_view line);
  void end_chunk_size();

  // The beginning of the line, without its end.
  std::string_view line() const;

  // More than the fields have that say where a body ends.
  static constexpr std::size_t kept_bytes = 64;

  std::array<char, kept_bytes> line_{};  // its beginning
  std::size_t line_size_ = 0;
  std::size_t spaces_ = 0;  // in the request line
  char last_ = '\0';        // of the line
  Part part_ = Part::head;
  bool has_lines_ = false;  // of the head under way
  bool has_fault_ = false;
  bool is_chunked_ = false;
  std::uint64_t body_bytes_ = 0;  // of the head under way
  std::uint64_t to_skip_ = 0;     // of a body or a chunk
  std::size_t sound_heads_ = 0;
};

}  // namespace audit::httpd
