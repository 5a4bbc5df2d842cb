// audit_shards has a row in each shard of its own, beside a shard of audit_events, whose number it holds. Citus runs a
// statement on it in all shards at once, and each runs audit_shard_page() for the shard beside it.
//
// Events are handed on only when all shards have answered, none with a reason why its engine could not. So a shard that
// was split or is otherwise unknown to audit_shards is never left out.
#include "reading/shard_pages.hpp"

#include "base/distribution.hpp"
#include "base/own_objects.hpp"
#include "base/owner_rights.hpp"
#include "base/packed_event.hpp"
#include "base/sql_plans.hpp"

namespace audit::pg {
namespace {

constexpr int arguments_max = static_cast<int>(filter_count) + 5;

// The arguments of audit_shard_page(), by name.
struct ShardCall {
  StringInfoData text;
  Oid types[arguments_max];
  Datum values[arguments_max];
  int count;
};

void add(ShardCall& call, std::string_view name, Oid type, Datum value) {
  call.types[call.count] = type;
  call.values[call.count++] = value;
  appendStringInfo(&call.text, ", %.*s => $%d", static_cast<int>(name.size()), name.data(), call.count);
}

void add_filters(ShardCall& call, const EventFilters& filters) {
  for (std::size_t i = 0; i < filter_count; i++)
    if (const auto& value = filters.values[i])
      add(call, filter_name(i), event_column_types[filter_columns[i]], filter_argument(i, *value));
  if (const auto& text = filters.expression)
    add(call, "filter", TEXTOID,
        PointerGetDatum(cstring_to_text_with_len(text->data(), static_cast<int>(text->size()))));
  if (filters.since_us) add(call, "since", TIMESTAMPTZOID, TimestampTzGetDatum(*filters.since_us));
  if (filters.until_us) add(call, "until", TIMESTAMPTZOID, TimestampTzGetDatum(*filters.until_us));
}

void write_call(const PageRequest& request, ShardCall& call) {
  call.count = 0;
  initStringInfo(&call.text);
  appendStringInfoString(&call.text, "shard_id => s.shard_id");
  add_filters(call, request.filters);
  add(call, "page_size", INT4OID, Int32GetDatum(request.page_size));
  if (!request.after) return;
  char cursor[cursor_size];
  write_cursor(*request.after, request.filters, cursor);
  add(call, "cursor", TEXTOID, PointerGetDatum(cstring_to_text_with_len(cursor, cursor_size)));
}

// The answers are in SPI_tuptable. A plan would not be kept: Citus plans statements on many shards anew each time.
void ask_shards(const PageRequest& request) {
  ShardCall call;
  write_call(request, call);
  ParamListInfo parameters = null_parameters(call.types, call.count);
  for (int i = 0; i < call.count; i++) set_parameter(parameters, i, call.values[i]);
  const char* schema = quoted_schema_of(request.function_oid);
  SPIExecuteOptions options{};
  options.params = parameters;
  options.read_only = true;
  // Shards answer in less time than a second session to their worker takes to begin.
  const int settings_level = NewGUCNestLevel();
  set_setting("citus.max_adaptive_executor_pool_size", "1");
  const int result = SPI_execute_extended(
      psprintf("SELECT %s.audit_shard_page(%s) FROM %s.audit_shards s", schema, call.text.data, schema), &options);
  AtEOXact_GUC(true, settings_level);
  if (result != SPI_OK_SELECT) elog(ERROR, "SPI_execute_extended failed: %s", SPI_result_code_string(result));
}

// The events of a shard, newest first.
struct ShardPage {
  Datum* elements;  // packed; the first is none
  int count;
  int next;
  EventKey key;  // of the event that is looked at
  Datum values[event_column_count];
  bool nulls[event_column_count];
};

// Looks at the next event; false: there is none.
bool advance(ShardPage& page) {
  if (page.next == page.count) return false;
  unpack_event(page.elements[page.next++], page.values, page.nulls);
  page.key = event_key({page.values, page.nulls});
  return true;
}

// What stands before the events: their format, and the reason why there are none.
const char* reason_of(const char* first) {
  std::uint32_t format = 0;
  const int size = static_cast<int>(VARSIZE(first) - VARHDRSZ) - static_cast<int>(sizeof(format));
  if (size >= 0) memcpy(&format, VARDATA(first), sizeof(format));
  if (format != packed_event_format) return "a worker has another version of audit_ext, or another architecture";
  return size == 0 ? nullptr : pnstrdup(VARDATA(first) + sizeof(format), static_cast<Size>(size));
}

const char* read_answer(std::uint64_t row, ShardPage& page) {
  bool is_null = true;
  const Datum answer = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 1, &is_null);
  page.count = 0;
  if (!is_null)
    deconstruct_array(DatumGetArrayTypeP(answer), BYTEAOID, -1, false, TYPALIGN_INT, &page.elements, nullptr,
                      &page.count);
  page.next = 1;
  return page.count == 0 ? "a worker did not answer" : reason_of(DatumGetPointer(page.elements[0]));
}

// Returns the reason why the answers are not all there is. A distributed table has at least one shard.
const char* read_answers(ShardPage* pages, int shard_count) {
  if (shard_count == 0 || SPI_processed != static_cast<std::uint64_t>(shard_count))
    return "audit_shards does not know all shards";
  for (int i = 0; i < shard_count; i++)
    if (const char* reason = read_answer(static_cast<std::uint64_t>(i), pages[i])) return reason;
  return nullptr;
}

void merge(ShardPage* pages, int shard_count, EventSink& sink) {
  int open_count = 0;
  for (int i = 0; i < shard_count; i++)
    if (advance(pages[i])) std::swap(pages[open_count++], pages[i]);
  while (open_count > 0) {
    ShardPage* newest = std::max_element(pages, pages + open_count,
                                         [](const auto& a, const auto& b) { return compare(a.key, b.key) < 0; });
    if (!sink.add({newest->values, newest->nulls})) return;
    if (!advance(*newest)) *newest = pages[--open_count];
  }
}

}  // namespace

bool find_events_on_shards(const PageRequest& request, EventSink& sink, SearchReport& report) {
  const MemoryContext caller = CurrentMemoryContext;
  const int shard_count = report.shards_asked = count_shards(own_table("audit_events"));
  SPI_connect();
  ask_shards(request);
  auto* pages = static_cast<ShardPage*>(palloc(sizeof(ShardPage) * static_cast<std::size_t>(shard_count)));
  const char* reason = read_answers(pages, shard_count);
  if (reason == nullptr) merge(pages, shard_count, sink);
  report.sql_reason = reason == nullptr ? nullptr : MemoryContextStrdup(caller, reason);
  SPI_finish();
  return reason == nullptr;
}

}  // namespace audit::pg
