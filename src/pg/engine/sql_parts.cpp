// The statement is that of the SQL path on audit_events, restricted to the partition's range. So rights, policies and
// user mappings are those of any SELECT, and PostgreSQL prunes all other partitions.
#include "engine/sql_parts.hpp"

#include "base/owner_rights.hpp"

namespace audit::pg {
namespace {

PageRequest within(const PageRequest& request, const KeyRange& range) {
  PageRequest part = request;
  part.filters.since_us = range.from.created_at_us;
  part.filters.until_us.reset();
  part.after.reset();
  // Not as a position: that would not prune the partition above.
  if (compare(range.before, first_key_of(range.before.created_at_us)) == 0)
    part.filters.until_us = range.before.created_at_us;
  else
    part.after = range.before;
  return part;
}

class FoundSink final : public EventSink {
 public:
  FoundSink(const PageSearch& search, const EventPartition& events, PageRoom& page_room)
      : search_(search), events_(events), page_room_(page_room) {}

  // Rows are not counted: a remote table may have one several times. The events of a remote server have come whole, so
  // none are kept behind the one that ends the page by its size.
  bool add(const EventRow& row) override {
    const EventKey key = event_key(row);
    if (search_.found->wants(key)) keep(key, row);
    const bool is_last = search_.found->room_below(key) <= 1;
    return page_room_.take(row) && !is_last;
  }

 private:
  void keep(const EventKey& key, const EventRow& row) {
    Datum values[MaxTupleAttributeNumber];
    bool nulls[MaxTupleAttributeNumber];
    TupleDesc descriptor = RelationGetDescr(events_.table);
    memcpy(values, row.values, sizeof(Datum) * event_column_count);
    memcpy(nulls, row.nulls, sizeof(bool) * event_column_count);
    std::fill(nulls + event_column_count, nulls + descriptor->natts, true);
    const MemoryContext caller = MemoryContextSwitchTo(search_.found_context);
    const FoundEvent event{heap_form_tuple(descriptor, values, nulls), &events_};
    MemoryContextSwitchTo(caller);
    FoundEvent evicted{};
    if (search_.found->add(key, event, evicted)) heap_freetuple(evicted.row);
  }

  const PageSearch& search_;
  const EventPartition& events_;
  PageRoom& page_room_;
};
static_assert(std::is_trivially_destructible_v<FoundSink>);

}  // namespace

SqlParts::SqlParts(const PageRequest& request, FindBySql find_by_sql, Relation events)
    : request_(request), find_by_sql_(find_by_sql), events_{}, reasons_{} {
  events_.table = events;
  for (int i = 0; i < event_column_count; i++) events_.shape.columns[i] = static_cast<AttrNumber>(i + 1);
}

void SqlParts::search(const PageSearch& search, const PartitionBounds& bounds, const char* reason) {
  if (reasons_.data == nullptr) initStringInfo(&reasons_);
  appendStringInfo(&reasons_, "%s%s", reasons_.len > 0 ? "; " : "", reason);
  search.report->sql_part_reason = reasons_.data;
  FoundSink sink(search, events_, page_room_);
  const int settings_level = NewGUCNestLevel();
  // The server of a foreign partition sorts. Sorting here would fetch all of its events that match.
  if (get_rel_relkind(bounds.oid) == RELKIND_FOREIGN_TABLE) set_setting("enable_sort", "off");
  find_by_sql_(within(request_, intersect(search.range, bounds.range)), page_size_max + 1, sink);
  AtEOXact_GUC(false, settings_level);
}

}  // namespace audit::pg
