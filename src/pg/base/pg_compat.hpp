// Differences between the versions of PostgreSQL.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

// Those whose page formats and locks the posting engine knows. Newer versions that compile use the SQL path. Scripts
// read these.
constexpr int oldest_known_major = 15;
constexpr int newest_known_major = 18;
constexpr int server_major = PG_VERSION_NUM / 10000;
constexpr bool is_known_server_version = server_major >= oldest_known_major && server_major <= newest_known_major;

// Whether the executor would let the current user run that SELECT. Asks plug-ins (ExecutorCheckPerms_hook) too.
inline bool may_select(RangeTblEntry* table, Bitmapset* columns) {
#if PG_VERSION_NUM >= 160000
  List* permissions = NIL;
  RTEPermissionInfo* permission = addRTEPermissionInfo(&permissions, table);
  permission->requiredPerms = ACL_SELECT;
  permission->selectedCols = columns;
  return ExecCheckPermissions(list_make1(table), permissions, false);
#else
  table->requiredPerms = ACL_SELECT;
  table->selectedCols = columns;
  return ExecCheckRTPerms(list_make1(table), false);
#endif
}

inline bool may_use_schema(Oid schema) {
#if PG_VERSION_NUM >= 160000
  return object_aclcheck(NamespaceRelationId, schema, GetUserId(), ACL_USAGE) == ACLCHECK_OK;
#else
  return pg_namespace_aclcheck(schema, GetUserId(), ACL_USAGE) == ACLCHECK_OK;
#endif
}

inline void set_new_storage(Relation relation) {
#if PG_VERSION_NUM >= 160000
  RelationSetNewRelfilenumber(relation, relation->rd_rel->relpersistence);
#else
  RelationSetNewRelfilenode(relation, relation->rd_rel->relpersistence);
#endif
}

inline void reindex_table(Oid table) {
  ReindexParams parameters = {};
#if PG_VERSION_NUM >= 170000
  reindex_relation(nullptr, table, REINDEX_REL_PROCESS_TOAST, &parameters);
#else
  reindex_relation(table, REINDEX_REL_PROCESS_TOAST, &parameters);
#endif
}

inline bool may_execute(Oid function, Oid role) {
#if PG_VERSION_NUM >= 160000
  return object_aclcheck(ProcedureRelationId, function, role, ACL_EXECUTE) == ACLCHECK_OK;
#else
  return pg_proc_aclcheck(function, role, ACL_EXECUTE) == ACLCHECK_OK;
#endif
}

// old_snapshot_threshold (gone in 17): whether VACUUM may remove rows that a snapshot in use still sees.
inline bool may_snapshots_expire() {
#if PG_VERSION_NUM < 170000
  return old_snapshot_threshold >= 0;
#else
  return false;
#endif
}

// The snapshot argument that some functions had for old_snapshot_threshold; used as the last argument of a call.
#if PG_VERSION_NUM < 170000
#define AUDIT_SNAPSHOT_ARGUMENT , GetActiveSnapshot()
#else
#define AUDIT_SNAPSHOT_ARGUMENT
#endif

// _bt_search() has the table as an argument since 16.
#if PG_VERSION_NUM >= 160000
#define AUDIT_TABLE_ARGUMENT(table) (table),
#else
#define AUDIT_TABLE_ARGUMENT(table)
#endif

// Since 18, RelationGetPrimaryKeyIndex() has an argument that accepts deferrable keys.
inline Oid primary_key_of(Relation table) {
#if PG_VERSION_NUM >= 180000
  return RelationGetPrimaryKeyIndex(table, false);
#else
  return RelationGetPrimaryKeyIndex(table);
#endif
}

// Since 18, a scan has an argument for the counters of EXPLAIN ANALYZE.
inline IndexScanDesc begin_index_scan(Relation table, Relation index, Snapshot snapshot, int key_count) {
#if PG_VERSION_NUM >= 180000
  return index_beginscan(table, index, snapshot, nullptr, key_count, 0);
#else
  return index_beginscan(table, index, snapshot, key_count, 0);
#endif
}

// Until 17, PortalRun() had the argument run_once.
inline void run_to_end(Portal portal, QueryCompletion& completion) {
#if PG_VERSION_NUM >= 180000
  PortalRun(portal, FETCH_ALL, true, None_Receiver, None_Receiver, &completion);
#else
  PortalRun(portal, FETCH_ALL, true, true, None_Receiver, None_Receiver, &completion);
#endif
}

// Writes a record to the WAL that means nothing. COMMIT of a transaction that has written none does not wait for
// synchronous standbys.
inline void write_empty_message() {
#if PG_VERSION_NUM >= 170000
  LogLogicalMessage("audit_ext", "", 0, true, false);
#else
  LogLogicalMessage("audit_ext", "", 0, true);
#endif
}

}  // namespace audit::pg
