// The trigger behind every INSERT and COPY into audit_events and its partitions: gives the event its id where it has
// none, and refuses text that the filter index could not hold with an error that names the column.
#include "event_id.hpp"
#include "sql_entry.hpp"

namespace audit::pg {
namespace {

bool is_column(TupleDesc descriptor, int number, std::string_view name) {
  if (number > descriptor->natts) return false;
  const Form_pg_attribute attribute = TupleDescAttr(descriptor, number - 1);
  return !attribute->attisdropped && name == NameStr(attribute->attname);
}

// From 1. A partition that was made by hand and attached may have its columns in another order.
int column_number(TupleDesc descriptor, std::size_t usual_index) {
  const std::string_view name = event_columns[usual_index].name();
  if (is_column(descriptor, static_cast<int>(usual_index) + 1, name)) return static_cast<int>(usual_index) + 1;
  for (int number = 1; number <= descriptor->natts; number++)
    if (is_column(descriptor, number, name)) return number;
  ereport(ERROR, errcode(ERRCODE_UNDEFINED_COLUMN),
          errmsg("table has no column \"%.*s\"", static_cast<int>(name.size()), name.data()),
          errhint("audit_events_before_insert works on audit_events and its partitions only."));
  return 0;
}

void check_filter_size(Relation relation, HeapTuple row, std::size_t usual_index) {
  TupleDesc descriptor = RelationGetDescr(relation);
  const int number = column_number(descriptor, usual_index);
  bool is_null = false;
  const Datum value = heap_getattr(row, number, descriptor, &is_null);
  if (is_null) return;
  const std::size_t size = toast_raw_datum_size(value) - VARHDRSZ;
  if (size <= filter_size_max) return;
  ereport(ERROR, errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
          errmsg("value for column \"%s\" is too long", NameStr(TupleDescAttr(descriptor, number - 1)->attname)),
          errdetail("It has %zu bytes; a column that events are found by holds at most %zu.", size, filter_size_max),
          errhint("Put long text into event_payload or error_message."), errtablecol(relation, number));
}

HeapTuple with_id(TriggerData* trigger, HeapTuple row) {
  TupleDesc descriptor = RelationGetDescr(trigger->tg_relation);
  int id_number = column_number(descriptor, id_column);
  if (!heap_attisnull(row, id_number, descriptor)) return row;
  bool is_null = false;
  const Datum created_at = heap_getattr(row, column_number(descriptor, created_at_column), descriptor, &is_null);
  // Without a time any id does: the NOT NULL constraint of created_at speaks next, and it should be that one.
  Datum id = make_event_id(is_null ? GetCurrentTimestamp() : DatumGetTimestampTz(created_at));
  is_null = false;
  return heap_modify_tuple_by_cols(row, descriptor, 1, &id_number, &id, &is_null);
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
  auto* trigger = reinterpret_cast<TriggerData*>(fcinfo->context);
  for (const std::size_t column : audit::text_filter_columns)
    check_filter_size(trigger->tg_relation, trigger->tg_trigtuple, column);
  return PointerGetDatum(with_id(trigger, trigger->tg_trigtuple));
}
