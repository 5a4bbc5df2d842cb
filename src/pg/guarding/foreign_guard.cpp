// A user mapping decides as whom the remote table is read, but not which table. So mappings may be changed, such as a
// password that has expired.
#include "guarding/foreign_guard.hpp"

#include "base/catalog_row.hpp"
#include "base/trail.hpp"
#include "guarding/append_only.hpp"
#include "guarding/refusal.hpp"

namespace audit::pg {
namespace {

Oid server_of(Oid table) {
  const CatalogRow row =
      catalog_row(ForeignTableRelationId, ForeignTableRelidIndexId, Anum_pg_foreign_table_ftrelid, table);
  const auto* form = row.new_form<FormData_pg_foreign_table>();
  return form == nullptr ? InvalidOid : form->ftserver;
}

Oid wrapper_of(Oid table) {
  const CatalogRow row =
      catalog_row(ForeignServerRelationId, ForeignServerOidIndexId, Anum_pg_foreign_server_oid, server_of(table));
  const auto* form = row.new_form<FormData_pg_foreign_server>();
  return form == nullptr ? InvalidOid : form->srvfdw;
}

// A foreign partition of which `object_of` is that object; InvalidOid: there is none.
Oid partition_with(Oid (*object_of)(Oid), Oid object) {
  ListCell* cell = nullptr;
  foreach (cell, find_all_inheritors(events_table(), NoLock, nullptr)) {
    const Oid partition = lfirst_oid(cell);
    if (get_rel_relkind(partition) == RELKIND_FOREIGN_TABLE && object_of(partition) == object) return partition;
  }
  return InvalidOid;
}

void refuse_if_found(Oid partition) {
  if (OidIsValid(partition)) refuse(partition);
}

const char* server_of_mapping(const Node* statement) {
  switch (nodeTag(statement)) {
    case T_CreateUserMappingStmt: return reinterpret_cast<const CreateUserMappingStmt*>(statement)->servername;
    case T_AlterUserMappingStmt: return reinterpret_cast<const AlterUserMappingStmt*>(statement)->servername;
    case T_DropUserMappingStmt: return reinterpret_cast<const DropUserMappingStmt*>(statement)->servername;
    default: return nullptr;
  }
}

// As text, as it is stored; empty: there are none.
std::string_view column_options(HeapTuple row) {
  bool is_null = true;
  const Datum options = SysCacheGetAttr(ATTNUM, row, Anum_pg_attribute_attfdwoptions, &is_null);
  if (is_null) return {};
  const struct varlena* bytes = PG_DETOAST_DATUM(options);
  return {VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)};
}

}  // namespace

bool is_foreign_partition(Oid relation) {
  return get_rel_relkind(relation) == RELKIND_FOREIGN_TABLE && is_guarded(relation);
}

void check_foreign_table(Oid relation) {
  if (ward_of(relation) != Ward::none) refuse(relation);
}

void check_column_options(Oid relation, int column) {
  if (!is_foreign_partition(relation)) return;
  const CatalogRow row = column_row(relation, column);
  if (row.before != nullptr && row.after != nullptr && column_options(row.before) != column_options(row.after))
    refuse(relation);
}

void check_server(Oid server) { refuse_if_found(partition_with(server_of, server)); }
void check_wrapper(Oid wrapper) { refuse_if_found(partition_with(wrapper_of, wrapper)); }
Oid foreign_partition_in(Oid schema) { return partition_with(get_rel_namespace, schema); }

void note_foreign_partitions(Oid relation) {
  ListCell* cell = nullptr;
  foreach (cell, find_all_inheritors(relation, NoLock, nullptr))
    if (get_rel_relkind(lfirst_oid(cell)) == RELKIND_FOREIGN_TABLE)
      note_allowed(psprintf("%s: a foreign partition", running_command()), lfirst_oid(cell));
}

void note_user_mapping(const Node* statement) {
  const char* name = server_of_mapping(statement);
  const Oid server = name == nullptr ? InvalidOid : get_foreign_server_oid(name, true);
  const Oid partition = OidIsValid(server) ? partition_with(server_of, server) : InvalidOid;
  if (OidIsValid(partition))
    note_allowed(psprintf("%s of server %s", running_command(), quote_identifier(name)), partition);
}

}  // namespace audit::pg
