// Locks are taken as the planner takes them: the table first, then indexes. Only the needed ones are taken, because
// most partitions are left again after a look at the filter index. Only a partition exactly as audit_index_partition()
// makes it is read.
#include "partitions/event_partition.hpp"

#include "base/pg_compat.hpp"

namespace audit::pg {
namespace {

bool find_columns(EventPartition& partition) {
  return find_event_columns(RelationGetDescr(partition.table), partition.shape.columns) == event_columns.size();
}

// The planner's conditions for using an index. The last one: rows older than the index may have been changed in a way
// that it does not know, but the snapshot does.
bool is_usable(Relation index) {
  const Form_pg_index form = index->rd_index;
  return form->indisvalid && form->indisready && form->indislive &&
         !(form->indcheckxmin &&
           !TransactionIdPrecedes(HeapTupleHeaderGetXmin(index->rd_indextuple->t_data), TransactionXmin));
}

bool has_plain_columns_only(Relation index) {
  return heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, nullptr) &&
         heap_attisnull(index->rd_indextuple, Anum_pg_index_indexprs, nullptr);
}

bool is_expected_primary_key(const EventPartition& partition, Relation index) {
  const Form_pg_index form = index->rd_index;
  return index->rd_rel->relam == BTREE_AM_OID && form->indnatts == 2 && form->indnkeyatts == 2 && form->indisunique &&
         form->indkey.values[0] == partition.shape.columns[created_at_column] &&
         form->indkey.values[1] == partition.shape.columns[id_column] && index->rd_indoption[0] == 0 &&
         index->rd_indoption[1] == 0 && index_getprocid(index, 1, 1) == F_TIMESTAMPTZ_CMP &&
         index_getprocid(index, 2, 1) == F_UUID_CMP && has_plain_columns_only(index) && is_usable(index);
}

bool has_name(Oid function, const char* expected) {
  char* name = get_func_name(function);
  return name != nullptr && strcmp(name, expected) == 0;
}

struct ExpectedClass {
  Oid compare_function;
  const char* extract_function;
  Oid collation;
};

// btree_gin's operator classes: one key a row, the value itself, compared as such.
ExpectedClass class_of_values(ColumnKind kind) {
  switch (kind) {
    case ColumnKind::text: return {F_BTTEXTCMP, "gin_extract_value_text", DEFAULT_COLLATION_OID};
    case ColumnKind::address: return {F_NETWORK_CMP, "gin_extract_value_inet", InvalidOid};
    default: return {F_BTINT8CMP, "gin_extract_value_int8", InvalidOid};
  }
}

// Those that audit_index_partition() uses: one key a row, too.
ExpectedClass expected_class(std::size_t filter) {
  const ColumnKind kind = filter_kind(filter);
  switch (index_key(filter)) {
    case IndexKey::prefix: return {F_BTTEXTCMP, "audit_gin_text_prefix", DEFAULT_COLLATION_OID};
    case IndexKey::bucket:
      if (kind == ColumnKind::text) return {F_BTINT4CMP, "audit_gin_text_bucket", DEFAULT_COLLATION_OID};
      return {F_BTINT4CMP, "audit_gin_bigint_bucket", InvalidOid};
    case IndexKey::value: break;
  }
  return class_of_values(kind);
}

bool has_class(Relation index, int column, const ExpectedClass& expected) {
  constexpr uint16 compare_function = 1, extract_function = 2;
  const auto number = static_cast<AttrNumber>(column);
  return index_getprocid(index, number, compare_function) == expected.compare_function &&
         has_name(index_getprocid(index, number, extract_function), expected.extract_function) &&
         index->rd_indcollation[column - 1] == expected.collation;
}

// filter_count: none.
std::size_t filter_of_index_column(const EventPartition& partition, Relation index, int column) {
  const AttrNumber number = index->rd_index->indkey.values[column - 1];
  std::size_t filter = 0;
  while (filter < filter_count && partition.shape.columns[filter_columns[filter]] != number) filter++;
  return filter;
}

// One with other columns than filters cannot be read: of such columns a row may have several entries.
bool find_filters_of_index(const EventPartition& partition, Relation index, int (&columns)[filter_count]) {
  for (int column = 1; column <= index->rd_index->indnatts; column++) {
    const std::size_t filter = filter_of_index_column(partition, index, column);
    if (filter == filter_count || columns[filter] != 0 || !has_class(index, column, expected_class(filter)))
      return false;
    columns[filter] = column;
  }
  return std::find(columns, columns + published_filter_count, 0) == columns + published_filter_count;
}

bool is_expected_filter_index(const EventPartition& partition, Relation index, int (&columns)[filter_count]) {
  return has_plain_columns_only(index) && is_usable(index) && find_filters_of_index(partition, index, columns);
}

bool is_expected_range_index(const EventPartition& partition, Relation index) {
  return index->rd_index->indnatts == 1 &&
         index->rd_index->indkey.values[0] == partition.shape.columns[created_at_column] &&
         index_getprocid(index, 1, 1) == F_BRIN_MINMAX_OPCINFO && has_plain_columns_only(index);
}

Oid access_method_of(Oid relation) {
  HeapTuple row = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
  if (!HeapTupleIsValid(row)) return InvalidOid;
  const Oid method = reinterpret_cast<Form_pg_class>(GETSTRUCT(row))->relam;
  ReleaseSysCache(row);
  return method;
}

bool find_primary_key(EventPartition& partition) {
  const Oid oid = primary_key_of(partition.table);
  if (!OidIsValid(oid)) return false;
  partition.shape.primary_key = oid;
  partition.primary_key = index_open(oid, AccessShareLock);
  return is_expected_primary_key(partition, partition.primary_key);
}

// The one with the most columns.
bool find_filter_index(EventPartition& partition) {
  ListCell* cell = nullptr;
  foreach (cell, RelationGetIndexList(partition.table)) {
    // The access method first: no lock is taken on indexes that are of no use here.
    if (access_method_of(lfirst_oid(cell)) != GIN_AM_OID) continue;
    Relation index = index_open(lfirst_oid(cell), AccessShareLock);
    const int known_count = partition.filter_index == nullptr ? 0 : partition.filter_index->rd_index->indnatts;
    int columns[filter_count] = {};
    if (index->rd_index->indnatts <= known_count || !is_expected_filter_index(partition, index, columns)) {
      index_close(index, AccessShareLock);
      continue;
    }
    if (known_count > 0) index_close(partition.filter_index, AccessShareLock);
    partition.filter_index = index;
    partition.shape.filter_index = lfirst_oid(cell);
    std::copy_n(columns, filter_count, partition.shape.filter_index_columns);
  }
  return partition.filter_index != nullptr;
}

void find_range_index(EventPartition& partition) {
  ListCell* cell = nullptr;
  foreach (cell, RelationGetIndexList(partition.table)) {
    if (OidIsValid(partition.shape.range_index) || access_method_of(lfirst_oid(cell)) != BRIN_AM_OID) continue;
    Relation index = index_open(lfirst_oid(cell), AccessShareLock);
    if (is_expected_range_index(partition, index)) partition.shape.range_index = lfirst_oid(cell);
    index_close(index, AccessShareLock);
  }
}

const char* reason_against_table(Relation table) {
  if (table->rd_rel->relkind != RELKIND_RELATION) return "is not an ordinary table";
  if (table->rd_rel->relam != HEAP_TABLE_AM_OID) return "is not a heap";
  if (RELATION_IS_OTHER_TEMP(table)) return "is a temporary table of another session";
  if (RecoveryInProgress() && !RelationNeedsWAL(table)) return "is not readable on a standby";
  return nullptr;
}

constexpr const char* no_primary_key = "has no primary key (created_at, id) that can be used";
constexpr const char* no_filter_index = "has no filter index that can be used";

// Opens both indexes.
const char* find_out_shape(EventPartition& partition) {
  const std::uint64_t generation = shape_generation();
  if (const char* reason = reason_against_table(partition.table)) return reason;
  if (!find_columns(partition)) return "has other columns";
  if (!find_primary_key(partition)) return no_primary_key;
  if (!find_filter_index(partition)) return no_filter_index;
  find_range_index(partition);
  remember_shape(RelationGetRelid(partition.table), partition.shape, generation);
  return nullptr;
}

const char* open_known_indexes(EventPartition& partition, bool needs_filter_index) {
  if (!needs_filter_index) return nullptr;
  partition.filter_index = index_open(partition.shape.filter_index, AccessShareLock);
  return is_usable(partition.filter_index) ? nullptr : no_filter_index;
}

const char* sentence_about(const EventPartition& partition, const char* reason) {
  return psprintf("partition %s %s", RelationGetRelationName(partition.table), reason);
}

KeyRange range_between(PartitionBoundInfo bounds, int upper) {
  KeyRange range;
  if (upper > 0 && bounds->kind[upper - 1][0] == PARTITION_RANGE_DATUM_VALUE)
    range.from = first_key_of(DatumGetTimestampTz(bounds->datums[upper - 1][0]));
  if (bounds->kind[upper][0] == PARTITION_RANGE_DATUM_VALUE)
    range.before = first_key_of(DatumGetTimestampTz(bounds->datums[upper][0]));
  return range;
}

}  // namespace

int list_partitions(Relation events, const KeyRange& range, PartitionBounds*& partitions) {
  // As the planner: without partitions that are being detached, from this snapshot's view.
  const PartitionDesc descriptor = RelationGetPartitionDesc(events, true);
  partitions =
      static_cast<PartitionBounds*>(palloc(sizeof(PartitionBounds) * static_cast<Size>(descriptor->nparts + 1)));
  if (descriptor->nparts == 0) return 0;
  const PartitionBoundInfo bounds = descriptor->boundinfo;
  int count = 0;
  // indexes[i] is the partition below datums[i], and above the datum before.
  for (int i = bounds->ndatums - 1; i >= 0; i--) {
    if (bounds->indexes[i] < 0) continue;
    const KeyRange partition_range = range_between(bounds, i);
    if (!is_empty(intersect(range, partition_range)))
      partitions[count++] = {descriptor->oids[bounds->indexes[i]], partition_range, false};
  }
  if (partition_bound_has_default(bounds))
    partitions[count++] = {descriptor->oids[bounds->default_index], KeyRange{}, true};
  return count;
}

Opened open_partition(const PartitionBounds& bounds, bool needs_filter_index, EventPartition& partition,
                      const char*& sql_reason) {
  partition = EventPartition{};
  LockRelationOid(bounds.oid, AccessShareLock);
  const bool is_known = find_shape(bounds.oid, partition.shape);
  partition.table = is_known ? relation_open(bounds.oid, NoLock) : try_relation_open(bounds.oid, NoLock);
  if (partition.table == nullptr) {
    UnlockRelationOid(bounds.oid, AccessShareLock);
    return Opened::is_gone;
  }
  const char* reason = is_known ? open_known_indexes(partition, needs_filter_index) : find_out_shape(partition);
  if (reason == nullptr) return Opened::yes;
  sql_reason = sentence_about(partition, reason);
  close_partition(partition, NoLock);
  return Opened::needs_sql;
}

bool open_primary_key(EventPartition& partition, const char*& sql_reason) {
  if (partition.primary_key != nullptr) return true;
  const Oid oid = partition.shape.primary_key;
  // The usual order would be the primary key first. Having locked the filter index already, waiting could be a
  // deadlock.
  if (!ConditionalLockRelationOid(oid, AccessShareLock)) {
    sql_reason = sentence_about(partition, "has a primary key that is locked");
    return false;
  }
  partition.primary_key = index_open(oid, NoLock);
  if (is_usable(partition.primary_key)) return true;
  sql_reason = sentence_about(partition, no_primary_key);
  return false;
}

bool open_range_index(EventPartition& partition) {
  if (partition.range_index != nullptr) return true;
  const Oid oid = partition.shape.range_index;
  if (!OidIsValid(oid) || !ConditionalLockRelationOid(oid, AccessShareLock)) return false;
  Relation index = index_open(oid, NoLock);
  if (is_usable(index))
    partition.range_index = index;
  else
    index_close(index, AccessShareLock);
  return partition.range_index != nullptr;
}

void close_partition(EventPartition& partition, LOCKMODE lock) {
  if (partition.range_index != nullptr) index_close(partition.range_index, lock);
  if (partition.filter_index != nullptr) index_close(partition.filter_index, lock);
  if (partition.primary_key != nullptr) index_close(partition.primary_key, lock);
  relation_close(partition.table, lock);
}

}  // namespace audit::pg
