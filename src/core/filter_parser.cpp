// Recursive descent. Only parentheses recurse, and their depth is checked first.
#include "filter_parser.hpp"

#include "filter_operand.hpp"
#include "filter_scanner.hpp"

namespace audit {
namespace {

constexpr char expected_factor[] = "the name of a field, \"not\" or \"(\"";

std::size_t column_named_in_any_case(std::string_view name) noexcept {
  std::size_t column = 0;
  while (column < event_columns.size() && !equals_in_any_case(name, event_columns[column].name())) column++;
  return column;
}

class FilterParser {
 public:
  FilterParser(std::string_view text, FilterTree& tree, FilterError& error) noexcept
      : scanner_(text, tree.texts.data()), tree_(tree), error_(error) {}

  bool parse() noexcept {
    tree_.node_count = 0;
    if (!parse_any(0)) return false;
    if (!scanner_.is_at_end()) return fail("the filter does not end here", "\"and\", \"or\" or the end");
    mark_required();
    return true;
  }

 private:
  bool fail_at(std::size_t place, const char* reason, const char* expected) noexcept {
    error_ = {reason, expected, place + 1};
    return false;
  }
  bool fail(const char* reason, const char* expected) noexcept { return fail_at(scanner_.at(), reason, expected); }

  bool parse_any(int depth) noexcept { return parse_joined(depth, "or", FilterOp::any, &FilterParser::parse_all); }
  bool parse_all(int depth) noexcept { return parse_joined(depth, "and", FilterOp::all, &FilterParser::parse_factor); }

  bool parse_joined(int depth, std::string_view word, FilterOp op, bool (FilterParser::*parse_part)(int)) noexcept {
    if (!(this->*parse_part)(depth)) return false;
    while (true) {
      scanner_.skip_space();
      if (!scanner_.take_word(word)) return true;
      const int left_count = tree_.node_count;
      if (!(this->*parse_part)(depth)) return false;
      add_join(op, left_count);
    }
  }

  bool parse_factor(int depth) noexcept {
    scanner_.skip_space();
    const bool is_negated = scanner_.take_word("not");
    scanner_.skip_space();
    if (scanner_.peek() != '(')
      return is_negated ? fail("\"not\" stands before parentheses only", "\"(\"") : parse_term();
    if (!parse_parentheses(depth)) return false;
    last_node().is_negated ^= is_negated;
    return true;
  }

  bool parse_parentheses(int depth) noexcept {
    if (depth == filter_depth_max) return fail("more than 16 parentheses are nested", nullptr);
    scanner_.take('(');
    if (!parse_any(depth + 1)) return false;
    if (!scanner_.take(')')) return fail("a parenthesis is not closed", "\"and\", \"or\" or \")\"");
    return true;
  }

  bool parse_term() noexcept {
    if (term_count_++ == filter_terms_max) return fail("more than 64 terms", nullptr);
    FilterNode& node = add_node();
    return parse_field(node) && parse_comparison(event_columns[node.column].kind, node);
  }

  bool parse_field(FilterNode& node) noexcept {
    const std::size_t place = scanner_.at();
    const std::string_view name = scanner_.take_name();
    if (name.empty()) return fail("the name of a field is missing", expected_factor);
    const std::size_t column = column_named_in_any_case(name);
    if (column == event_columns.size())
      return fail_at(place, "unknown field", "a column of events, or event_payload with a path");
    node.column = static_cast<std::uint8_t>(column);
    return column != event_payload_column || parse_path(node);
  }

  bool parse_path(FilterNode& node) noexcept {
    const char* const begin = scanner_.kept_end();
    for (int count = 0; scanner_.take('.'); count++) {
      if (count == filter_path_names_max) return fail("a path has more than 8 names", "an operator");
      if (!parse_path_name()) return false;
      scanner_.keep('\0');
    }
    node.path = {begin, static_cast<std::size_t>(scanner_.kept_end() - begin)};
    return true;
  }

  bool parse_path_name() noexcept {
    std::string_view name;
    if (scanner_.peek() == '"') return scanner_.take_text(name) || fail(scanner_.reason(), nullptr);
    name = scanner_.take_name();
    if (name.empty())
      return fail("a name of the path is missing", "letters, digits, \"_\" and \"-\", or text in double quotes");
    scanner_.keep(name);
    return true;
  }

  bool parse_comparison(ColumnKind column, FilterNode& node) noexcept {
    scanner_.skip_space();
    const std::size_t place = scanner_.at();
    const FilterWord word = filter_word(scanner_.take_name());
    if (!takes_operator(column, word)) {
      const bool is_known = word != FilterWord::unknown;
      return fail_at(place, is_known ? "this field does not have that operator" : "an operator is missing",
                     operators_of(column));
    }
    if (word != FilterWord::pr) return parse_value(column, word, node);
    node.op = FilterOp::pr;
    return true;
  }

  bool parse_value(ColumnKind column, FilterWord word, FilterNode& node) noexcept {
    scanner_.skip_space();
    const std::size_t place = scanner_.at();
    FilterValueToken token{};
    if (!take_value(token)) return fail(scanner_.reason(), values_of(column, word));
    return set_operand(column, word, token, node) ||
           fail_at(place, "this field does not have such values", values_of(column, word));
  }

  bool take_value(FilterValueToken& token) noexcept {
    using Kind = FilterValueToken::Kind;
    switch (lower(scanner_.peek())) {
      case '"': token.kind = Kind::text; return scanner_.take_text(token.text);
      case 'n': return take_word(Kind::null, "null", token);
      case 't': return take_word(Kind::boolean, "true", token);
      case 'f': return take_word(Kind::boolean, "false", token);
      default: break;
    }
    token.kind = Kind::number;
    if (!scanner_.take_number(token.text)) return false;
    token.text = scanner_.keep(token.text);
    return true;
  }

  bool take_word(FilterValueToken::Kind kind, std::string_view word, FilterValueToken& token) noexcept {
    token = {kind, word};
    return scanner_.take_word(word);
  }

  FilterNode& last_node() noexcept { return tree_.nodes[static_cast<std::size_t>(tree_.node_count - 1)]; }

  // There is room: a join comes with a term.
  FilterNode& add_node() noexcept {
    tree_.node_count++;
    return last_node() = FilterNode{};
  }

  void add_join(FilterOp op, int left_count) noexcept {
    const int right = tree_.node_count - left_count;
    tree_.nodes[static_cast<std::size_t>(left_count - 1)].join = static_cast<std::uint8_t>(tree_.node_count);
    FilterNode& join = add_node();
    join.op = op;
    join.right = static_cast<std::uint8_t>(right);
  }

  // A node is marked before the nodes that it joins, which stand before it.
  void mark_required() noexcept {
    last_node().is_required = true;
    for (int i = tree_.node_count - 1; i > 0; i--) {
      const FilterNode& node = tree_.nodes[static_cast<std::size_t>(i)];
      if (!node.is_required || node.is_negated || node.op != FilterOp::all) continue;
      tree_.nodes[static_cast<std::size_t>(i - 1)].is_required = true;
      tree_.nodes[static_cast<std::size_t>(i - 1 - node.right)].is_required = true;
    }
  }

  FilterScanner scanner_;
  FilterTree& tree_;
  FilterError& error_;
  int term_count_ = 0;
};

}  // namespace

bool parse_filter(std::string_view text, FilterTree& tree, FilterError& error) noexcept {
  if (text.size() > filter_text_size_max) {
    error = {"more than 4096 bytes", nullptr, filter_text_size_max + 1};
    return false;
  }
  return FilterParser(text, tree, error).parse();
}
static_assert(filter_text_size_max == 4096 && filter_terms_max == 64 && filter_depth_max == 16 &&
                  filter_path_names_max == 8,
              "the errors say so");

}  // namespace audit
