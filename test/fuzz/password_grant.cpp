// The form of POST /v1/auth/token. The first line is the Content-Type.
#include "endpoints/password_grant.hpp"

#include "core/utf8.hpp"
#include "fuzz.hpp"
#include "http/problem.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace audit::httpd;
  using audit::fuzz::require;
  std::string_view body = audit::fuzz::as_text(data, size);
  const std::string_view content_type = audit::fuzz::take_line(body);
  for (const std::string_view type : {content_type, std::string_view("application/x-www-form-urlencoded")}) {
    const auto parsed = parse_password_grant(type, body);
    if (const auto* grant = std::get_if<PasswordGrant>(&parsed)) {
      require(!grant->username.empty() && audit::is_valid_utf8(grant->username));
      require(!grant->password.empty() && audit::is_valid_utf8(grant->password));
    } else {
      const auto& problem = std::get<GrantProblem>(parsed);
      require(oauth_problem(400, problem.error, problem.description).status == 400);
    }
  }
  return 0;
}
