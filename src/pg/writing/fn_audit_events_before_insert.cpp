// The trigger behind every INSERT and COPY into audit_events and its partitions. It gives the event its id if there is
// none. It rejects text that the filter index could not hold, events that no page should hold, and events that look
// like the extension's own. The error names the column.
#include "base/distribution.hpp"
#include "base/event_bounds.hpp"
#include "base/event_id.hpp"
#include "base/event_row.hpp"
#include "base/owner_rights.hpp"
#include "base/sql_entry.hpp"
#include "writing/event_time.hpp"
#include "writing/trail_record.hpp"

namespace audit::pg {
namespace {

constexpr std::size_t event_group_column = event_column_named("event_group");

constexpr const char* table_hint = "audit_events_before_insert works on audit_events and its partitions only.";

// The trigger can be put on any table, whose columns may have other names and types.
void find_columns(TupleDesc descriptor, AttrNumber (&numbers)[event_column_count]) {
  const std::size_t missing = find_event_columns(descriptor, numbers);
  if (missing < event_columns.size()) {
    const std::string_view name = event_columns[missing].name();
    ereport(ERROR, errcode(ERRCODE_UNDEFINED_COLUMN),
            errmsg("table has no column \"%.*s\"", static_cast<int>(name.size()), name.data()),
            errhint("%s", table_hint));
  }
  for (std::size_t i = 0; i < event_columns.size(); i++) {
    const Oid type = TupleDescAttr(descriptor, numbers[i] - 1)->atttypid;
    if (type == event_column_types[i]) continue;
    const std::string_view name = event_columns[i].name();
    ereport(ERROR, errcode(ERRCODE_DATATYPE_MISMATCH),
            errmsg("column \"%.*s\" has type %s, not %s", static_cast<int>(name.size()), name.data(),
                   format_type_be(type), format_type_be(event_column_types[i])),
            errhint("%s", table_hint));
  }
}

// Where a table has the event_columns: the numbers of its columns.
struct ColumnNumbers {
  Oid table;
  AttrNumber numbers[event_column_count];
};

// Once a statement: its lock on the table keeps the columns as they are.
const AttrNumber* column_numbers(FmgrInfo* function, Relation table) {
  auto* known = static_cast<ColumnNumbers*>(function->fn_extra);
  if (known != nullptr && known->table == RelationGetRelid(table)) return known->numbers;
  ColumnNumbers found;
  found.table = RelationGetRelid(table);
  find_columns(RelationGetDescr(table), found.numbers);
  if (known == nullptr)
    function->fn_extra = known =
        static_cast<ColumnNumbers*>(MemoryContextAlloc(function->fn_mcxt, sizeof(ColumnNumbers)));
  *known = found;
  return known->numbers;
}

// A row on its way into a table, as the values of event_columns.
struct NewEvent {
  Relation relation;
  const AttrNumber* numbers;  // of the table's columns
  Datum values[event_column_count];
  bool nulls[event_column_count];
};

void read_row(const TriggerData* trigger, NewEvent& event) {
  Datum values[MaxTupleAttributeNumber];
  bool nulls[MaxTupleAttributeNumber];
  heap_deform_tuple(trigger->tg_trigtuple, RelationGetDescr(event.relation), values, nulls);
  for (int i = 0; i < event_column_count; i++) {
    event.values[i] = values[event.numbers[i] - 1];
    event.nulls[i] = nulls[event.numbers[i] - 1];
  }
}

void check_filter_size(const NewEvent& event, std::size_t filter) {
  const std::size_t column = filter_columns[filter];
  if (!is_size_bounded(filter) || event.nulls[column]) return;
  const std::size_t size = toast_raw_datum_size(event.values[column]) - VARHDRSZ;
  if (size <= filter_size_max) return;
  const std::string_view name = event_columns[column].name();
  ereport(ERROR, errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
          errmsg("value for column \"%.*s\" is too long", static_cast<int>(name.size()), name.data()),
          errdetail("It has %zu bytes; a column that events are found by holds at most %zu.", size, filter_size_max),
          errhint("Put long text into event_payload or error_message."),
          errtablecol(event.relation, event.numbers[column]));
}

void check_time(const NewEvent& event) {
  if (event.nulls[created_at_column]) return;
  const TimestampTz created_at = DatumGetTimestampTz(event.values[created_at_column]);
  if (created_at >= year_10000_us || !is_too_far_ahead(created_at) || is_restoring(event.relation)) return;
  ereport(ERROR, errcode(ERRCODE_DATETIME_FIELD_OVERFLOW),
          errmsg("value for column \"created_at\" is too far ahead of the clock"),
          errdetail("It is %s, later than max_ahead of audit_configure() allows.", timestamptz_to_str(created_at)),
          errhint("Record an event when it has happened; or allow more by audit_configure(max_ahead => ...)."),
          errtablecol(event.relation, event.numbers[created_at_column]));
}

// Of an event that came to a shard from another server, whose extension records with the rights of the table's owner.
bool is_from_owner(Relation shard) {
  return is_session_of_citus() && has_privs_of_role(GetUserId(), shard->rd_rel->relowner);
}

// Only the extension may record about the trail. A restore may put these records back.
void check_group(const NewEvent& event) {
  if (event.nulls[event_group_column] || !is_own_group(event.values[event_group_column])) return;
  const bool is_own = !event.nulls[id_column] && is_own_record(event.values[id_column]);
  if (is_own || is_putting_back() || (!row_security && superuser()) || is_from_owner(event.relation)) return;
  ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
          errmsg("the group \"audit\" is for what the extension records itself"),
          errhint("Choose another event_group."), errtablecol(event.relation, event.numbers[event_group_column]));
}

void check_bounds(const NewEvent& event) {
  const FoundExcess found = find_excess({event.values, event.nulls});
  if (found.excess == Excess::none) return;
  ereport(ERROR, errcode(excess_sqlstate(found.excess)), errmsg("%s", excess_message(found.excess)),
          errdetail("The bounds of an event keep every page of the trail readable."),
          errhint("Record less, or more than one event. For a restore, a superuser can lift the bounds with "
                  "audit_ext.max_event_size = 0."),
          errtablecol(event.relation, event.numbers[found.column]));
}

// Without a time any id does: the NOT NULL constraint of created_at speaks next, and it should be that one.
void make_id(NewEvent& event) {
  const bool has_time = !event.nulls[created_at_column];
  event.values[id_column] =
      make_event_id(has_time ? DatumGetTimestampTz(event.values[created_at_column]) : GetCurrentTimestamp());
  event.nulls[id_column] = false;
}

HeapTuple with_id(HeapTuple row, NewEvent& event) {
  int number = event.numbers[id_column];
  return heap_modify_tuple_by_cols(row, RelationGetDescr(event.relation), 1, &number, &event.values[id_column],
                                   &event.nulls[id_column]);
}

}  // namespace
}  // namespace audit::pg

AUDIT_SQL_FUNCTION(audit_events_before_insert) {
  using namespace audit::pg;
  if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(reinterpret_cast<TriggerData*>(fcinfo->context)->tg_event) ||
      !TRIGGER_FIRED_FOR_ROW(reinterpret_cast<TriggerData*>(fcinfo->context)->tg_event) ||
      !TRIGGER_FIRED_BY_INSERT(reinterpret_cast<TriggerData*>(fcinfo->context)->tg_event))
    ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
            errmsg("audit_events_before_insert must be called as a trigger BEFORE INSERT FOR EACH ROW"));
  const auto* trigger = reinterpret_cast<TriggerData*>(fcinfo->context);
  NewEvent event;
  event.relation = trigger->tg_relation;
  event.numbers = column_numbers(fcinfo->flinfo, event.relation);
  read_row(trigger, event);
  for (std::size_t filter = 0; filter < audit::filter_count; filter++) check_filter_size(event, filter);
  check_group(event);
  check_time(event);
  const bool has_id = !event.nulls[audit::id_column];
  if (!has_id) make_id(event);
  check_bounds(event);
  return PointerGetDatum(has_id ? trigger->tg_trigtuple : with_id(trigger->tg_trigtuple, event));
}
