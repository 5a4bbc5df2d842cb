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

TEST(SessionCheck, ARoleThatMayOnlyReadWillDo) {
  const std::string needed = needed_functions(endpoint_statements());
  EXPECT_NE(needed.find("audit_list_json"), std::string::npos);
  EXPECT_EQ(needed.find("audit_log"), std::string::npos);
}

}  // namespace
}  // namespace audit::httpd
