// A row of a system catalog as it was before the running command, and as the command leaves it.
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

}  // namespace audit::pg
