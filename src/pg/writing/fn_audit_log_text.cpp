// audit_log_text(events, is_ndjson, user_id): records what a client has sent, and says what to answer it.
#include "base/settings.hpp"
#include "base/sql_arguments.hpp"
#include "base/sql_entry.hpp"
#include "writing/event_batch.hpp"

namespace audit::pg {
namespace {

constexpr int events_max = 10'000;

Jsonb* parse_json(std::string_view text) {
  return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(pnstrdup(text.data(), text.size()))));
}

// Before it is parsed: PostgreSQL's parser does not look whether the query was cancelled.
bool is_surely_too_large(std::string_view event) {
  const auto limit = static_cast<std::size_t>(max_event_size_setting());
  return limit > 0 && event.size() > limit && json_size_at_least(event) > limit;
}

// Parses each event by itself, so that memory is needed for one only.
class EventTexts {
 public:
  explicit EventTexts(EventBatch& batch)
      : batch_(batch),
        context_(AllocSetContextCreate(CurrentMemoryContext, "audit_ext text", ALLOCSET_DEFAULT_SIZES)) {}

  void add(std::string_view event) {
    CHECK_FOR_INTERRUPTS();
    if (is_surely_too_large(event)) return batch_.refuse(EventFault::too_large);
    const MemoryContext caller = MemoryContextSwitchTo(context_);
    JsonbValue item;
    JsonbToJsonbValue(parse_json(event), &item);
    MemoryContextSwitchTo(caller);
    batch_.add_item(item);
    MemoryContextReset(context_);
  }

 private:
  EventBatch& batch_;
  MemoryContext context_;
};
static_assert(std::is_trivially_destructible_v<EventTexts>);

// Newline-delimited JSON: one event a line, blank lines between.
void add_lines(EventBatch& batch, std::string_view text) {
  EventTexts events(batch);
  while (!text.empty() && batch.count() <= events_max) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(Min(line.size() + 1, text.size()));
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) events.add(line);
  }
}

void add_document(EventBatch& batch, std::string_view text) {
  JsonList list(text);
  if (!list.is_list()) {
    const std::size_t begin = text.find_first_not_of(" \t\r\n");
    const bool is_event = begin != std::string_view::npos && text[begin] == '{';
    if (is_event && is_surely_too_large(text)) return batch.refuse(EventFault::too_large);
    return batch.add_document(parse_json(text));
  }
  EventTexts events(batch);
  std::string_view event;
  while (batch.count() <= events_max && list.next(event)) events.add(event);
}

Datum recorded_json(const EventBatch& batch) {
  JsonBuffer json(static_cast<std::size_t>(batch.count()) * (uuid_text_size + 3) + 64);
  json.append("{\"ids\":[");
  int new_count = 0;
  for (int i = 0; i < batch.count(); i++) {
    json.append(i > 0 ? ",\"" : "\"");
    json.wrote(write_uuid(json.reserve(uuid_text_size), batch[i].id.data));
    json.append("\"");
    new_count += batch[i].is_new;
  }
  json.append(psprintf("],\"recorded\":%d}", new_count));
  return json.finish();
}

Datum answer(FunctionCallInfo fcinfo, int status, std::optional<Datum> body) {
  TupleDesc descriptor;
  if (get_call_result_type(fcinfo, nullptr, &descriptor) != TYPEFUNC_COMPOSITE)
    elog(ERROR, "return type must be a row type");
  Datum values[] = {Int32GetDatum(status), body.value_or(Datum{0})};
  bool nulls[] = {false, !body};
  return HeapTupleGetDatum(heap_form_tuple(descriptor, values, nulls));
}

}  // namespace
}  // namespace audit::pg

AUDIT_SQL_FUNCTION(audit_log_text) {
  using namespace audit::pg;
  EventBatch batch(fcinfo->flinfo->fn_oid, {"api", int64_argument(fcinfo, 2)});
  const std::string_view events = text_argument(fcinfo, 0).value_or("");
  if (!PG_ARGISNULL(1) && PG_GETARG_BOOL(1))
    add_lines(batch, events);
  else
    add_document(batch, events);
  if (batch.count() > events_max) return answer(fcinfo, 413, std::nullopt);
  if (batch.problems().has(EventFault::other_user)) return answer(fcinfo, 403, std::nullopt);
  if (!batch.problems().empty()) return answer(fcinfo, 422, batch.problems().as_json());
  batch.record();
  return answer(fcinfo, 201, recorded_json(batch));
}
