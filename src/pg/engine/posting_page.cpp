// Partitions newest first, until what is left cannot hold anything newer than what has been found. A partition that has
// no pages to read is asked by SQL in its turn, but only once all that is here has been searched. Events are handed out
// only when all of that has succeeded, so that the SQL path can still take over.
#include "engine/posting_page.hpp"

#include "base/filter_key.hpp"
#include "base/inet_value.hpp"
#include "engine/events_access.hpp"
#include "engine/partition_search.hpp"

namespace audit::pg {
namespace {

KeyRange range_of(const FilterTimes& times) {
  KeyRange range;
  if (times.since_us > INT64_MIN) range.from = first_key_of(times.since_us);
  if (times.until_us < INT64_MAX) range.before = first_key_of(times.until_us + 1);
  return range;
}

KeyRange range_of(const PageRequest& request) {
  KeyRange range;
  if (request.filters.since_us) range.from = first_key_of(*request.filters.since_us);
  if (request.filters.until_us) range.before = first_key_of(*request.filters.until_us);
  if (request.filter != nullptr) range = intersect(range, range_of(filter_times(request.filter->tree)));
  if (request.after && compare(*request.after, range.before) < 0) range.before = *request.after;
  return range;
}

GinKey bucket_key(ColumnKind kind, const FilterValue& value) {
  const std::int32_t bucket = kind == ColumnKind::text ? filter_bucket(value.text) : filter_bucket(value.number);
  return {0, ColumnKind::integer32, bucket, {}, nullptr};
}

GinKey key_of(std::size_t number, const FilterValue& value) {
  const ColumnKind kind = filter_kind(number);
  switch (index_key(number)) {
    case IndexKey::bucket: return bucket_key(kind, value);
    case IndexKey::prefix: return {0, kind, 0, filter_prefix(value.text), nullptr};
    case IndexKey::value: break;
  }
  return {0, kind, value.number, value.text, kind == ColumnKind::address ? inet_of(value.network) : nullptr};
}

GivenFilter given_filter(std::size_t number, const FilterValue& value) {
  const bool is_key = filter_kind(number) != ColumnKind::address || value.network.is_single_address();
  return {number, value, key_of(number, value), is_key};
}

void set_filters(const PageRequest& request, PageSearch& search) {
  EventFilters filters = request.filters;
  if (request.filter != nullptr) add_required_values(request.filter->tree, filters);
  for (std::size_t i = 0; i < filter_count; i++)
    if (const auto& value = filters.values[i]) search.filters[search.given_count++] = given_filter(i, *value);
}

// The partitions of one page. Those that hold found events stay open.
class PagePartitions {
 public:
  PagePartitions(const PageSearch& search, const PartitionBounds* bounds, int count, SqlParts& sql_parts)
      : search_(search),
        bounds_(bounds),
        count_(count),
        open_(static_cast<EventPartition*>(palloc(sizeof(EventPartition) * static_cast<Size>(count + 1)))),
        sql_parts_(sql_parts),
        page_context_(CurrentMemoryContext),
        context_(AllocSetContextCreate(CurrentMemoryContext, "audit_ext partition", ALLOCSET_DEFAULT_SIZES)) {}

  // False, with the reason in the report: SQL must answer the whole page.
  bool search();

  void close() {
    for (int i = 0; i < open_count_; i++) close_partition(open_[i], NoLock);
  }

 private:
  bool may_hold_newer(const PartitionBounds& bounds) const;
  bool search(const PartitionBounds& bounds);
  const char* search_by_postings(const PartitionBounds& bounds);
  void look_into(const PartitionBounds& bounds);
  bool search_default();

  const PageSearch& search_;
  const PartitionBounds* bounds_;
  int count_;
  EventPartition* open_;
  int open_count_ = 0;
  bool is_default_searched_ = false;
  SqlParts& sql_parts_;
  MemoryContext page_context_;
  MemoryContext context_;
};
static_assert(std::is_trivially_destructible_v<PagePartitions>);

bool PagePartitions::search() {
  for (int i = 0; i < count_; i++) {
    CHECK_FOR_INTERRUPTS();
    if (!search(bounds_[i])) return false;
  }
  return true;
}

bool PagePartitions::may_hold_newer(const PartitionBounds& bounds) const {
  if (bounds.is_default) return !is_default_searched_;
  return !search_.found->is_full() || compare(search_.found->oldest(), bounds.range.before) < 0;
}

// False: it cannot be read without a statement, and there is none: no statement reads just the default partition.
bool PagePartitions::search(const PartitionBounds& bounds) {
  if (!may_hold_newer(bounds)) return true;
  const char* reason = search_by_postings(bounds);
  if (reason == nullptr) return true;
  if (bounds.is_default) return false;
  if (!sql_parts_.is_possible()) {
    search_.report->sql_reason = reason;
    return false;
  }
  if (!search_default()) return false;
  // The default partition may have filled the page.
  if (may_hold_newer(bounds)) sql_parts_.search(search_, bounds, reason);
  return true;
}

// Returns why it cannot be read; nullptr: it was.
const char* PagePartitions::search_by_postings(const PartitionBounds& bounds) {
  const char*& sql_reason = search_.report->sql_reason;
  MemoryContextSwitchTo(context_);
  look_into(bounds);
  MemoryContextSwitchTo(page_context_);
  if (sql_reason != nullptr) sql_reason = pstrdup(sql_reason);
  MemoryContextReset(context_);
  return bounds.is_default ? sql_reason : std::exchange(sql_reason, nullptr);
}

void PagePartitions::look_into(const PartitionBounds& bounds) {
  EventPartition& partition = open_[open_count_];
  if (open_partition(bounds, search_.given_count > 0, partition, search_.report->sql_reason) != Opened::yes) return;
  search_.report->partitions_opened++;
  if (search_partition(search_, partition, bounds.range))
    open_count_++;
  else
    close_partition(partition, AccessShareLock);
}

bool PagePartitions::search_default() {
  const PartitionBounds& last = bounds_[count_ - 1];
  if (!last.is_default || is_default_searched_) return true;
  const bool is_read = search_by_postings(last) == nullptr;
  is_default_searched_ = true;
  return is_read;
}

void hand_out(const NewestEvents<FoundEvent>& found, EventSink& sink) {
  bool is_taken = true;
  for (int i = 0; i < found.size() && is_taken; i++) {
    CHECK_FOR_INTERRUPTS();
    const EventPartition& partition = *found[i].payload.partition;
    TupleDesc descriptor = RelationGetDescr(partition.table);
    Datum all_values[MaxTupleAttributeNumber], values[event_column_count];
    bool all_nulls[MaxTupleAttributeNumber], nulls[event_column_count];
    heap_deform_tuple(found[i].payload.row, descriptor, all_values, all_nulls);
    for (int column = 0; column < event_column_count; column++) {
      values[column] = all_values[partition.shape.columns[column] - 1];
      nulls[column] = all_nulls[partition.shape.columns[column] - 1];
    }
    is_taken = sink.add({values, nulls});
  }
}

bool search_and_hand_out(const PageRequest& request, Relation events, NewestEvents<FoundEvent>& found,
                         FindBySql find_by_sql, SearchReport& report, EventSink& sink, MemoryContext sink_context) {
  PageSearch search{};
  set_filters(request, search);
  search.filter = request.filter;
  search.range = range_of(request);
  search.snapshot = GetActiveSnapshot();
  search.found = &found;
  search.found_context = CurrentMemoryContext;
  search.report = &report;

  PartitionBounds* bounds = nullptr;
  const int count = is_empty(search.range) ? 0 : list_partitions(events, search.range, bounds);
  SqlParts sql_parts(request, find_by_sql, events);
  PagePartitions partitions(search, bounds, count, sql_parts);
  const bool is_complete = partitions.search();
  if (is_complete) {
    const MemoryContext caller = MemoryContextSwitchTo(sink_context);
    hand_out(found, sink);
    MemoryContextSwitchTo(caller);
  }
  partitions.close();
  return is_complete;
}

}  // namespace

bool find_events_by_postings(const PageRequest& request, int event_limit, FindBySql find_by_sql, EventSink& sink,
                             SearchReport& report) {
  const MemoryContext caller = CurrentMemoryContext;
  const MemoryContext context = AllocSetContextCreate(caller, "audit_ext page", ALLOCSET_DEFAULT_SIZES);
  MemoryContextSwitchTo(context);
  bool is_complete = false;
  if (Relation events = open_events(request, report.sql_reason)) {
    auto* entries = static_cast<NewestEvents<FoundEvent>::Entry*>(
        palloc(sizeof(NewestEvents<FoundEvent>::Entry) * static_cast<Size>(event_limit)));
    NewestEvents<FoundEvent> found(entries, event_limit);
    is_complete = search_and_hand_out(request, events, found, find_by_sql, report, sink, caller);
    relation_close(events, NoLock);
  }
  MemoryContextSwitchTo(caller);
  report.is_distributed = report.sql_reason == distributed_reason;
  for (const char** reason : {&report.sql_reason, &report.sql_part_reason})
    if (*reason != nullptr) *reason = pstrdup(*reason);
  MemoryContextDelete(context);
  return is_complete;
}

}  // namespace audit::pg
