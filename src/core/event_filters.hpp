// The filters of a list of events: exact matches of some columns (of an address: its network), and a time range. All
// code that handles filters uses this table of columns.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core_only.hpp"
#include "event_columns.hpp"
#include "inet_network.hpp"

namespace audit {

// The filter columns, in the order of the filter index, of audit_list()'s arguments and of the HTTP parameters. A new
// one goes to the end.
constexpr std::array filter_columns{
    event_column_named("event_group"),   event_column_named("event_type"),     event_column_named("status"),
    event_column_named("user_id"),       event_column_named("vm_id"),          event_column_named("session_id"),
    event_column_named("actor_type"),    event_column_named("actor_id"),       event_column_named("source"),
    event_column_named("resource_type"), event_column_named("ip_address"),     event_column_named("resource_id"),
    event_column_named("request_id"),    event_column_named("correlation_id"), event_column_named("task_id")};
constexpr std::size_t filter_count = filter_columns.size();

// The first ones, which the contract publishes. Every filter index has them.
constexpr std::size_t published_filter_count = 6;

// The filter index of a new partition has these, whatever is configured.
constexpr std::size_t indexed_filter_count = 11;

constexpr std::string_view filter_name(std::size_t filter) noexcept {
  return event_columns[filter_columns[filter]].name();
}

// text, integer or address.
constexpr ColumnKind filter_kind(std::size_t filter) noexcept { return event_columns[filter_columns[filter]].kind; }

// filter_count where the column is none.
constexpr std::size_t filter_of_column(std::size_t column) noexcept {
  std::size_t filter = 0;
  while (filter < filter_count && filter_columns[filter] != column) filter++;
  return filter;
}

constexpr bool are_filter_kinds_known() noexcept {
  for (std::size_t filter = 0; filter < filter_count; filter++) {
    const ColumnKind kind = filter_kind(filter);
    if (kind != ColumnKind::text && kind != ColumnKind::integer && kind != ColumnKind::address) return false;
  }
  return true;
}
static_assert(are_filter_kinds_known());

// Most bytes of text in a published filter column: an index entry of GIN holds about 2,700.
constexpr std::size_t filter_size_max = 2048;

constexpr bool is_size_bounded(std::size_t filter) noexcept {
  return filter < published_filter_count && filter_kind(filter) == ColumnKind::text;
}

// What a filter index holds of a column.
enum class IndexKey {
  value,
  prefix,  // of text: as far as filter_size_max
  bucket,  // of nearly unique values: their filter_bucket()
};

constexpr IndexKey index_key(std::size_t filter) noexcept {
  if (filter < published_filter_count || filter_kind(filter) == ColumnKind::address) return IndexKey::value;
  return filter < indexed_filter_count ? IndexKey::prefix : IndexKey::bucket;
}

// Indexes on disk have these numbers. So they never change.
std::int32_t filter_bucket(std::string_view text) noexcept;
std::int32_t filter_bucket(std::int64_t number) noexcept;

// The kind of the filter decides which member counts. The text is a view of memory that the caller owns.
struct FilterValue {
  std::int64_t number = 0;
  std::string_view text;
  InetNetwork network = {};
};

// Times are microseconds since 2000-01-01 00:00 UTC, as PostgreSQL counts them.
struct EventFilters {
  std::array<std::optional<FilterValue>, filter_count> values;  // in the order of filter_columns
  std::optional<std::int64_t> since_us;                         // inclusive
  std::optional<std::int64_t> until_us;                         // exclusive
  std::optional<std::string_view> expression;                   // filter_parser.hpp; a view as those of texts
};

// Equal filters have the same fingerprint in every process and version of cursor format 1. Different filters have the
// same one only by chance (2^-64).
std::uint64_t fingerprint(const EventFilters& filters) noexcept;

}  // namespace audit
