#include "base/packed_event.hpp"

namespace audit::pg {
namespace {

static_assert(event_column_count <= 32, "the bitmap of columns has room");

constexpr std::size_t alignment = sizeof(std::uint32_t);  // that of text and jsonb; others are copied out

constexpr std::size_t aligned(std::size_t size) { return (size + alignment - 1) / alignment * alignment; }

void append(StringInfo out, const void* bytes, std::size_t size) {
  static const char padding[alignment] = {};
  appendBinaryStringInfo(out, static_cast<const char*>(bytes), static_cast<int>(size));
  appendBinaryStringInfo(out, padding, static_cast<int>(aligned(size) - size));
}

// Uncompressed, with the long header, whose size says where the next value begins.
void append_varlena(StringInfo out, Datum value) {
  const auto* unpacked = reinterpret_cast<const varlena*>(PG_DETOAST_DATUM_PACKED(value));
  const std::size_t size = VARSIZE_ANY_EXHDR(unpacked) + VARHDRSZ;
  varlena header;
  SET_VARSIZE(&header, size);
  appendBinaryStringInfo(out, reinterpret_cast<const char*>(&header), VARHDRSZ);
  append(out, VARDATA_ANY(unpacked), size - VARHDRSZ);
}

void append_value(StringInfo out, ColumnKind kind, Datum value) {
  switch (kind) {
    case ColumnKind::uuid: return append(out, DatumGetUUIDP(value)->data, UUID_LEN);
    case ColumnKind::timestamp:
    case ColumnKind::integer:
    case ColumnKind::integer32:
    case ColumnKind::number: return append(out, &value, sizeof(value));
    case ColumnKind::text:
    case ColumnKind::address:
    case ColumnKind::payload: return append_varlena(out, value);
  }
}

// The rest of a packed event.
struct PackedBytes {
  char* next;
  const char* end;
};

// The next `size` bytes.
char* take(PackedBytes& bytes, std::size_t size) {
  const std::size_t rest = static_cast<std::size_t>(bytes.end - bytes.next);
  if (size > rest || aligned(size) > rest)
    ereport(ERROR, errcode(ERRCODE_INVALID_BINARY_REPRESENTATION), errmsg("an event of another server is malformed"));
  return std::exchange(bytes.next, bytes.next + aligned(size));
}

Datum take_varlena(PackedBytes& bytes) {
  PackedBytes ahead = bytes;
  const char* header = take(ahead, VARHDRSZ);
  if (!VARATT_IS_4B_U(header) || VARSIZE(header) < VARHDRSZ) take(ahead, SIZE_MAX);
  return PointerGetDatum(take(bytes, VARSIZE(header)));
}

Datum take_value(PackedBytes& bytes, ColumnKind kind) {
  Datum value = 0;
  switch (kind) {
    case ColumnKind::uuid: return PointerGetDatum(take(bytes, UUID_LEN));
    case ColumnKind::timestamp:
    case ColumnKind::integer:
    case ColumnKind::integer32:
    case ColumnKind::number: memcpy(&value, take(bytes, sizeof(value)), sizeof(value)); return value;
    case ColumnKind::text:
    case ColumnKind::address:
    case ColumnKind::payload: return take_varlena(bytes);
  }
  return value;
}

}  // namespace

Datum pack_event(const EventRow& row) {
  std::uint32_t present = 0;
  for (int i = 0; i < event_column_count; i++) present |= row.nulls[i] ? 0u : 1u << i;
  StringInfoData out;
  initStringInfo(&out);
  appendStringInfoSpaces(&out, VARHDRSZ);
  append(&out, &present, sizeof(present));
  for (std::size_t i = 0; i < event_columns.size(); i++)
    if (!row.nulls[i]) append_value(&out, event_columns[i].kind, row.values[i]);
  SET_VARSIZE(out.data, out.len);
  return PointerGetDatum(out.data);
}

void unpack_event(Datum packed, Datum (&values)[event_column_count], bool (&nulls)[event_column_count]) {
  char* const data = static_cast<char*>(DatumGetPointer(packed));
  PackedBytes bytes = {data + VARHDRSZ, data + VARSIZE(data)};
  std::uint32_t present = 0;
  memcpy(&present, take(bytes, sizeof(present)), sizeof(present));
  for (std::size_t i = 0; i < event_columns.size(); i++) {
    nulls[i] = (present & 1u << i) == 0;
    values[i] = nulls[i] ? Datum{0} : take_value(bytes, event_columns[i].kind);
  }
}

}  // namespace audit::pg
