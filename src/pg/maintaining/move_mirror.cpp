#include "maintaining/move_mirror.hpp"

#include "base/own_objects.hpp"
#include "base/trail.hpp"
#include "maintaining/move_tables.hpp"
#include "partitions/partition_ddl.hpp"

namespace audit::pg {
namespace {

constexpr const char* mirror_name = "audit_mirror";

bool copies_everything(const FormData_pg_trigger& trigger, bool has_condition) {
  return trigger.tgfoid == own_function("audit_mirror") && trigger.tgtype == (TRIGGER_TYPE_ROW | TRIGGER_TYPE_INSERT) &&
         trigger.tgenabled == TRIGGER_FIRES_ALWAYS && !OidIsValid(trigger.tgconstraint) && !has_condition;
}

}  // namespace

Mirror mirror_in_force() {
  Mirror mirror{};
  HeapTuple row = find_trigger(default_table(), mirror_name);
  if (row == nullptr) return mirror;
  const auto* form = reinterpret_cast<Form_pg_trigger>(GETSTRUCT(row));
  const bool has_condition = !heap_attisnull(row, Anum_pg_trigger_tgqual, nullptr);
  if (!copies_everything(*form, has_condition)) return mirror;
  mirror = {own_move_table(move_name), form->oid, row->t_self, HeapTupleHeaderGetRawXmin(row->t_data)};
  return mirror;
}

bool is_same(const Mirror& a, const Mirror& b) {
  return OidIsValid(a.table) && a.table == b.table && a.trigger == b.trigger &&
         a.row_inserted_by == b.row_inserted_by &&
         ItemPointerEquals(const_cast<ItemPointer>(&a.row_position), const_cast<ItemPointer>(&b.row_position));
}

bool is_mirrored() { return find_trigger(default_table(), mirror_name) != nullptr; }

void make_mirror() {
  const char* table = quoted_table(default_table());
  cancel_autovacuum(default_table());
  // Waits for those who are writing into it: what they wrote is seen by copy_events(), what comes later by the trigger.
  LockRelationOid(default_table(), ShareRowExclusiveLock);
  run_command("CREATE TRIGGER %s AFTER INSERT ON %s FOR EACH ROW EXECUTE FUNCTION %s.audit_mirror()", mirror_name,
              table, own_schema_name());
  run_command("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s", table, mirror_name);
}

void drop_mirror() { run_command("DROP TRIGGER %s ON %s", mirror_name, quoted_table(default_table())); }

}  // namespace audit::pg
