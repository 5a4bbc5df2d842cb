#include "event_json.hpp"

#include "json_writer.hpp"
#include "rfc3339.hpp"
#include "uuid_text.hpp"

namespace audit {
namespace {

std::size_t value_bound(ColumnKind kind, const EventValue& value) noexcept {
  constexpr std::size_t null_size = 4;
  if (value.is_null) return null_size;
  switch (kind) {
    case ColumnKind::uuid: return uuid_text_size + 2;
    case ColumnKind::timestamp: return rfc3339_max_size + 2;
    case ColumnKind::integer:
    case ColumnKind::integer32: return json_integer_size;
    case ColumnKind::number: return json_number_size;
    case ColumnKind::text:
    case ColumnKind::address: return json_string_bound(value.bytes);
    case ColumnKind::payload: break;
  }
  return 0;
}

char* write_value(char* out, ColumnKind kind, const EventValue& value) noexcept {
  if (value.is_null) return write_bytes(out, "null");
  switch (kind) {
    case ColumnKind::uuid:
      *out++ = '"';
      out = write_uuid(out, reinterpret_cast<const std::uint8_t*>(value.bytes.data()));
      *out++ = '"';
      return out;
    case ColumnKind::timestamp:
      *out++ = '"';
      out += write_rfc3339(value.integer, out);
      *out++ = '"';
      return out;
    case ColumnKind::integer:
    case ColumnKind::integer32: return write_json_integer(out, value.integer);
    case ColumnKind::number: return write_json_number(out, value.number);
    case ColumnKind::text:
    case ColumnKind::address: return write_json_string(out, value.bytes);
    case ColumnKind::payload: break;
  }
  return out;
}

}  // namespace

std::size_t members_bound(const AuditEventView& event, ColumnRange range) noexcept {
  std::size_t size = 0;
  for (std::size_t i = range.begin; i < range.end; i++)
    size += event_columns[i].json_key.size() + value_bound(event_columns[i].kind, event[i]);
  return size;
}

char* write_members(char* out, const AuditEventView& event, ColumnRange range) noexcept {
  for (std::size_t i = range.begin; i < range.end; i++) {
    out = write_bytes(out, event_columns[i].json_key);
    out = write_value(out, event_columns[i].kind, event[i]);
  }
  return out;
}

}  // namespace audit
