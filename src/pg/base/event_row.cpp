// Datums to views: one converter per PostgreSQL type, found by the column's place in the table below.
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

// Whoever wants it walks its tree.
void skip_payload(Datum, EventValue&) {}

using Converter = void (*)(Datum, EventValue&);

void from_uuid(Datum value, EventValue& out) { out.bytes = uuid_bytes(value); }
void from_timestamptz(Datum value, EventValue& out) { out.integer = DatumGetTimestampTz(value); }
void from_int8(Datum value, EventValue& out) { out.integer = DatumGetInt64(value); }
void from_int4(Datum value, EventValue& out) { out.integer = DatumGetInt32(value); }
void from_float8(Datum value, EventValue& out) { out.number = DatumGetFloat8(value); }
void from_text(Datum value, EventValue& out) { out.bytes = text_bytes(value); }
void from_inet(Datum value, EventValue& out) { out.bytes = inet_bytes(value); }

constexpr Converter converters[] = {
    from_uuid,    from_timestamptz, from_int8,               // id created_at user_id
    from_text,    from_text,        from_text,               // actor_type actor_id source
    from_text,    from_text,        from_text,               // event_group event_type status
    from_text,    from_text,        from_text, from_text,    // resource_type resource_id session_id vm_id
    from_int8,    from_text,        from_text,               // task_id request_id correlation_id
    from_text,    from_text,        from_int4, from_float8,  // http_method path http_status latency_ms
    from_inet,    from_text,        from_inet, from_text,    // ip_address user_agent node_ip worker_id
    skip_payload, from_text,                                 // event_payload error_message
};
static_assert(sizeof(converters) / sizeof(*converters) == event_columns.size());

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
    if (!row.nulls[i]) converters[i](row.values[i], view[i]);
  }
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
