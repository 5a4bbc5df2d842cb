// Shapes of partitions: see the header. Each change of a relation's definition (of its columns, its indexes, their
// validity) sends a relcache invalidation for the table or the index, which reaches us at the latest when we lock the
// table: then the shape is forgotten. Once it is locked neither it nor its indexes can be dropped, nor its columns be
// changed, before we let go: that takes a lock on the table that ours conflicts with, or (DROP INDEX CONCURRENTLY)
// waits for all who hold one. What may change all the same is whether an index is valid and for whom, so that is not
// remembered.
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
