#include "base/event_row.hpp"

namespace audit::pg {
namespace {

std::string_view text_bytes(Datum value) {
  const text* unpacked = DatumGetTextPP(value);
  return {VARDATA_ANY(unpacked), VARSIZE_ANY_EXHDR(unpacked)};
}

// "10.0.0.1", the usual case, by hand; everything else as PostgreSQL writes it.
std::string_view inet_bytes(Datum value) {
  inet* address = DatumGetInetPP(value);
  if (ip_family(address) != PGSQL_AF_INET || ip_bits(address) != 32)
    return DatumGetCString(DirectFunctionCall1(inet_out, PointerGetDatum(address)));
  constexpr std::size_t longest = 15;
  auto* const text = static_cast<char*>(palloc(longest + 1));
  char* end = text;
  for (int i = 0; i < 4; i++, *end++ = '.') end = write_json_integer(end, ip_addr(address)[i]);
  return {text, static_cast<std::size_t>(end - text - 1)};
}

std::string_view uuid_bytes(Datum value) {
  return {reinterpret_cast<const char*>(DatumGetUUIDP(value)->data), UUID_LEN};
}

// All columns but the payload, whose tree is walked only where it is needed.
void read_value(ColumnKind kind, Datum value, EventValue& out) {
  switch (kind) {
    case ColumnKind::uuid: out.bytes = uuid_bytes(value); break;
    case ColumnKind::timestamp: out.integer = DatumGetTimestampTz(value); break;
    case ColumnKind::integer: out.integer = DatumGetInt64(value); break;
    case ColumnKind::integer32: out.integer = DatumGetInt32(value); break;
    case ColumnKind::number: out.number = DatumGetFloat8(value); break;
    case ColumnKind::text: out.bytes = text_bytes(value); break;
    case ColumnKind::address: out.bytes = inet_bytes(value); break;
    case ColumnKind::payload: break;
  }
}

// For every column of every row: so without strlen().
bool has_name(TupleDesc descriptor, int number, std::string_view name) {
  const FormData_pg_attribute* attribute = TupleDescAttr(descriptor, number - 1);
  const char* other = NameStr(attribute->attname);
  return !attribute->attisdropped && memcmp(other, name.data(), name.size()) == 0 && other[name.size()] == '\0';
}

// From 1; 0: none.
int number_of_column(TupleDesc descriptor, std::size_t column) {
  const std::string_view name = event_columns[column].name();
  const int usual = static_cast<int>(column) + 1;
  if (usual <= descriptor->natts && has_name(descriptor, usual, name)) return usual;
  int number = descriptor->natts;
  while (number > 0 && !has_name(descriptor, number, name)) number--;
  return number;
}

}  // namespace

EventKey event_key(const EventRow& row) {
  EventKey key;
  key.created_at_us = DatumGetTimestampTz(row.values[created_at_column]);
  memcpy(key.id.data(), DatumGetUUIDP(row.values[id_column])->data, UUID_LEN);
  return key;
}

void view_event(const EventRow& row, AuditEventView& view) {
  for (std::size_t i = 0; i < view.size(); i++) {
    view[i].is_null = row.nulls[i];
    if (!row.nulls[i]) read_value(event_columns[i].kind, row.values[i], view[i]);
  }
}

std::size_t find_event_columns(TupleDesc descriptor, AttrNumber (&numbers)[event_column_count]) {
  for (std::size_t i = 0; i < event_columns.size(); i++) {
    numbers[i] = static_cast<AttrNumber>(number_of_column(descriptor, i));
    if (numbers[i] == 0) return i;
  }
  return event_columns.size();
}

const char* event_column_list() {
  StringInfoData list;
  initStringInfo(&list);
  for (const EventColumn& column : event_columns) {
    if (list.len > 0) appendStringInfoString(&list, ", ");
    appendBinaryStringInfo(&list, column.name().data(), static_cast<int>(column.name().size()));
  }
  return list.data;
}

}  // namespace audit::pg
