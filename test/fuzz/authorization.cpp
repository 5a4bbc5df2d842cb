// The Authorization header, up to the parts of a token.
#include "auth/authorization_header.hpp"
#include "auth/jwt.hpp"
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using audit::fuzz::require;
  const std::string_view header = audit::fuzz::as_text(data, size);
  const auto token = audit::httpd::bearer_token(header);
  if (!token) return 0;
  require(header.size() >= 6 && (header[0] | 0x20) == 'b');
  require(token->empty() || (token->data() >= header.data() && token->data() + token->size() <= header.end()));
  require(token->empty() || (token->front() != ' ' && token->back() != ' '));
  if (const auto jwt = audit::httpd::parse_jwt(*token))
    require(token->substr(0, jwt->signed_part.size()) == jwt->signed_part);
  return 0;
}
