// The parts of a page in partitions without pages to read: foreign, partitioned, not a heap, ... They are found by SQL,
// one partition at a time.
#pragma once

#include "base/event_bounds.hpp"
#include "engine/page_request.hpp"
#include "engine/page_search.hpp"

namespace audit::pg {

// Hands the first `event_limit` events of the request's list to the sink: the SQL path. nullptr: there is none.
using FindBySql = void (*)(const PageRequest& request, int event_limit, EventSink& sink);

class SqlParts {
 public:
  SqlParts(const PageRequest& request, FindBySql find_by_sql, Relation events);

  bool is_possible() const { return find_by_sql_ != nullptr; }

  // Brings search.found up to date with the partition. The report gets the reason. REQUIRES: it is not the default
  // partition, so its range has no events of other partitions.
  void search(const PageSearch& search, const PartitionBounds& bounds, const char* reason);

 private:
  const PageRequest& request_;
  FindBySql find_by_sql_;
  EventPartition events_;  // what is found has the row type of audit_events
  StringInfoData reasons_;
  PageRoom page_room_;
};
static_assert(std::is_trivially_destructible_v<SqlParts>);

}  // namespace audit::pg
