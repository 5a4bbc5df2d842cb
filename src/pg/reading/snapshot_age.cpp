// The last step of a move gives new storage to the default partition. A row of pg_class is written by that, and by
// little else: the one of its TOAST table. A snapshot that does not see that row is from before.
//
// On the primary, the move has waited for all snapshots that do not see the copies. It knows nothing of those of
// standbys, and it puts events that are too far ahead for a partition back as new rows.
#include "reading/snapshot_age.hpp"

#include "base/trail.hpp"

namespace audit::pg {
namespace {

// Who wrote that row, until any relation changes. It costs every page 30 instructions instead of 2,000.
bool is_writer_known;
TransactionId known_writer;

void on_relation_change(Datum, Oid) { is_writer_known = false; }

struct StorageOf {
  TransactionId writer;  // of the row of pg_class
  Oid toast;
};

StorageOf storage_of(Oid table) {
  HeapTuple row = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
  if (!HeapTupleIsValid(row)) return {InvalidTransactionId, InvalidOid};
  const StorageOf storage{HeapTupleHeaderGetXmin(row->t_data),
                          reinterpret_cast<Form_pg_class>(GETSTRUCT(row))->reltoastrelid};
  ReleaseSysCache(row);
  return storage;
}

bool is_older(TransactionId writer, Snapshot snapshot) {
  return !TransactionIdIsNormal(writer) || TransactionIdPrecedes(writer, snapshot->xmin);
}

bool has_rows_put_back(Oid table) {
  Relation relation = try_relation_open(table, AccessShareLock);
  if (relation == nullptr) return false;
  const bool has_blocks = RelationGetNumberOfBlocks(relation) > 0;
  relation_close(relation, NoLock);
  return has_blocks;
}

void look_up_and_check(Snapshot snapshot) {
  is_writer_known = true;  // before the look-up, which may hear of changes
  const Oid table = default_partition();
  known_writer = storage_of(storage_of(table).toast).writer;
  if (is_older(known_writer, snapshot) || TransactionIdIsCurrentTransactionId(known_writer)) return;
  if (!XidInMVCCSnapshot(known_writer, snapshot)) return;
  if (!snapshot->takenDuringRecovery && !has_rows_put_back(table)) return;
  ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE), errmsg("events were moved between partitions meanwhile"),
                  errdetail("The transaction's snapshot is older than the move and may miss some of them."),
                  errhint("Try the transaction again.")));
}

}  // namespace

void check_snapshot_age() {
  const Snapshot snapshot = GetActiveSnapshot();
  if (is_writer_known && is_older(known_writer, snapshot)) return;
  look_up_and_check(snapshot);
}

void watch_storage() { CacheRegisterRelcacheCallback(on_relation_change, Datum{0}); }

}  // namespace audit::pg
