#include "base/catalog_row.hpp"

namespace audit::pg {
namespace {

// A command's own changes are not in the catalog snapshot before its next step begins; to SnapshotSelf they are there.
HeapTuple find(Oid catalog_oid, Oid index, Snapshot snapshot, int key_count, const ScanKeyData* keys) {
  Relation catalog = table_open(catalog_oid, AccessShareLock);
  ScanKeyData own_keys[2];  // a scan puts its own column numbers into them
  std::copy_n(keys, key_count, own_keys);
  SysScanDesc scan = systable_beginscan(catalog, index, true, snapshot, key_count, own_keys);
  HeapTuple row = systable_getnext(scan);
  HeapTuple copy = HeapTupleIsValid(row) ? heap_copytuple(row) : nullptr;
  systable_endscan(scan);
  table_close(catalog, AccessShareLock);
  return copy;
}

CatalogRow find_both(Oid catalog, Oid index, int key_count, const ScanKeyData* keys) {
  return {find(catalog, index, nullptr, key_count, keys), find(catalog, index, SnapshotSelf, key_count, keys)};
}

}  // namespace

CatalogRow catalog_row(Oid catalog, Oid oid_index, AttrNumber oid_column, Oid object) {
  ScanKeyData key;
  ScanKeyInit(&key, oid_column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(object));
  return find_both(catalog, oid_index, 1, &key);
}

CatalogRow column_row(Oid relation, int column) {
  ScanKeyData keys[2];
  ScanKeyInit(&keys[0], Anum_pg_attribute_attrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relation));
  ScanKeyInit(&keys[1], Anum_pg_attribute_attnum, BTEqualStrategyNumber, F_INT2EQ, Int16GetDatum(column));
  return find_both(AttributeRelationId, AttributeRelidNumIndexId, 2, keys);
}

}  // namespace audit::pg
