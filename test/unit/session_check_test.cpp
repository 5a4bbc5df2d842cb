// Which of the extension's functions the role of the daemon has to be allowed to call.
#include "db/session_check.hpp"

#include <gtest/gtest.h>

#include "endpoints/endpoints.hpp"

namespace audit::httpd {
namespace {

TEST(SessionCheck, NeededFunctions) {
  EXPECT_EQ(needed_functions({}), "{}");
  EXPECT_EQ(needed_functions({{"a", "SELECT 1", {}}}), "{}");
  EXPECT_EQ(needed_functions({{"a", "SELECT @schema@.f()", {}, true}}), "{}");
  EXPECT_EQ(needed_functions({{"a", "SELECT @schema@.f(x => $1), @schema@.g()", {}}, {"b", "SELECT @schema@.h()", {}}}),
            "{f,g,h}");
}

TEST(SessionCheck, OfTheEndpoints) {
  EXPECT_EQ(needed_functions(endpoint_statements()), "{audit_list_json,audit_get_json}");
}

}  // namespace
}  // namespace audit::httpd
