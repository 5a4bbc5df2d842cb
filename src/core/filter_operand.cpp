#include "filter_operand.hpp"

#include <charconv>
#include <cmath>

#include "filter_scanner.hpp"
#include "rfc3339.hpp"
#include "uuid_text.hpp"

namespace audit {
namespace {

constexpr std::string_view words[] = {"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr"};
constexpr FilterOp operators[] = {FilterOp::eq, FilterOp::eq, FilterOp::co, FilterOp::sw, FilterOp::ew,
                                  FilterOp::gt, FilterOp::ge, FilterOp::lt, FilterOp::le, FilterOp::pr};

constexpr bool is_equality(FilterWord word) noexcept { return word == FilterWord::eq || word == FilterWord::ne; }
constexpr bool is_of_parts(FilterWord word) noexcept {
  return word == FilterWord::co || word == FilterWord::sw || word == FilterWord::ew;
}

template <typename Number>
bool read_whole(std::string_view text, Number& number) noexcept {
  const char* const end = text.data() + text.size();
  const auto [parsed_to, problem] = std::from_chars(text.data(), end, number);
  return problem == std::errc() && parsed_to == end;
}

// A number of at most number_digits_max digits when it is written out, as those of payloads.
bool is_bounded(std::string_view number) noexcept {
  const std::size_t exponent_at = number.find_first_of("eE");
  std::int64_t exponent = 0;
  if (exponent_at != std::string_view::npos) {
    std::string_view digits = number.substr(exponent_at + 1);
    if (digits.front() == '+') digits.remove_prefix(1);
    if (!read_whole(digits, exponent)) return false;
  }
  const auto digit_count = static_cast<std::int64_t>(number.substr(0, exponent_at).size());
  const bool is_exponent_bounded = exponent >= -number_digits_max && exponent <= number_digits_max;
  return is_exponent_bounded && digit_count + std::abs(exponent) <= number_digits_max;
}

bool read_integer(const FilterValueToken& token, FilterNode& node) noexcept {
  node.kind = OperandKind::integer;
  return token.kind == FilterValueToken::Kind::number && read_whole(token.text, node.integer);
}

bool read_real(const FilterValueToken& token, FilterNode& node) noexcept {
  node.kind = OperandKind::real;
  return token.kind == FilterValueToken::Kind::number && is_bounded(token.text) && read_whole(token.text, node.real);
}

bool read_text(const FilterValueToken& token, FilterNode& node) noexcept {
  node.kind = OperandKind::text;
  node.text = token.text;
  return token.kind == FilterValueToken::Kind::text;
}

bool read_time(const FilterValueToken& token, FilterNode& node) noexcept {
  node.kind = OperandKind::time;
  return token.kind == FilterValueToken::Kind::text && parse_rfc3339(token.text, node.integer) == DateTimeStatus::ok;
}

bool read_uuid(const FilterValueToken& token, FilterNode& node) noexcept {
  const auto uuid = token.kind == FilterValueToken::Kind::text ? parse_uuid(token.text) : std::nullopt;
  node.kind = OperandKind::uuid;
  if (uuid) node.uuid = *uuid;
  return uuid.has_value();
}

bool read_network(const FilterValueToken& token, FilterNode& node) noexcept {
  node.kind = OperandKind::network;
  return token.kind == FilterValueToken::Kind::text &&
         parse_inet_network(token.text, node.network) == InetNetworkStatus::ok;
}

bool read_any(const FilterValueToken& token, FilterWord word, FilterNode& node) noexcept {
  node.text = token.text;
  if (token.kind == FilterValueToken::Kind::text) return read_text(token, node);
  if (is_of_parts(word)) return false;
  if (token.kind == FilterValueToken::Kind::number) {
    node.kind = OperandKind::decimal;
    return is_bounded(token.text);
  }
  node.kind = OperandKind::boolean;
  node.integer = lower(token.text.front()) == 't';
  return is_equality(word);
}

bool read_operand(ColumnKind column, FilterWord word, const FilterValueToken& token, FilterNode& node) noexcept {
  switch (column) {
    case ColumnKind::uuid: return read_uuid(token, node);
    case ColumnKind::timestamp: return read_time(token, node);
    case ColumnKind::integer:
    case ColumnKind::integer32: return read_integer(token, node);
    case ColumnKind::number: return read_real(token, node);
    case ColumnKind::text: return read_text(token, node);
    case ColumnKind::address: return read_network(token, node);
    case ColumnKind::payload: return read_any(token, word, node);
  }
  return false;
}

}  // namespace

FilterWord filter_word(std::string_view name) noexcept {
  std::size_t word = 0;
  while (word < std::size(words) && !equals_in_any_case(name, words[word])) word++;
  return static_cast<FilterWord>(word);
}

bool takes_operator(ColumnKind column, FilterWord word) noexcept {
  if (word == FilterWord::unknown) return false;
  const bool has_parts = column == ColumnKind::text || column == ColumnKind::payload;
  const bool has_order = column != ColumnKind::uuid && column != ColumnKind::address;
  return is_equality(word) || word == FilterWord::pr || (is_of_parts(word) ? has_parts : has_order);
}

const char* operators_of(ColumnKind column) noexcept {
  if (takes_operator(column, FilterWord::co)) return "eq, ne, co, sw, ew, gt, ge, lt, le or pr";
  return takes_operator(column, FilterWord::gt) ? "eq, ne, gt, ge, lt, le or pr" : "eq, ne or pr";
}

const char* values_of(ColumnKind column, FilterWord word) noexcept {
  const bool takes_null = is_equality(word);
  switch (column) {
    case ColumnKind::uuid: return "a UUID in double quotes, or null";
    case ColumnKind::timestamp:
      return takes_null ? "a time with its offset, as \"2025-01-31T23:59:59Z\", or null"
                        : "a time with its offset, as \"2025-01-31T23:59:59Z\"";
    case ColumnKind::integer:
    case ColumnKind::integer32: return takes_null ? "an integer of 64 bits, or null" : "an integer of 64 bits";
    case ColumnKind::number:
      return takes_null ? "a number that a double can hold, or null" : "a number that a double can hold";
    case ColumnKind::text: return takes_null ? "text in double quotes, or null" : "text in double quotes";
    case ColumnKind::address:
      return "an address as \"10.0.0.1\", a network as \"10.0.0.0/8\" without bits behind its prefix, or null";
    case ColumnKind::payload:
      if (is_of_parts(word)) return "text in double quotes";
      return takes_null ? "text in double quotes, a number of at most 1000 digits, true, false or null"
                        : "text in double quotes, or a number of at most 1000 digits";
  }
  return nullptr;
}
static_assert(number_digits_max == 1000, "values_of() says so");

bool set_operand(ColumnKind column, FilterWord word, const FilterValueToken& token, FilterNode& node) noexcept {
  node.op = operators[static_cast<std::size_t>(word)];
  node.is_negated = word == FilterWord::ne;
  if (token.kind != FilterValueToken::Kind::null) return read_operand(column, word, token, node);
  node.op = FilterOp::pr;
  node.kind = OperandKind::none;
  node.is_negated = !node.is_negated;
  return is_equality(word);
}

}  // namespace audit
