#include "engine/row_fetcher.hpp"

#include "base/inet_value.hpp"
#include "base/settings.hpp"
#include "engine/tids.hpp"

namespace audit::pg {
namespace {

bool is_text(Datum value, std::string_view expected) {
  text* unpacked = DatumGetTextPP(value);
  const bool is_equal = expected == std::string_view(VARDATA_ANY(unpacked), VARSIZE_ANY_EXHDR(unpacked));
  if (PointerGetDatum(unpacked) != value) pfree(unpacked);
  return is_equal;
}

void report_too_many_rows() {
  ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("filter has too many rows to check for one page"),
          errdetail("More than %d rows (audit_ext.filter_rows_max) were compared with it.", filter_rows_max_setting()),
          errhint("Add since, or one of the arguments that find events by an index, such as event_type or user_id."),
          err_generic_string(PG_DIAG_CONSTRAINT_NAME, "filter_rows_max"));
}

}  // namespace

RowFetcher::RowFetcher(const PageSearch& search, const EventPartition& partition, const KeyRange& range)
    : search_(search),
      partition_(partition),
      range_(range),
      last_column_(Max(partition.shape.columns[id_column], partition.shape.columns[created_at_column])),
      filter_row_(search.filter, partition.shape) {
  for (int i = 0; i < search.given_count; i++)
    last_column_ = Max(last_column_, partition.shape.columns[filter_columns[search.filters[i].number]]);
}

void RowFetcher::begin() {
  slot_ = table_slot_create(partition_.table, nullptr);
  heap_ = table_index_fetch_begin(partition_.table);
}

void RowFetcher::end() {
  if (heap_ == nullptr) return;
  table_index_fetch_end(heap_);
  ExecDropSingleTupleTableSlot(slot_);
}

void RowFetcher::fetch(Tid tid) {
  if (heap_ == nullptr) begin();
  ItemPointerData pointer = pointer_of(tid);
  bool call_again = false, is_dead_to_all = false;
  search_.report->heap_tuples_fetched++;
  if (!table_index_fetch_tuple(heap_, &pointer, search_.snapshot, slot_, &call_again, &is_dead_to_all)) return;
  pgstat_count_heap_fetch(search_.given_count > 0 ? partition_.filter_index : partition_.primary_key);
  slot_getsomeattrs(slot_, last_column_);
  const EventKey key = key_of_slot();
  if (contains(range_, key) && wants(key) && matches_filters() && matches_expression()) keep(key);
}

EventKey RowFetcher::key_of_slot() const {
  EventKey key;
  key.created_at_us = DatumGetTimestampTz(slot_->tts_values[partition_.shape.columns[created_at_column] - 1]);
  memcpy(key.id.data(), DatumGetUUIDP(slot_->tts_values[partition_.shape.columns[id_column] - 1])->data, UUID_LEN);
  return key;
}

// The lists say what a row had when it came; the row itself decides.
bool RowFetcher::matches_filters() const {
  for (int i = 0; i < search_.given_count; i++)
    if (!matches(search_.filters[i])) return false;
  return true;
}

bool RowFetcher::matches(const GivenFilter& filter) const {
  const int position = partition_.shape.columns[filter_columns[filter.number]] - 1;
  if (slot_->tts_isnull[position]) return false;
  const Datum value = slot_->tts_values[position];
  switch (filter_kind(filter.number)) {
    case ColumnKind::text: return is_text(value, filter.value.text);
    case ColumnKind::address: return contains(filter.value.network, network_of(DatumGetInetPP(value)));
    default: return DatumGetInt64(value) == filter.value.number;
  }
}

bool RowFetcher::matches_expression() {
  if (search_.filter == nullptr) return true;
  CHECK_FOR_INTERRUPTS();
  if (search_.report->rows_checked++ == filter_rows_max_setting()) report_too_many_rows();
  return filter_row_.is_match(slot_);
}

void RowFetcher::keep(const EventKey& key) {
  const MemoryContext caller = MemoryContextSwitchTo(search_.found_context);
  const FoundEvent event{ExecCopySlotHeapTuple(slot_), &partition_};
  MemoryContextSwitchTo(caller);
  has_kept_any_ = true;
  FoundEvent evicted{};
  if (search_.found->add(key, event, evicted)) heap_freetuple(evicted.row);
}

}  // namespace audit::pg
