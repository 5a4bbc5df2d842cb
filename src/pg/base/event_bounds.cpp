#include "base/event_bounds.hpp"

#include "base/json_buffer.hpp"
#include "base/jsonb_children.hpp"
#include "base/jsonb_json.hpp"
#include "base/settings.hpp"

namespace audit::pg {
namespace {

constexpr std::size_t longest_escape = 6;  // \u001f

// Of everything but texts and the payload: names, numbers, times, addresses.
constexpr std::size_t fixed_size() {
  constexpr std::size_t value_size_max = 64;
  std::size_t size = 2;
  for (const EventColumn& column : event_columns) size += column.json_key.size() + value_size_max;
  return size;
}

// Of a text or a jsonb without its header, unpacked; without a call where it is short or plain.
[[gnu::always_inline]] inline std::size_t raw_size(Datum value) {
  const auto* bytes = reinterpret_cast<const varlena*>(DatumGetPointer(value));
  if (VARATT_IS_4B_U(bytes)) return VARSIZE_4B(bytes) - VARHDRSZ;
  if (VARATT_IS_1B(bytes) && !VARATT_IS_1B_E(bytes)) return VARSIZE_1B(bytes) - VARHDRSZ_SHORT;
  return toast_raw_datum_size(value) - VARHDRSZ;
}

constexpr std::size_t count_text_columns() {
  std::size_t count = 0;
  for (const EventColumn& column : event_columns) count += column.kind == ColumnKind::text;
  return count;
}

constexpr std::array<std::size_t, count_text_columns()> find_text_columns() {
  std::array<std::size_t, count_text_columns()> texts{};
  std::size_t count = 0;
  for (std::size_t i = 0; i < event_columns.size(); i++)
    if (event_columns[i].kind == ColumnKind::text) texts[count++] = i;
  return texts;
}

constexpr auto text_columns = find_text_columns();

// Of all texts. For every event of a page.
std::size_t texts_size(const EventRow& row) {
  std::size_t size = 0;
  for (const std::size_t column : text_columns)
    if (!row.nulls[column]) size += raw_size(row.values[column]);
  return size;
}

std::size_t payload_size(const EventRow& row) {
  return row.nulls[event_payload_column] ? 0 : raw_size(row.values[event_payload_column]);
}

std::size_t largest_column(const EventRow& row) {
  std::size_t largest = event_payload_column, largest_size = payload_size(row);
  for (const std::size_t column : text_columns) {
    const std::size_t size = row.nulls[column] ? 0 : raw_size(row.values[column]);
    if (size <= largest_size) continue;
    largest_size = size;
    largest = column;
  }
  return largest;
}

// A walk through the numbers and containers of a payload, which ends at the first excess.
struct PayloadWalk {
  Excess excess = Excess::none;
  std::size_t digits = 0;  // of all numbers, as they are written
};

void walk_container(JsonbContainer* container, int depth, PayloadWalk& walk);

void walk_child(const JsonbChild& child, int depth, PayloadWalk& walk) {
  if (JBE_ISCONTAINER(child.entry)) return walk_container(child.container(), depth + 1, walk);
  const int digits = printed_digits(digits_of(child.numeric()));
  if (digits > number_digits_max) walk.excess = Excess::digits;
  walk.digits += static_cast<std::size_t>(digits);
}

void walk_container(JsonbContainer* container, int depth, PayloadWalk& walk) {
  if (depth > payload_depth_max) {
    walk.excess = Excess::depth;
    return;
  }
  JsonbChildren children(container, 0);
  const JEntry* end = container->children + JsonbChildren::count(container);
  for (JsonbChild child; walk.excess == Excess::none && children.next_number_or_container(end, child);) {
    CHECK_FOR_INTERRUPTS();
    walk_child(child, depth, walk);
  }
}

PayloadWalk walk_payload(const EventRow& row) {
  PayloadWalk walk;
  if (row.nulls[event_payload_column]) return walk;
  const Datum value = row.values[event_payload_column];
  Jsonb* payload = DatumGetJsonbP(value);
  // A lone value lies in an array of its own, which is not written.
  walk_container(&payload->root, JB_ROOT_IS_SCALAR(payload) ? 0 : 1, walk);
  if (PointerGetDatum(payload) != value) pfree(payload);
  return walk;
}

std::size_t json_size(const EventRow& row) {
  const MemoryContext context =
      AllocSetContextCreate(CurrentMemoryContext, "audit_ext event size", ALLOCSET_DEFAULT_SIZES);
  const MemoryContext caller = MemoryContextSwitchTo(context);
  JsonBuffer json(json_buffer_usual_size);
  json.append_event(row);
  MemoryContextSwitchTo(caller);
  const std::size_t size = json.size();
  MemoryContextDelete(context);
  return size;
}

// The texts by their size, since each byte of them is written.
bool is_surely_larger(const EventRow& row, std::size_t limit) {
  return texts_size(row) > limit || payload_size(row) / json_size_divisor_max > limit;
}

}  // namespace

FoundExcess find_excess(const EventRow& row) {
  const auto limit = static_cast<std::size_t>(max_event_size_setting());
  if (limit == 0) return {};
  const PayloadWalk walk = walk_payload(row);
  if (walk.excess != Excess::none) return {walk.excess, event_payload_column};
  // A child of the payload has an entry of four bytes: that covers its separator, its word and its braces.
  constexpr std::size_t fixed = fixed_size();
  if (fixed + longest_escape * (texts_size(row) + payload_size(row)) + walk.digits <= limit) return {};
  if (!is_surely_larger(row, limit) && json_size(row) <= limit) return {};
  return {Excess::size, largest_column(row)};
}

const char* excess_message(Excess excess) {
  switch (excess) {
    case Excess::none: break;
    case Excess::depth: return "event_payload should be nested at most 64 levels deep";
    case Excess::digits: return "Numbers should have at most 1000 digits when they are written out";
    case Excess::size: return "The event as JSON should have at most audit_ext.max_event_size bytes";
  }
  return "";
}

int excess_sqlstate(Excess excess) {
  return excess == Excess::digits ? ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE : ERRCODE_PROGRAM_LIMIT_EXCEEDED;
}

std::size_t json_bound(const EventRow& row) {
  constexpr std::size_t fixed = fixed_size();
  return fixed + longest_escape * texts_size(row) + json_size_factor_max * payload_size(row);
}

PageRoom::PageRoom() : limit_(static_cast<std::size_t>(max_page_size_setting())) {}

bool PageRoom::take(std::size_t event_size) {
  if (used_ > 0 && used_ + event_size > limit_) return false;
  used_ += event_size;
  return true;
}

bool PageRoom::take(const EventRow& row) { return !is_far_too_large(row) && take(json_size(row)); }

bool PageRoom::is_far_too_large(const EventRow& row) const { return used_ > 0 && is_surely_larger(row, limit_); }

}  // namespace audit::pg
