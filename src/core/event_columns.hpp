// The 26 columns of audit_events, in the order of the table, of audit_list and of the JSON of an event. Everything that
// goes over the columns goes over this table.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "core_only.hpp"

namespace audit {

enum class ColumnKind {
  uuid,       // 16 bytes
  timestamp,  // microseconds since 2000-01-01 00:00 UTC
  integer,    // 64 bits
  integer32,
  number,  // double
  text,
  address,  // of the internet; text in JSON
  payload,  // a tree, which its own walker writes (src/pg/base/jsonb_json.hpp)
};

struct EventColumn {
  std::string_view json_key;  // ,"name": as it stands before the value
  ColumnKind kind;

  constexpr std::string_view name() const noexcept { return {json_key.data() + 2, json_key.size() - 4}; }
};

constexpr std::size_t id_column = 0;
constexpr std::size_t created_at_column = 1;

constexpr std::size_t event_payload_column = 24;

constexpr std::array<EventColumn, 26> event_columns{{
    {",\"id\":", ColumnKind::uuid},
    {",\"created_at\":", ColumnKind::timestamp},
    {",\"user_id\":", ColumnKind::integer},
    {",\"actor_type\":", ColumnKind::text},
    {",\"actor_id\":", ColumnKind::text},
    {",\"source\":", ColumnKind::text},
    {",\"event_group\":", ColumnKind::text},
    {",\"event_type\":", ColumnKind::text},
    {",\"status\":", ColumnKind::text},
    {",\"resource_type\":", ColumnKind::text},
    {",\"resource_id\":", ColumnKind::text},
    {",\"session_id\":", ColumnKind::text},
    {",\"vm_id\":", ColumnKind::text},
    {",\"task_id\":", ColumnKind::integer},
    {",\"request_id\":", ColumnKind::text},
    {",\"correlation_id\":", ColumnKind::text},
    {",\"http_method\":", ColumnKind::text},
    {",\"path\":", ColumnKind::text},
    {",\"http_status\":", ColumnKind::integer32},
    {",\"latency_ms\":", ColumnKind::number},
    {",\"ip_address\":", ColumnKind::address},
    {",\"user_agent\":", ColumnKind::text},
    {",\"node_ip\":", ColumnKind::address},
    {",\"worker_id\":", ColumnKind::text},
    {",\"event_payload\":", ColumnKind::payload},
    {",\"error_message\":", ColumnKind::text},
}};

static_assert(event_columns[event_payload_column].kind == ColumnKind::payload);

// A number of a payload has at most so many digits when it is written out: 1e131071 takes eight bytes to send.
constexpr int number_digits_max = 1000;

// Of event_payload; {} and [] count one.
constexpr int payload_depth_max = 64;

// event_columns.size() where there is none of that name.
constexpr std::size_t event_column_named(std::string_view name) noexcept {
  std::size_t column = 0;
  while (column < event_columns.size() && event_columns[column].name() != name) column++;
  return column;
}

}  // namespace audit
