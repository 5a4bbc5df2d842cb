#include "base/own_objects.hpp"

#include "base/trail.hpp"

namespace audit::pg {
namespace {

bool is_ours(Oid class_oid, Oid object) {
  const Oid extension = get_extension_oid("audit_ext", true);
  return OidIsValid(extension) && getExtensionOfObject(class_oid, object) == extension;
}

// A lock that a change of the row's key, which its name is, has to wait for.
void lock_schema_row(Oid schema) {
  Relation catalog = table_open(NamespaceRelationId, RowShareLock);
  HeapTuple row = SearchSysCacheCopy1(NAMESPACEOID, ObjectIdGetDatum(schema));
  if (!HeapTupleIsValid(row)) elog(ERROR, "cache lookup failed for schema %u", schema);
  Buffer buffer = InvalidBuffer;
  TM_FailureData failure;
  const TM_Result result = heap_lock_tuple(catalog, row, GetCurrentCommandId(false), LockTupleKeyShare, LockWaitError,
                                           false, &buffer, &failure);
  if (BufferIsValid(buffer)) ReleaseBuffer(buffer);
  if (result != TM_Ok)
    ereport(ERROR, errcode(ERRCODE_LOCK_NOT_AVAILABLE), errmsg("the schema of audit_ext is just being changed"));
  table_close(catalog, RowShareLock);
}

template <typename Form>
Oid owner_in_row(SysCacheIdentifier cache, Oid object, Oid Form::*owner) {
  HeapTuple row = SearchSysCache1(cache, ObjectIdGetDatum(object));
  if (!HeapTupleIsValid(row)) elog(ERROR, "cache lookup failed for object %u", object);
  const Oid found = reinterpret_cast<const Form*>(GETSTRUCT(row))->*owner;
  ReleaseSysCache(row);
  return found;
}

}  // namespace

Oid own_function(const char* name, int argument_count, const Oid* argument_types) {
  oidvector* types = buildoidvector(argument_types, argument_count);
  const Oid found = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(name), PointerGetDatum(types),
                                    ObjectIdGetDatum(extension_schema()));
  if (!OidIsValid(found) || !is_ours(ProcedureRelationId, found))
    ereport(ERROR, errcode(ERRCODE_UNDEFINED_FUNCTION), errmsg("audit_ext has no function \"%s\"", name),
            errhint("ALTER EXTENSION audit_ext UPDATE brings what is missing."));
  return found;
}

Oid own_table(const char* name) {
  // The trail is known whatever its name is.
  if (strcmp(name, "audit_events") == 0 && OidIsValid(events_table())) return events_table();
  if (strcmp(name, "audit_events_default") == 0 && OidIsValid(default_partition())) return default_partition();
  const Oid found = get_relname_relid(name, extension_schema());
  if (!OidIsValid(found) || !is_ours(RelationRelationId, found))
    ereport(ERROR, errcode(ERRCODE_UNDEFINED_TABLE), errmsg("audit_ext has no table \"%s\"", name),
            errhint("If it was renamed, give it its name back."));
  return found;
}

Oid owner_of_table(Oid table) { return owner_in_row(RELOID, table, &FormData_pg_class::relowner); }

Oid owner_of_function(Oid function_oid) { return owner_in_row(PROCOID, function_oid, &FormData_pg_proc::proowner); }

const char* own_schema_name() {
  const char* name = get_namespace_name(extension_schema());
  if (name == nullptr) elog(ERROR, "audit_ext is not installed in this database");
  return quote_identifier(name);
}

void pin_schema_name() {
  lock_schema_row(extension_schema());
  AcceptInvalidationMessages();
}

}  // namespace audit::pg
