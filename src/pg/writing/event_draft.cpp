// Nothing here raises the error of an input function of a type: that could not say which event it was.
#include "writing/event_draft.hpp"

#include "base/event_id.hpp"
#include "base/numeric_digits.hpp"
#include "writing/event_time.hpp"
#include "writing/trail_record.hpp"

namespace audit::pg {
namespace {

constexpr std::size_t user_id_column = event_column_named("user_id");
constexpr std::size_t actor_type_column = event_column_named("actor_type");
constexpr std::size_t actor_id_column = event_column_named("actor_id");
constexpr std::size_t source_column = event_column_named("source");
constexpr std::size_t event_group_column = event_column_named("event_group");
constexpr std::size_t event_type_column = event_column_named("event_type");
constexpr std::size_t status_column = event_column_named("status");

using Fault = std::optional<EventFault>;

std::string_view text_of(const JsonbValue& value) {
  return {value.val.string.val, static_cast<std::size_t>(value.val.string.len)};
}

Fault read_text(const JsonbValue& value, std::size_t column, Datum& result) {
  const std::string_view text = text_of(value);
  if (is_size_bounded(filter_of_column(column)) && text.size() > filter_size_max) return EventFault::text_too_long;
  result = PointerGetDatum(cstring_to_text_with_len(text.data(), static_cast<int>(text.size())));
  return std::nullopt;
}

// By way of the number's digits: jsonb keeps them all, 1.0 and 1e3 included.
Fault read_integer(const JsonbValue& value, ColumnKind kind, Datum& result) {
  const std::string_view digits = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value.val.numeric)));
  const std::size_t point = digits.find('.');
  if (point != std::string_view::npos && digits.find_first_not_of('0', point + 1) != std::string_view::npos)
    return EventFault::fraction;
  std::int64_t number = 0;
  const std::from_chars_result read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool is_32_bit = kind == ColumnKind::integer32;
  const bool fits = read.ec == std::errc() && (!is_32_bit || (number >= PG_INT32_MIN && number <= PG_INT32_MAX));
  if (!fits) return EventFault::integer_too_large;
  result = is_32_bit ? Int32GetDatum(static_cast<int32>(number)) : Int64GetDatum(number);
  return std::nullopt;
}

Fault read_number(const JsonbValue& value, Datum& result) {
  result = DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(value.val.numeric));
  return std::isfinite(DatumGetFloat8(result)) ? std::nullopt : Fault(EventFault::number_too_large);
}

Fault read_time(const JsonbValue& value, Datum& result) {
  std::int64_t us = 0;
  switch (parse_rfc3339(text_of(value), us)) {
    case DateTimeStatus::malformed: return EventFault::not_a_time;
    case DateTimeStatus::no_offset: return EventFault::time_without_offset;
    case DateTimeStatus::ok: break;
  }
  if (us < unix_epoch_us) return EventFault::time_too_early;
  result = TimestampTzGetDatum(us);
  return std::nullopt;
}

Fault read_uuid(const JsonbValue& value, Datum& result) {
  const std::optional<Uuid> id = parse_uuid(text_of(value));
  if (!id) return EventFault::not_uuid;
  auto* copy = static_cast<pg_uuid_t*>(palloc(UUID_LEN));
  memcpy(copy->data, id->data(), UUID_LEN);
  result = UUIDPGetDatum(copy);
  return std::nullopt;
}

// What inet_in does, but for its error.
Fault read_inet(const JsonbValue& value, Datum& result) {
  constexpr std::size_t inet_text_size_max = 64;
  const std::string_view text = text_of(value);
  if (text.size() > inet_text_size_max) return EventFault::not_inet;
  auto* address = static_cast<inet*>(palloc0(sizeof(inet)));
  ip_family(address) = text.find(':') == std::string_view::npos ? PGSQL_AF_INET : PGSQL_AF_INET6;
  const int bits = pg_inet_net_pton(ip_family(address), pnstrdup(text.data(), text.size()), ip_addr(address), -1);
  if (bits < 0 || bits > ip_maxbits(address)) return EventFault::not_inet;
  ip_bits(address) = static_cast<unsigned char>(bits);
  SET_INET_VARSIZE(address);
  result = InetPGetDatum(address);
  return std::nullopt;
}

Fault read_value(const JsonbValue& value, std::size_t column, Datum& result) {
  const ColumnKind kind = event_columns[column].kind;
  if (value.type == jbvNumeric && kind != ColumnKind::payload &&
      printed_digits(digits_of(value.val.numeric)) > number_digits_max)
    return EventFault::too_many_digits;
  switch (kind) {
    case ColumnKind::payload:
      result = JsonbPGetDatum(JsonbValueToJsonb(const_cast<JsonbValue*>(&value)));
      return std::nullopt;
    case ColumnKind::integer:
    case ColumnKind::integer32:
      return value.type == jbvNumeric ? read_integer(value, kind, result) : Fault(EventFault::not_integer);
    case ColumnKind::number:
      return value.type == jbvNumeric ? read_number(value, result) : Fault(EventFault::not_number);
    default: break;
  }
  if (value.type != jbvString) return EventFault::not_text;
  switch (kind) {
    case ColumnKind::timestamp: return read_time(value, result);
    case ColumnKind::uuid: return read_uuid(value, result);
    case ColumnKind::address: return read_inet(value, result);
    default: return read_text(value, column, result);
  }
}

void require(std::size_t column, int position, const EventDraft& draft, EventProblems& problems) {
  if (draft.nulls[column]) problems.add(position, event_columns[column].name(), EventFault::missing);
}

void set_default(EventDraft& draft, std::size_t column, const char* text) {
  if (draft.nulls[column]) draft.set(column, CStringGetTextDatum(text));
}

TimestampTz time_of_id(const EventDraft& draft, TimestampTz now) {
  std::int64_t us = 0;
  const bool is_known = !draft.nulls[id_column] && uuid_v7_exact_time(DatumGetUUIDP(draft.values[id_column])->data, us);
  return is_known && us < year_10000_us ? us : now;
}

// The id may be what says it.
void check_time(int position, const EventDraft& draft, EventProblems& problems) {
  const std::size_t column = draft.nulls[created_at_column] ? id_column : created_at_column;
  const bool is_wrong = column == id_column && draft.values[column] == Datum{0};
  if (draft.nulls[column] || is_wrong) return;
  const TimestampTz created_at =
      column == created_at_column ? DatumGetTimestampTz(draft.values[column]) : time_of_id(draft, DT_NOBEGIN);
  if (is_too_far_ahead(created_at)) problems.add(position, event_columns[column].name(), EventFault::time_too_late);
}

void check_group(int position, const EventDraft& draft, EventProblems& problems) {
  const Datum group = draft.nulls[event_group_column] ? Datum{0} : draft.values[event_group_column];
  if (group != Datum{0} && is_own_group(group))
    problems.add(position, event_columns[event_group_column].name(), EventFault::reserved_group);
}

}  // namespace

void read_event(const JsonbValue& item, int position, EventDraft& draft, EventProblems& problems) {
  if (item.type != jbvBinary || !JsonContainerIsObject(item.val.binary.data))
    return problems.add(position, {}, EventFault::not_an_event);
  JsonbIterator* members = JsonbIteratorInit(item.val.binary.data);
  JsonbValue name, value;
  JsonbIteratorNext(&members, &name, false);  // the object's beginning
  while (JsonbIteratorNext(&members, &name, true) == WJB_KEY) {
    CHECK_FOR_INTERRUPTS();
    JsonbIteratorNext(&members, &value, true);
    const std::size_t column = event_column_named(text_of(name));
    Fault fault;
    Datum datum{0};
    if (column == event_columns.size())
      fault = EventFault::unknown_member;
    else if (value.type == jbvNull)
      continue;
    else
      fault = read_value(value, column, datum);
    if (fault) problems.add(position, text_of(name), *fault);
    // Also where it is wrong, so that it is not missing as well; nothing is done with a draft that has problems.
    if (column < event_columns.size()) draft.set(column, datum);
  }
  require(event_group_column, position, draft, problems);
  require(event_type_column, position, draft, problems);
  check_group(position, draft, problems);
  check_time(position, draft, problems);
}

void complete_event(EventDraft& draft, const char* source, TimestampTz now) {
  const bool by_somebody = !draft.nulls[user_id_column] || !draft.nulls[actor_id_column];
  set_default(draft, status_column, "success");
  set_default(draft, actor_type_column, by_somebody ? "user" : "system");
  set_default(draft, source_column, source);
  if (draft.nulls[created_at_column]) draft.set(created_at_column, TimestampTzGetDatum(time_of_id(draft, now)));
  if (draft.nulls[id_column]) draft.set(id_column, make_event_id(DatumGetTimestampTz(draft.values[created_at_column])));
}

}  // namespace audit::pg
