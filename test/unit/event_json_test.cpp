// The members of an event: all in the contract's order, and never more bytes than the bound.
#include "event_json.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace audit {
namespace {

std::string members_of(const AuditEventView& event, ColumnRange range) {
  std::string out(members_bound(event, range), '?');
  const char* end = write_members(out.data(), event, range);
  EXPECT_LE(end, out.data() + out.size());
  out.resize(static_cast<std::size_t>(end - out.data()));
  return out;
}

std::string json_of(const AuditEventView& event) {
  return members_of(event, {0, event_payload_column}) + "|" +
         members_of(event, {event_payload_column + 1, event_columns.size()});
}

constexpr std::string_view id_bytes("\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef", 16);

AuditEventView smallest_event() {
  AuditEventView event{};
  event[id_column] = {false, 0, 0, id_bytes};
  event[created_at_column] = {false, 0, 0, {}};
  return event;
}

TEST(EventJson, NullsAreMembersToo) {
  EXPECT_EQ(json_of(smallest_event()),
            R"(,"id":"01234567-89ab-cdef-0123-456789abcdef","created_at":"2000-01-01T00:00:00Z","user_id":null,)"
            R"("actor_type":null,"actor_id":null,"source":null,"event_group":null,"event_type":null,"status":null,)"
            R"("resource_type":null,"resource_id":null,"session_id":null,"vm_id":null,"task_id":null,)"
            R"("request_id":null,"correlation_id":null,"http_method":null,"path":null,"http_status":null,)"
            R"("latency_ms":null,"ip_address":null,"user_agent":null,"node_ip":null,"worker_id":null)"
            R"(|,"error_message":null)");
}

TEST(EventJson, WritesEveryKind) {
  AuditEventView event = smallest_event();
  for (std::size_t i = 2; i < event.size(); i++) event[i] = {false, -7, 2.5, "a\"b"};
  event[created_at_column].integer = 1;
  const std::string json = json_of(event);
  EXPECT_NE(json.find(R"("created_at":"2000-01-01T00:00:00.000001Z","user_id":-7,"actor_type":"a\"b",)"),
            std::string::npos);
  EXPECT_NE(json.find(R"("http_status":-7,"latency_ms":2.5,"ip_address":"a\"b",)"), std::string::npos);
  EXPECT_NE(json.find(R"("worker_id":"a\"b"|,"error_message":"a\"b")"), std::string::npos);
}

TEST(EventJson, TheLargestValuesKeepWithinTheBound) {
  AuditEventView event = smallest_event();
  const std::string worst(5000, '\x01');
  for (std::size_t i = 2; i < event.size(); i++)
    event[i] = {false, std::numeric_limits<std::int64_t>::min(), -2.2250738585072014e-308, worst};
  event[created_at_column].integer = 1;
  EXPECT_GT(json_of(event).size(), 18 * 6 * worst.size());
}

TEST(EventColumns, NamesAreTheKeys) {
  EXPECT_EQ(event_columns[id_column].name(), "id");
  EXPECT_EQ(event_columns[created_at_column].name(), "created_at");
  EXPECT_EQ(event_columns.back().name(), "error_message");
}

}  // namespace
}  // namespace audit
