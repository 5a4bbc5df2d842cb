// audit_list(...): the page as rows, each with the page's next_cursor. The cursor is known only behind the last row, so
// the rows (at most 200) are kept until then. Materialize mode: nothing stays open between calls.
#include "base/event_bounds.hpp"
#include "base/sql_entry.hpp"
#include "reading/page.hpp"

namespace audit::pg {
namespace {

constexpr int next_cursor_column = event_column_count;

// Keeps copies of the page's rows, next_cursor still NULL, in the memory context that was current when it was made.
class RowSink final : public EventSink {
 public:
  explicit RowSink(TupleDesc descriptor) : descriptor_(descriptor), context_(CurrentMemoryContext) {}

  bool add(const EventRow& row) override {
    if (!has_room_for(row)) return false;
    Datum values[event_column_count + 1] = {};
    bool nulls[event_column_count + 1];
    memcpy(values, row.values, sizeof(Datum) * event_column_count);
    memcpy(nulls, row.nulls, sizeof(bool) * event_column_count);
    nulls[next_cursor_column] = true;
    const MemoryContext caller = MemoryContextSwitchTo(context_);
    rows_[row_count_++] = heap_form_tuple(descriptor_, values, nulls);
    MemoryContextSwitchTo(caller);
    return true;
  }

  void set_next_cursor(std::string_view cursor) {
    int column = next_cursor_column + 1;
    Datum value = PointerGetDatum(cstring_to_text_with_len(cursor.data(), static_cast<int>(cursor.size())));
    bool is_null = false;
    for (int i = 0; i < row_count_; i++)
      rows_[i] = heap_modify_tuple_by_cols(rows_[i], descriptor_, 1, &column, &value, &is_null);
  }

  void put_into(Tuplestorestate* store) {
    for (int i = 0; i < row_count_; i++) tuplestore_puttuple(store, rows_[i]);
  }

 private:
  // Only a page that might be too large is measured.
  bool has_room_for(const EventRow& row) {
    const bool was_surely_small = bound_ <= room_.limit();
    bound_ += json_bound(row);
    if (bound_ <= room_.limit()) return true;
    if (was_surely_small) measure_rows();
    return room_.take(row);
  }

  void measure_rows() {
    for (int i = 0; i < row_count_; i++) {
      Datum values[event_column_count + 1];
      bool nulls[event_column_count + 1];
      heap_deform_tuple(rows_[i], descriptor_, values, nulls);
      room_.take({values, nulls});
    }
  }

  TupleDesc descriptor_;
  MemoryContext context_;
  HeapTuple rows_[page_size_max];
  int row_count_ = 0;
  PageRoom room_;
  std::size_t bound_ = 0;
};
static_assert(std::is_trivially_destructible_v<RowSink>);

}  // namespace
}  // namespace audit::pg

AUDIT_SQL_FUNCTION(audit_list) {
  using namespace audit::pg;
  const PageRequest request = read_page_request(fcinfo);
  InitMaterializedSRF(fcinfo, 0);
  auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);

  RowSink sink(result->setDesc);
  const PageEnd end = fetch_page(request, sink);
  char cursor[audit::cursor_size];
  if (write_next_cursor(request, end, cursor)) sink.set_next_cursor({cursor, audit::cursor_size});
  sink.put_into(result->setResult);
  return Datum{0};
}
