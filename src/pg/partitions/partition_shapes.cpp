// Shapes of partitions. Each change of a relation's definition (its columns, its indexes, their validity) sends a
// relcache invalidation for the table or the index. It arrives at the latest when the table is locked, and the shape is
// then forgotten.
//
// While the table is locked, neither it nor its indexes can be dropped, nor its columns be changed. These take a
// conflicting lock on the table, or (DROP INDEX CONCURRENTLY) wait for all holders of one. The validity of an index may
// still change, so it is not remembered.
#include "partitions/partition_shapes.hpp"

namespace audit::pg {
namespace {

struct KnownPartition {
  Oid partition;  // the key
  PartitionShape shape;
};

HTAB* known_partitions = nullptr;
std::uint64_t generation_now = 0;

bool concerns(const KnownPartition& known, Oid relation) {
  return relation == InvalidOid || relation == known.partition || relation == known.shape.primary_key ||
         relation == known.shape.filter_index || relation == known.shape.range_index;
}

void forget(Datum, Oid relation) {
  generation_now++;
  HASH_SEQ_STATUS scan;
  hash_seq_init(&scan, known_partitions);
  while (auto* known = static_cast<KnownPartition*>(hash_seq_search(&scan)))
    if (concerns(*known, relation)) hash_search(known_partitions, &known->partition, HASH_REMOVE, nullptr);
}

void begin() {
  HASHCTL layout{};
  layout.keysize = sizeof(Oid);
  layout.entrysize = sizeof(KnownPartition);
  layout.hcxt = CacheMemoryContext;
  known_partitions = hash_create("audit_ext partitions", 64, &layout, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
  CacheRegisterRelcacheCallback(forget, Datum{0});
}

}  // namespace

std::uint64_t shape_generation() {
  if (known_partitions == nullptr) begin();
  return generation_now;
}

bool find_shape(Oid partition, PartitionShape& shape) {
  if (known_partitions == nullptr) begin();
  const auto* known = static_cast<KnownPartition*>(hash_search(known_partitions, &partition, HASH_FIND, nullptr));
  if (known == nullptr) return false;
  shape = known->shape;
  return true;
}

void remember_shape(Oid partition, const PartitionShape& shape, std::uint64_t generation) {
  if (generation != generation_now) return;
  auto* known = static_cast<KnownPartition*>(hash_search(known_partitions, &partition, HASH_ENTER, nullptr));
  known->shape = shape;
}

}  // namespace audit::pg
