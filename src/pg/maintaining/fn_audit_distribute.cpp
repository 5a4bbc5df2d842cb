// audit_distribute(shard_count): has Citus spread the trail over its workers. Each event goes to the shard that the
// hash of its created_at leads to, so an event needs no id beforehand. Ids are claimed in shards, too: a claim holds on
// every server. A trail that is distributed gets its list of shards anew.
#include "base/distribution.hpp"
#include "base/own_objects.hpp"
#include "base/owner_rights.hpp"
#include "base/sql_entry.hpp"
#include "maintaining/maintenance_step.hpp"
#include "partitions/partition_ddl.hpp"
#include "writing/trail_record.hpp"

namespace audit::pg {
namespace {

constexpr int shard_count_max = 64'000;

void refuse_to_distribute(const char* detail, const char* hint) {
  ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("audit_events cannot be distributed"),
          errdetail("%s", detail), errhint("%s", hint));
}

void execute(const char* sql, int expected) {
  if (const int result = SPI_execute(sql, false, 0); result != expected)
    elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(result));
}

bool is_true(const char* sql) {
  execute(sql, SPI_OK_SELECT);
  bool is_null = true;
  return SPI_processed == 1 && DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
}

bool has_foreign_partition() {
  ListCell* cell = nullptr;
  foreach (cell, find_all_inheritors(own_table("audit_events"), AccessShareLock, nullptr))
    if (get_rel_relkind(lfirst_oid(cell)) == RELKIND_FOREIGN_TABLE) return true;
  return false;
}

void check_whether_possible() {
  if (!has_citus())
    refuse_to_distribute("This database has no Citus.",
                         "Put citus into shared_preload_libraries; CREATE EXTENSION citus.");
  if (is_true("SELECT groupid <> 0 FROM pg_catalog.pg_dist_local_group"))
    refuse_to_distribute("This is a worker.", "Connect to the coordinator.");
  if (!is_true("SELECT pg_catalog.count(*) > 0 AND pg_catalog.bool_and(groupid <> 0) FROM pg_catalog.pg_dist_node"
               " WHERE isactive AND shouldhaveshards"))
    refuse_to_distribute("Shards belong on workers, and there is none, or the coordinator is to have shards, too.",
                         "Add workers by citus_add_node(), or call citus_set_node_property(..., 'shouldhaveshards', "
                         "false) for the coordinator.");
  if (has_foreign_partition())
    refuse_to_distribute("A partition of it is a foreign table.",
                         "Detach it, and read its events on their own server.");
}

void distribute_table(Oid table, const char* column, const char* colocated_with) {
  const char* name = quote_literal_cstr(quoted_table(table));
  is_true(psprintf("SELECT pg_catalog.create_distributed_table(%s, %s, colocate_with => %s) IS NULL", name,
                   quote_literal_cstr(column), quote_literal_cstr(colocated_with)));
  is_true(psprintf("SELECT pg_catalog.truncate_local_data_after_distributing_table(%s) IS NULL", name));
}

void distribute_tables() {
  const char* events = quoted_table(own_table("audit_events"));
  distribute_table(own_table("audit_events"), "created_at", "none");
  distribute_table(own_table("audit_shards"), "created_at", events);
  distribute_table(own_table("audit_id_claims"), "id", "none");
  record_event("audit.distributed", "table", get_rel_name(own_table("audit_events")), nullptr, nullptr, 0);
}

// Some seconds of 1970 whose hashes lead to all shards. Of 20 times as many, one in 500 million leaves a shard out.
void list_shards() {
  const char* shards = quoted_table(own_table("audit_shards"));
  const Oid events = own_table("audit_events");
  const int count = count_shards(events);
  execute(psprintf("DELETE FROM %s", shards), SPI_OK_DELETE);
  execute(psprintf("INSERT INTO %s (created_at, shard_id) SELECT min(t), id FROM (SELECT t,"
                   " pg_catalog.get_shard_id_for_distribution_column(%s, t) FROM pg_catalog.generate_series("
                   "'epoch'::timestamptz, 'epoch'::timestamptz + '%d seconds', '1 second') t) s(t, id) GROUP BY id",
                   shards, quote_literal_cstr(quoted_table(events)), 20 * count + 100),
          SPI_OK_INSERT);
  if (SPI_processed != static_cast<std::uint64_t>(count))
    elog(ERROR, "found times for " UINT64_FORMAT " of %d shards", SPI_processed, count);
}

const char* distribute() {
  set_setting("lock_timeout", "0");  // sessions wait anyway, as long as events are copied
  check_whether_possible();
  set_setting("citus.multi_shard_modify_mode", "sequential");
  allow_triggers_on_shards();
  if (!is_distributed(own_table("audit_events"))) distribute_tables();
  list_shards();
  return "done";
}

}  // namespace
}  // namespace audit::pg

AUDIT_SQL_FUNCTION(audit_distribute) {
  using namespace audit::pg;
  if (!PG_ARGISNULL(0) && (PG_GETARG_INT32(0) < 1 || PG_GETARG_INT32(0) > shard_count_max))
    ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("shard_count is wrong"),
            errdetail("Got %d.", PG_GETARG_INT32(0)),
            errhint("Pass 1 to %d, or NULL for citus.shard_count.", shard_count_max));
  if (!PG_ARGISNULL(0) && is_distributed(own_table("audit_events")))
    refuse_to_distribute("It is distributed already, and keeps its shards.", "Leave shard_count out.");
  const int settings_level = NewGUCNestLevel();
  if (!PG_ARGISNULL(0) && has_citus()) set_setting("citus.shard_count", psprintf("%d", PG_GETARG_INT32(0)));
  run_as_step(fcinfo->flinfo->fn_oid, distribute);
  AtEOXact_GUC(true, settings_level);
  PG_RETURN_VOID();
}
