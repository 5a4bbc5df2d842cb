// Partitions newest first, until what is left cannot hold anything newer than what has been found. Events are handed
// out only when all of that has succeeded, so that the SQL path can still take over.
#include "engine/posting_page.hpp"

#include "engine/events_access.hpp"
#include "engine/partition_search.hpp"

namespace audit::pg {
namespace {

KeyRange range_of(const PageRequest& request) {
  KeyRange range;
  if (request.filters.since_us) range.from = first_key_of(*request.filters.since_us);
  if (request.filters.until_us) range.before = first_key_of(*request.filters.until_us);
  if (request.after && compare(*request.after, range.before) < 0) range.before = *request.after;
  return range;
}

void set_filters(const EventFilters& filters, PageSearch& search) {
  for (std::size_t i = 0; i < filter_count; i++)
    if (const auto& value = filters.values[i])
      search.filters[search.given_count++] = {i, {0, is_text_filter(i), value->number, value->text}};
}

bool may_hold_newer(const PageSearch& search, const PartitionBounds& bounds) {
  return bounds.is_default || !search.found->is_full() || compare(search.found->oldest(), bounds.range.before) < 0;
}

// Whether all that is needed could be read; sets the number of partitions that are open: those that hold found events.
bool search_partitions(const PageSearch& search, const PartitionBounds* bounds, int count, EventPartition* partitions,
                       int& opened_count) {
  const MemoryContext caller = CurrentMemoryContext;
  const MemoryContext context = AllocSetContextCreate(caller, "audit_ext partition", ALLOCSET_DEFAULT_SIZES);
  for (int i = 0; i < count && search.report->sql_reason == nullptr; i++) {
    CHECK_FOR_INTERRUPTS();
    if (!may_hold_newer(search, bounds[i])) continue;
    EventPartition& partition = partitions[opened_count];
    if (open_partition(bounds[i], search.given_count > 0, partition, search.report->sql_reason) != Opened::yes)
      continue;
    search.report->partitions_opened++;
    MemoryContextSwitchTo(context);
    const bool has_found_any = search_partition(search, partition, bounds[i].range);
    MemoryContextSwitchTo(caller);
    MemoryContextReset(context);
    if (has_found_any)
      opened_count++;
    else
      close_partition(partition, AccessShareLock);
  }
  return search.report->sql_reason == nullptr;
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
                         SearchReport& report, EventSink& sink, MemoryContext sink_context) {
  PageSearch search{};
  set_filters(request.filters, search);
  search.range = range_of(request);
  search.snapshot = GetActiveSnapshot();
  search.found = &found;
  search.found_context = CurrentMemoryContext;
  search.report = &report;

  PartitionBounds* bounds = nullptr;
  const int count = is_empty(search.range) ? 0 : list_partitions(events, search.range, bounds);
  auto* partitions = static_cast<EventPartition*>(palloc(sizeof(EventPartition) * static_cast<Size>(count + 1)));
  int opened_count = 0;
  const bool is_complete = search_partitions(search, bounds, count, partitions, opened_count);
  if (is_complete) {
    const MemoryContext caller = MemoryContextSwitchTo(sink_context);
    hand_out(found, sink);
    MemoryContextSwitchTo(caller);
  }
  for (int i = 0; i < opened_count; i++) close_partition(partitions[i], NoLock);
  return is_complete;
}

}  // namespace

bool find_events_by_postings(const PageRequest& request, int event_limit, EventSink& sink, SearchReport& report) {
  const MemoryContext caller = CurrentMemoryContext;
  const MemoryContext context = AllocSetContextCreate(caller, "audit_ext page", ALLOCSET_DEFAULT_SIZES);
  MemoryContextSwitchTo(context);
  bool is_complete = false;
  if (Relation events = open_events(request.function_oid, report.sql_reason)) {
    auto* entries = static_cast<NewestEvents<FoundEvent>::Entry*>(
        palloc(sizeof(NewestEvents<FoundEvent>::Entry) * static_cast<Size>(event_limit)));
    NewestEvents<FoundEvent> found(entries, event_limit);
    is_complete = search_and_hand_out(request, events, found, report, sink, caller);
    relation_close(events, NoLock);
  }
  MemoryContextSwitchTo(caller);
  if (report.sql_reason != nullptr) report.sql_reason = pstrdup(report.sql_reason);
  MemoryContextDelete(context);
  return is_complete;
}

}  // namespace audit::pg
