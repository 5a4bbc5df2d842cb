// A json value under construction: a growing varlena that becomes the function's result without a copy.
#pragma once

#include "base/event_row.hpp"
#include "base/postgres_api.hpp"

namespace audit::pg {

constexpr std::size_t json_buffer_usual_size = 8192;  // for one event, or a short list

// No destructor: its memory belongs to the memory context that was current when it was made.
class JsonBuffer {
 public:
  // Everything is kept in the current memory context; `expected_size` saves growing.
  explicit JsonBuffer(std::size_t expected_size);

  // Room for `size` more bytes, to be written at the returned place and then confirmed by wrote(end).
  // Raises 54000 where a value would pass PostgreSQL's limit of 1 GB.
  char* reserve(std::size_t size);
  void wrote(const char* end) { used_ = static_cast<std::size_t>(end - data_); }

  void append(std::string_view bytes);
  void append_string(std::string_view text);  // quoted and escaped

  // Appends the event's JSON object. Leaves nothing behind in the current memory context but in the buffer.
  void append_event(const EventRow& row);

  // How many bytes it has so far, and back to fewer.
  std::size_t size() const { return used_ - VARHDRSZ; }
  void shrink_to(std::size_t size) { used_ = VARHDRSZ + size; }

  // The finished json value.
  Datum finish();

 private:
  char* data_;
  std::size_t used_;
  std::size_t capacity_;
  MemoryContext row_context_;  // for what one row's unpacking takes

  void append_members(const AuditEventView& event, ColumnRange range);
};
static_assert(std::is_trivially_destructible_v<JsonBuffer>);

}  // namespace audit::pg
