#include "auth/jwt_verifier.hpp"

#include <algorithm>
#include <charconv>

namespace audit::httpd {
namespace {

// OpenID Connect Core, 2: `sub` has at most 255 characters.
constexpr std::size_t max_subject_bytes = 255;

std::optional<std::size_t> list_index(std::string_view text) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  const bool is_canonical = text == "0" || (!text.empty() && text[0] != '0');
  return error == std::errc() && end == text.data() + text.size() && is_canonical ? std::optional(index) : std::nullopt;
}

// ~1 is a slash, ~0 a tilde (RFC 6901, section 4).
std::string unescaped(std::string_view token) {
  std::string name;
  for (std::size_t i = 0; i < token.size(); ++i) {
    const bool is_escape = token[i] == '~' && i + 1 < token.size() && (token[i + 1] == '0' || token[i + 1] == '1');
    name.push_back(!is_escape ? token[i] : token[++i] == '1' ? '/' : '~');
  }
  return name;
}

// A claim by its name, or by a JSON pointer, which begins with a slash.
const json_t* find_claim(const json_t& claims, std::string_view name) {
  if (name.empty() || name[0] != '/') return json_object_get(&claims, std::string(name).c_str());
  const json_t* found = &claims;
  while (found != nullptr && !name.empty()) {
    name.remove_prefix(1);
    const std::string token = unescaped(name.substr(0, name.find('/')));
    name.remove_prefix(std::min(name.find('/'), name.size()));
    if (json_is_array(found)) {
      const std::optional<std::size_t> index = list_index(token);
      found = index ? json_array_get(found, *index) : nullptr;
    } else {
      found = json_object_get(found, token.c_str());
    }
  }
  return found;
}

// Separated by spaces (RFC 8693, 9068), or a list of texts.
void append_scopes(const json_t* claim, std::string& text) {
  if (json_is_string(claim)) text.append(json_string_value(claim), json_string_length(claim)).push_back(' ');
  for (std::size_t i = 0; i < json_array_size(claim); ++i) {
    const json_t* one = json_array_get(claim, i);
    if (json_is_string(one)) text.append(json_string_value(one), json_string_length(one)).push_back(' ');
  }
}

std::string scope_text(const json_t& claims, const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) append_scopes(find_claim(claims, name), text);
  return text;
}

std::optional<std::int64_t> integer_claim(const json_t& claims, const std::string& name) {
  const json_t* value = name.empty() ? nullptr : json_object_get(&claims, name.c_str());
  if (json_is_integer(value)) return json_integer_value(value);
  const std::string_view text = name.empty() ? std::string_view() : text_member(claims, name.c_str());
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_whole = error == std::errc() && end == text.data() + text.size() && !text.empty();
  return is_whole ? std::optional(number) : std::nullopt;
}

// A name in the log, and a part of the key under which answers are kept.
bool is_sane_subject(std::string_view subject) {
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  return !subject.empty() && subject.size() <= max_subject_bytes &&
         std::none_of(subject.begin(), subject.end(), is_control);
}

std::optional<TokenProblem> signature_problem(const Jwt& jwt, const SignatureAlgorithm& algorithm, const KeySet& set) {
  const std::string_view key_id = text_member(*jwt.header, "kid");
  const auto is_named = [&](const JsonWebKey& key) {
    return (key_id.empty() || key.id() == key_id) && key.fits(algorithm);
  };
  const auto signs = [&](const JsonWebKey& key) {
    return is_named(key) && key.verifies(algorithm, jwt.signed_part, jwt.signature);
  };
  if (std::none_of(set.keys.begin(), set.keys.end(), is_named)) return TokenProblem::unknown_key;
  if (std::none_of(set.keys.begin(), set.keys.end(), signs)) return TokenProblem::invalid;
  return std::nullopt;
}

}  // namespace

std::variant<IdpToken, TokenProblem> verify_idp_token(const Jwt& jwt, const IdentityProvider& provider,
                                                      const KeySet& keys, std::int64_t now_s) {
  const auto& allowed = provider.algorithms;
  const SignatureAlgorithm* algorithm = find_signature_algorithm(jwt.algorithm());
  const bool is_allowed = std::find(allowed.begin(), allowed.end(), jwt.algorithm()) != allowed.end();
  if (algorithm == nullptr || !is_allowed || !claims_hold(*jwt.claims, provider.rules, now_s)) {
    return TokenProblem::invalid;
  }
  if (const auto problem = signature_problem(jwt, *algorithm, keys)) return *problem;

  const std::string_view subject = text_member(*jwt.claims, "sub");
  if (!is_sane_subject(subject)) return TokenProblem::invalid;
  Principal principal{"idp:" + std::string(subject),
                      Scopes::parse_known(scope_text(*jwt.claims, provider.scope_claims)),
                      integer_claim(*jwt.claims, provider.user_id_claim), std::nullopt};
  if (!provider.role_claim.empty()) {
    const std::string_view role = text_member(*jwt.claims, provider.role_claim.c_str());
    // "none" would take the role away again, and leave the front end's own rights.
    if (role.empty() || role == "none") return TokenProblem::no_role;
    principal.db_role = std::string(role);
  }
  return IdpToken{std::move(principal), expiry_s(*jwt.claims)};
}

}  // namespace audit::httpd
