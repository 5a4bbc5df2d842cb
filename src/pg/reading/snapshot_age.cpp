// The last step of a move gives new storage to the default partition. A row of pg_class is written by that, and by
// little else: the one of its TOAST table. A snapshot that does not see that row is from before.
//
// On the primary, the move has waited for all snapshots that do not see the copies. It knows nothing of those of
// standbys, and it puts events that are too far ahead for a partition back as new rows.
#include "reading/snapshot_age.hpp"

#include "base/trail.hpp"

namespace audit::pg {
namespace {

struct StorageOf {
  TransactionId writer;  // of the row of pg_class
  Oid toast;
};

std::optional<StorageOf> storage_of(Oid table) {
  HeapTuple row = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
  if (!HeapTupleIsValid(row)) return std::nullopt;
  const StorageOf storage{HeapTupleHeaderGetXmin(row->t_data),
                          reinterpret_cast<Form_pg_class>(GETSTRUCT(row))->reltoastrelid};
  ReleaseSysCache(row);
  return storage;
}

bool is_newer_than(const StorageOf& storage, Snapshot snapshot) {
  return TransactionIdIsNormal(storage.writer) && !TransactionIdIsCurrentTransactionId(storage.writer) &&
         XidInMVCCSnapshot(storage.writer, snapshot);
}

bool has_rows_put_back(Oid table) {
  Relation relation = try_relation_open(table, AccessShareLock);
  if (relation == nullptr) return false;
  const bool has_blocks = RelationGetNumberOfBlocks(relation) > 0;
  relation_close(relation, NoLock);
  return has_blocks;
}

}  // namespace

void check_snapshot_age() {
  const Oid table = default_partition();
  const std::optional<StorageOf> storage = storage_of(table);
  if (!storage) return;
  const std::optional<StorageOf> toast = storage_of(storage->toast);
  const Snapshot snapshot = GetActiveSnapshot();
  if (!toast || !is_newer_than(*toast, snapshot)) return;
  if (!snapshot->takenDuringRecovery && !has_rows_put_back(table)) return;
  ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE), errmsg("events were moved between partitions meanwhile"),
                  errdetail("The transaction's snapshot is older than the move and may miss some of them."),
                  errhint("Try the transaction again.")));
}

}  // namespace audit::pg
