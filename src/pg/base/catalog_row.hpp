// Rows of system catalogs: one as it was before the running command and as the command leaves it, and the search for
// one.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

struct CatalogRow {
  HeapTuple before;  // NULL: the command has made it
  HeapTuple after;   // NULL: there is none

  template <typename Form>
  const Form* old_form() const {
    return before == nullptr ? nullptr : reinterpret_cast<const Form*>(GETSTRUCT(before));
  }
  template <typename Form>
  const Form* new_form() const {
    return after == nullptr ? nullptr : reinterpret_cast<const Form*>(GETSTRUCT(after));
  }
};

// By the object's OID. Copies, in the current memory context.
CatalogRow catalog_row(Oid catalog, Oid oid_index, AttrNumber oid_column, Oid object);

// A column of a table, by its number.
CatalogRow column_row(Oid relation, int column);

inline ScanKeyData oid_key(AttrNumber column, Oid oid) {
  ScanKeyData key;
  ScanKeyInit(&key, column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(oid));
  return key;
}

// Whether the index finds a row by these keys of which `is_wanted` is true. `snapshot` NULL: as the session sees it.
template <typename Form, int key_count, typename IsWanted>
bool has_catalog_row(Oid catalog_oid, Oid index, Snapshot snapshot, ScanKeyData (&&keys)[key_count],
                     IsWanted is_wanted) {
  Relation catalog = table_open(catalog_oid, AccessShareLock);
  SysScanDesc scan = systable_beginscan(catalog, index, true, snapshot, key_count, keys);
  bool found = false;
  for (HeapTuple row; !found && HeapTupleIsValid(row = systable_getnext(scan));)
    found = is_wanted(reinterpret_cast<const Form*>(GETSTRUCT(row)));
  systable_endscan(scan);
  table_close(catalog, AccessShareLock);
  return found;
}

}  // namespace audit::pg
