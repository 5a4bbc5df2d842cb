// audit_lock_maintenance() and audit_unlock_maintenance(): one audit_maintain() at a time. A lock that is the
// session's, so that it outlives the COMMITs of the procedure; and one on a table rather than an advisory lock, since
// those stay when the procedure fails, while an abort lets go of this kind.
#include "sql_entry.hpp"

namespace audit::pg {
namespace {

constexpr LOCKMODE maintenance_lock = ShareUpdateExclusiveLock;

LOCKTAG maintenance_tag(Oid function_oid) {
  const Oid table = get_relname_relid("audit_maintenance", get_func_namespace(function_oid));
  if (!OidIsValid(table)) ereport(ERROR, errcode(ERRCODE_UNDEFINED_TABLE), errmsg("audit_maintenance does not exist"));
  LOCKTAG tag;
  SET_LOCKTAG_RELATION(tag, MyDatabaseId, table);
  return tag;
}

}  // namespace
}  // namespace audit::pg

AUDIT_SQL_FUNCTION(audit_lock_maintenance) {
  using namespace audit::pg;
  const LOCKTAG tag = maintenance_tag(fcinfo->flinfo->fn_oid);
  PG_RETURN_BOOL(LockAcquire(&tag, maintenance_lock, true, true) != LOCKACQUIRE_NOT_AVAIL);
}

AUDIT_SQL_FUNCTION(audit_unlock_maintenance) {
  using namespace audit::pg;
  const LOCKTAG tag = maintenance_tag(fcinfo->flinfo->fn_oid);
  PG_RETURN_BOOL(LockRelease(&tag, maintenance_lock, true));
}
