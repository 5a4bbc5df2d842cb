// These are the checks that the parser and the executor make for "SELECT <26 columns> FROM audit_events". What is not
// plainly allowed is left to them.
#include "engine/events_access.hpp"

#include "base/distribution.hpp"
#include "base/event_row.hpp"
#include "base/pg_compat.hpp"

namespace audit::pg {
namespace {

// There may be more columns behind the 26; they are not read. Another collation could define equality differently from
// the bytes.
bool has_expected_columns(Relation events) {
  TupleDesc descriptor = RelationGetDescr(events);
  if (descriptor->natts < static_cast<int>(event_columns.size())) return false;
  for (std::size_t i = 0; i < event_columns.size(); i++) {
    const Form_pg_attribute attribute = TupleDescAttr(descriptor, static_cast<int>(i));
    if (attribute->attisdropped || attribute->atttypid != event_column_types[i] ||
        event_columns[i].name() != NameStr(attribute->attname) ||
        (attribute->atttypid == TEXTOID && attribute->attcollation != DEFAULT_COLLATION_OID))
      return false;
  }
  return true;
}

bool is_partitioned_by_created_at(Relation events) {
  if (events->rd_rel->relkind != RELKIND_PARTITIONED_TABLE) return false;
  PartitionKey key = RelationGetPartitionKey(events);
  return key->strategy == PARTITION_STRATEGY_RANGE && key->partnatts == 1 &&
         key->partattrs[0] == static_cast<AttrNumber>(created_at_column + 1) &&
         key->partsupfunc[0].fn_oid == F_TIMESTAMPTZ_CMP;
}

bool may_read(Relation events) {
  RangeTblEntry* table = makeNode(RangeTblEntry);
  table->rtekind = RTE_RELATION;
  table->relid = RelationGetRelid(events);
  table->relkind = events->rd_rel->relkind;
  table->rellockmode = AccessShareLock;
  table->inh = true;
  Bitmapset* columns = nullptr;
  for (std::size_t i = 0; i < event_columns.size(); i++)
    columns = bms_add_member(columns, static_cast<int>(i) + 1 - FirstLowInvalidHeapAttributeNumber);
  return may_select(table, columns);
}

const char* reason_against(Relation events) {
  if (!has_expected_columns(events) || !is_partitioned_by_created_at(events)) return "audit_events has another shape";
  if (!may_use_schema(RelationGetNamespace(events)) || !may_read(events)) return "no right to read audit_events";
  // Owners and superusers whom policies do not concern get RLS_NONE_ENV.
  if (check_enable_rls(RelationGetRelid(events), InvalidOid, true) == RLS_ENABLED) return "row-level security applies";
  // Citus keeps the rows elsewhere.
  return is_distributed(RelationGetRelid(events)) ? distributed_reason : nullptr;
}

const char* reason_against_transaction() {
  if (!is_known_server_version) return "the server version is not known";
  // Serializable transactions note what they have read, which is the executor's business.
  if (IsolationIsSerializable()) return "the transaction is serializable";
  if (!ActiveSnapshotSet() || !IsMVCCSnapshot(GetActiveSnapshot())) return "the snapshot is not an MVCC snapshot";
  if (may_snapshots_expire()) return "old_snapshot_threshold is set";
  return nullptr;
}

}  // namespace

Relation open_events(const PageRequest& request, const char*& sql_reason) {
  sql_reason = reason_against_transaction();
  if (sql_reason != nullptr) return nullptr;
  const Oid events_oid = OidIsValid(request.shard)
                             ? request.shard
                             : get_relname_relid("audit_events", get_func_namespace(request.function_oid));
  Relation events = OidIsValid(events_oid) ? try_relation_open(events_oid, AccessShareLock) : nullptr;
  if (events == nullptr) {
    sql_reason = "there is no audit_events";
    return nullptr;
  }
  sql_reason = reason_against(events);
  if (sql_reason == nullptr) return events;
  relation_close(events, NoLock);
  return nullptr;
}

}  // namespace audit::pg
