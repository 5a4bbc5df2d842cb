// Media types and keys of POST /v1/audit/events.
#include "endpoints/events_body.hpp"

#include <gtest/gtest.h>

#include <string>

namespace audit::httpd {
namespace {

TEST(EventsFormat, KnownTypes) {
  EXPECT_EQ(events_format("application/json"), EventsFormat::json);
  EXPECT_EQ(events_format(" Application/JSON ; charset=utf-8"), EventsFormat::json);
  EXPECT_EQ(events_format("application/x-ndjson;"), EventsFormat::ndjson);
}

TEST(EventsFormat, OtherTypes) {
  for (const char* type : {"", ";", "json", "application/jsonl", "application/json2", "text/json, application/json"})
    EXPECT_FALSE(events_format(type)) << type;
}

TEST(IdempotencyKey, VisibleAscii) {
  EXPECT_TRUE(is_idempotency_key("8e03978e-40d5-43dd-bc93-6894a57f9324"));
  EXPECT_TRUE(is_idempotency_key("\"quoted~!\""));
  EXPECT_TRUE(is_idempotency_key(std::string(255, 'x')));
  EXPECT_FALSE(is_idempotency_key(std::string(256, 'x')));
  for (const char* text : {"", " ", "a b", "a\tb", "\x7f", "\xc3\xbc"}) EXPECT_FALSE(is_idempotency_key(text)) << text;
}

}  // namespace
}  // namespace audit::httpd
