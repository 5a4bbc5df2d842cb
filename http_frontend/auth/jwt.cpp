#include "auth/jwt.hpp"

#include <algorithm>
#include <cmath>

#include "core/base64url.hpp"

namespace audit::httpd {
namespace {

constexpr double latest_s = 253402300800.0;  // year 10000: anything later is no date

JsonPtr decode_object(std::string_view text) {
  const std::optional<std::string> json = base64url_bytes(text);
  return json ? parse_json_object(*json) : nullptr;
}

// A NumericDate (RFC 7519, 2) may have a fraction.
std::optional<double> date_claim(const json_t& claims, const char* name) {
  const json_t* value = json_object_get(&claims, name);
  if (!json_is_number(value)) return std::nullopt;
  const double seconds = json_number_value(value);
  return seconds >= 0 && seconds < latest_s ? std::optional(seconds) : std::nullopt;
}

bool is_for_audience(const json_t& claims, std::string_view audience) {
  const json_t* value = json_object_get(&claims, "aud");
  if (json_is_string(value)) return text_member(claims, "aud") == audience;
  for (std::size_t i = 0; i < json_array_size(value); ++i) {
    const json_t* one = json_array_get(value, i);
    if (json_is_string(one) && std::string_view(json_string_value(one), json_string_length(one)) == audience)
      return true;
  }
  return false;
}

}  // namespace

std::optional<Jwt> parse_jwt(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  std::optional<std::string> signature = base64url_bytes(token.substr(second + 1));
  Jwt jwt{decode_object(token.substr(0, first)),
          decode_object(token.substr(first + 1, second - first - 1)),
          token.substr(0, second),
          {}};
  if (!signature || !jwt.header || !jwt.claims || json_object_get(jwt.header.get(), "crit") != nullptr) {
    return std::nullopt;
  }
  jwt.signature = std::move(*signature);
  return jwt;
}

std::optional<std::string> base64url_bytes(std::string_view text) {
  std::string bytes(text.size() * 3 / 4, '\0');
  if (!base64url_decode(text, reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size())) return std::nullopt;
  return bytes;
}

std::string base64url_text(std::string_view bytes) {
  std::string text(base64url_size(bytes.size()), '\0');
  base64url_encode(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(), text.data());
  return text;
}

bool claims_hold(const json_t& claims, const ClaimRules& rules, std::int64_t now_s) {
  if (text_member(claims, "iss") != rules.issuer || !is_for_audience(claims, rules.audience)) return false;
  const auto now = static_cast<double>(now_s);
  const auto leeway = static_cast<double>(rules.leeway_s);
  const std::optional<double> expires = date_claim(claims, "exp");
  if (!expires || *expires + leeway <= now) return false;
  if (json_object_get(&claims, "nbf") == nullptr) return true;
  const std::optional<double> begins = date_claim(claims, "nbf");
  return begins && *begins - leeway <= now;
}

std::int64_t expiry_s(const json_t& claims) { return static_cast<std::int64_t>(date_claim(claims, "exp").value_or(0)); }

}  // namespace audit::httpd
