#include "base/distribution.hpp"

#include "base/owner_rights.hpp"

namespace audit::pg {
namespace {

Oid list_of_tables() { return get_relname_relid("pg_dist_partition", PG_CATALOG_NAMESPACE); }

// The rows of a catalog of Citus whose first column is the table.
int count_rows_about(Oid table, Oid list) {
  Relation catalog = OidIsValid(list) ? try_relation_open(list, AccessShareLock) : nullptr;
  if (catalog == nullptr) return 0;
  ScanKeyData key;
  ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(table));
  SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, nullptr, 1, &key);
  int count = 0;
  while (HeapTupleIsValid(systable_getnext(scan))) count++;
  systable_endscan(scan);
  relation_close(catalog, AccessShareLock);
  return count;
}

// pg_dist_local_group has one row, whose first column is 0 on the coordinator.
bool is_worker() {
  const Oid list = get_relname_relid("pg_dist_local_group", PG_CATALOG_NAMESPACE);
  Relation catalog = OidIsValid(list) ? try_relation_open(list, AccessShareLock) : nullptr;
  if (catalog == nullptr) return false;
  SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, nullptr, 0, nullptr);
  HeapTuple row = systable_getnext(scan);
  bool is_null = true;
  const Datum group = HeapTupleIsValid(row) ? heap_getattr(row, 1, RelationGetDescr(catalog), &is_null) : Datum{0};
  systable_endscan(scan);
  relation_close(catalog, AccessShareLock);
  return !is_null && DatumGetInt32(group) != 0;
}

bool begins_with(const char* text, std::string_view prefix) {
  return text != nullptr && strncmp(text, prefix.data(), prefix.size()) == 0;
}

}  // namespace

bool has_citus() { return OidIsValid(list_of_tables()); }

bool is_distributed(Oid relation) { return count_rows_about(relation, list_of_tables()) > 0; }

int count_shards(Oid table) {
  return count_rows_about(table, get_relname_relid("pg_dist_shard", PG_CATALOG_NAMESPACE));
}

// Citus itself decides by these names.
bool is_session_of_citus() {
  const bool has_name =
      begins_with(application_name, "citus_internal gpid=") || begins_with(application_name, "citus_rebalancer gpid=");
  return has_name && is_worker();
}

void allow_triggers_on_shards() {
  if (has_citus()) set_setting("citus.enable_unsafe_triggers", "on");
}

}  // namespace audit::pg
