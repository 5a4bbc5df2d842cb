// The trigger of a move: copies each new event of the default partition into audit_events_move.
#include "base/own_objects.hpp"
#include "base/owner_rights.hpp"
#include "base/sql_entry.hpp"
#include "base/trail.hpp"
#include "maintaining/move_tables.hpp"
#include "partitions/partition_ddl.hpp"

namespace audit::pg {
namespace {

// Kept for the session.
SPIPlanPtr mirror_plan(Relation table, Oid move) {
  static SPIPlanPtr plan = nullptr;
  static Oid planned_move = InvalidOid;
  if (plan != nullptr && planned_move == move) return plan;
  if (plan != nullptr) SPI_freeplan(plan);
  plan = nullptr;
  const char* columns = column_list(RelationGetRelid(table));
  const char* sql =
      psprintf("INSERT INTO %s (%s) SELECT %s FROM (SELECT ($1).*) e", quoted_table(move), columns, columns);
  Oid type = table->rd_rel->reltype;
  SPIPlanPtr made = SPI_prepare(sql, 1, &type);
  if (made == nullptr || SPI_keepplan(made) != 0) elog(ERROR, "SPI_prepare failed for \"%s\"", sql);
  plan = made;
  planned_move = move;
  return plan;
}

void mirror_row(Relation table, HeapTuple row, Oid move) {
  Datum event = heap_copy_tuple_as_datum(row, RelationGetDescr(table));
  SPI_connect();
  const CallerRights caller = become_owner(RelationGetRelid(table));
  const int result = SPI_execute_plan(mirror_plan(table, move), &event, " ", false, 0);
  give_back(caller);
  if (result != SPI_OK_INSERT) elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(result));
  SPI_finish();
}

}  // namespace
}  // namespace audit::pg

// A statement copies the row, as the owner of the default partition. The copy has the constraints of audit_events too.
// They run with the same rights as for the event itself.
AUDIT_SQL_FUNCTION(audit_mirror) {
  using namespace audit::pg;
  if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_FOR_ROW(reinterpret_cast<TriggerData*>(fcinfo->context)->tg_event) ||
      !TRIGGER_FIRED_BY_INSERT(reinterpret_cast<TriggerData*>(fcinfo->context)->tg_event))
    ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
            errmsg("audit_mirror must be called as a trigger AFTER INSERT FOR EACH ROW"));
  auto* trigger = reinterpret_cast<TriggerData*>(fcinfo->context);
  const Oid move = get_relname_relid(move_name, extension_schema());
  // Without the table, or with a table of another role, no move can be finished.
  if (OidIsValid(move) && owner_of_table(move) == owner_of_function(fcinfo->flinfo->fn_oid))
    mirror_row(trigger->tg_relation, trigger->tg_trigtuple, move);
  return PointerGetDatum(nullptr);
}
