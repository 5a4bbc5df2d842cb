// The children of a jsonb container, in place. The layout is that of utils/jsonb.h. A container is a count, one JEntry
// a child, then the children's bytes. An object has all keys first, then all values. Numbers and containers are aligned
// to four bytes.
#pragma once

#include "base/numeric_digits.hpp"
#include "base/postgres_api.hpp"

namespace audit::pg {

struct JsonbChild {
  JEntry entry;
  char* begin;  // of a text, which is not zero-terminated
  std::size_t size;

  std::string_view text() const { return {begin, size}; }
  NumericData* numeric() const { return reinterpret_cast<NumericData*>(aligned()); }
  JsonbContainer* container() const { return reinterpret_cast<JsonbContainer*>(aligned()); }

 private:
  char* aligned() const { return reinterpret_cast<char*>(INTALIGN(begin)); }
};

// Goes over the children of a container in the order in which they are stored.
class JsonbChildren {
 public:
  // `first`: the index of the child to begin with.
  JsonbChildren(JsonbContainer* container, int first)
      : entry_(&container->children[first]),
        bytes_(reinterpret_cast<char*>(&container->children[count(container)])),
        offset_(getJsonbOffset(container, first)) {}

  // Of an object, keys and values.
  static int count(JsonbContainer* container) {
    return static_cast<int>(JsonContainerSize(container)) * (JsonContainerIsObject(container) ? 2 : 1);
  }

  JsonbChild next() {
    const JEntry entry = *entry_++;
    const uint32 begin = offset_;
    offset_ = JBE_HAS_OFF(entry) ? JBE_OFFLENFLD(entry) : begin + JBE_OFFLENFLD(entry);
    return {entry, bytes_ + begin, offset_ - begin};
  }

  // The next child that is a number or a container, before the child `end`.
  bool next_number_or_container(const JEntry* end, JsonbChild& child) {
    while (entry_ < end) {
      const JEntry entry = *entry_++;
      const uint32 begin = offset_;
      offset_ = JBE_HAS_OFF(entry) ? JBE_OFFLENFLD(entry) : begin + JBE_OFFLENFLD(entry);
      if (!JBE_ISNUMERIC(entry) && !JBE_ISCONTAINER(entry)) continue;
      child = {entry, bytes_ + begin, offset_ - begin};
      return true;
    }
    return false;
  }

 private:
  const JEntry* entry_;
  char* bytes_;
  uint32 offset_;
};

}  // namespace audit::pg
