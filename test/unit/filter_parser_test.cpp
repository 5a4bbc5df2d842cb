// What is read, what is refused and where, and that every printed tree is read as the same tree.
#include "filter_parser.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "event_columns.hpp"

namespace audit {
namespace {

constexpr const char* op_names[] = {"eq", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr", "and", "or"};

std::string shown_path(std::string_view path) {
  std::string shown;
  for (const char c : path) shown += c == '\0' ? '/' : c;
  return shown;
}

std::string shown_value(const FilterNode& node) {
  switch (node.kind) {
    case OperandKind::none: return "";
    case OperandKind::text: return " '" + std::string(node.text) + "'";
    case OperandKind::decimal: return " #" + std::string(node.text);
    case OperandKind::boolean: return node.integer != 0 ? " true" : " false";
    case OperandKind::integer: return " " + std::to_string(node.integer);
    case OperandKind::real: return " r" + std::to_string(node.real);
    case OperandKind::time: return " t" + std::to_string(node.integer);
    case OperandKind::uuid: return " u" + std::to_string(node.uuid[15]);
    case OperandKind::network: return " /" + std::to_string(node.network.prefix_length);
  }
  return "?";
}

// In postfix order; ! stands for a negated node, * for one that is required.
std::string shown(const FilterTree& tree) {
  std::string all;
  for (int i = 0; i < tree.node_count; i++) {
    const FilterNode& node = tree.nodes[static_cast<std::size_t>(i)];
    all += i > 0 ? ", " : "";
    all += node.is_required ? "*" : "";
    all += node.is_negated ? "!" : "";
    if (!is_join(node.op)) {
      all += event_columns[node.column].name();
      if (!node.path.empty()) all += "/" + shown_path(node.path);
      all += " ";
    }
    all += op_names[static_cast<std::size_t>(node.op)] + shown_value(node);
  }
  return all;
}

// The tree, or "place: reason; expected".
std::string parsed(std::string_view text) {
  FilterTree tree;
  FilterError error;
  if (parse_filter(text, tree, error)) return shown(tree);
  return std::to_string(error.place) + ": " + error.reason + (error.expected == nullptr ? "" : "; ") +
         (error.expected == nullptr ? "" : error.expected);
}

bool is_refused(std::string_view text) {
  FilterTree tree;
  FilterError error;
  return !parse_filter(text, tree, error) && error.reason != nullptr && error.place >= 1 &&
         error.place <= text.size() + 1;
}

TEST(FilterParser, ReadsTermsOfEachKind) {
  EXPECT_EQ(parsed(R"(event_type eq "a")"), "*event_type eq 'a'");
  EXPECT_EQ(parsed(R"(path SW "/v1")"), "*path sw '/v1'");
  EXPECT_EQ(parsed("Vm_Id PR"), "*vm_id pr");
  EXPECT_EQ(parsed("user_id gt -9223372036854775808"), "*user_id gt -9223372036854775808");
  EXPECT_EQ(parsed("http_status le 499"), "*http_status le 499");
  EXPECT_EQ(parsed("latency_ms ge 1.5e3"), "*latency_ms ge r1500.000000");
  EXPECT_EQ(parsed(R"(created_at lt "2000-01-01T00:00:01Z")"), "*created_at lt t1000000");
  EXPECT_EQ(parsed(R"(id eq "00000000-0000-0000-0000-000000000007")"), "*id eq u7");
  EXPECT_EQ(parsed(R"(ip_address eq "10.0.0.0/8")"), "*ip_address eq /8");
  EXPECT_EQ(parsed(R"(node_ip eq "2001:db8::1")"), "*node_ip eq /128");
  EXPECT_EQ(parsed("event_payload.a-b.C_1 eq true"), "*event_payload/a-b/C_1/ eq true");
  EXPECT_EQ(parsed(R"(event_payload."a.b \"c\"".d gt 1e3)"), "*event_payload/a.b \"c\"/d/ gt #1e3");
  EXPECT_EQ(parsed(R"(event_payload."" co "x")"), "*event_payload// co 'x'");
  EXPECT_EQ(parsed("event_payload pr"), "*event_payload pr");
}

TEST(FilterParser, NegationIsAFlag) {
  EXPECT_EQ(parsed("user_id ne 1"), "*!user_id eq 1");
  EXPECT_EQ(parsed("user_id eq null"), "*!user_id pr");
  EXPECT_EQ(parsed("user_id ne NULL"), "*user_id pr");
  EXPECT_EQ(parsed("not (user_id eq 1)"), "*!user_id eq 1");
  EXPECT_EQ(parsed("not(not (NOT(user_id ne 1)))"), "*user_id eq 1");
  EXPECT_EQ(parsed("not (user_id pr and vm_id pr)"), "user_id pr, vm_id pr, *!and");
}

TEST(FilterParser, AndBindsTighterThanOr) {
  EXPECT_EQ(parsed("user_id eq 1 or user_id eq 2 and vm_id pr"), "user_id eq 1, user_id eq 2, vm_id pr, and, *or");
  EXPECT_EQ(parsed("(user_id eq 1 OR user_id eq 2) AND vm_id pr"), "user_id eq 1, user_id eq 2, *or, *vm_id pr, *and");
  EXPECT_EQ(parsed("user_id pr and vm_id pr and (path pr and not (status pr or path pr))"),
            "*user_id pr, *vm_id pr, *and, *path pr, status pr, path pr, *!or, *and, *and");
}

TEST(FilterParser, ReadsTextsAsJson) {
  EXPECT_EQ(parsed(R"(path eq "x) and (\\ \"\/\b\f\n\r\t")"), "*path eq 'x) and (\\ \"/\b\f\n\r\t'");
  EXPECT_EQ(parsed(R"(path eq "\u00e9\u20AC\ud83d\ude00\u0041")"), "*path eq 'é€😀A'");
  for (const char* bad : {R"("x)", R"("\x")", R"("\)", R"("\u12")", R"("\u0000")", R"("\ud800")", R"("\ud800\u0041")",
                          R"("\udc00")", "\"\n\"", R"('x')"})
    EXPECT_TRUE(is_refused(std::string("path eq ") + bad)) << bad;
}

TEST(FilterParser, SaysWhatMayStandThere) {
  EXPECT_EQ(parsed(""), R"(1: the name of a field is missing; the name of a field, "not" or "(")");
  EXPECT_EQ(parsed("user eq 1"), "1: unknown field; a column of events, or event_payload with a path");
  EXPECT_EQ(parsed("user_id co 1"), "9: this field does not have that operator; eq, ne, gt, ge, lt, le or pr");
  EXPECT_EQ(parsed("user_id = 1"), "9: an operator is missing; eq, ne, gt, ge, lt, le or pr");
  EXPECT_EQ(parsed("id gt 1"), "4: this field does not have that operator; eq, ne or pr");
  EXPECT_EQ(parsed("user_id eq 1.0"), "12: this field does not have such values; an integer of 64 bits, or null");
  EXPECT_EQ(parsed("user_id gt null"), "12: this field does not have such values; an integer of 64 bits");
  EXPECT_EQ(parsed("user_id eq"), "11: a value is missing; an integer of 64 bits, or null");
  EXPECT_EQ(parsed("path eq 1"), "9: this field does not have such values; text in double quotes, or null");
  EXPECT_EQ(parsed("(user_id pr"), "12: a parenthesis is not closed; \"and\", \"or\" or \")\"");
  EXPECT_EQ(parsed("user_id pr)"), R"(11: the filter does not end here; "and", "or" or the end)");
  EXPECT_EQ(parsed("not user_id pr"), R"(5: "not" stands before parentheses only; "(")");
  EXPECT_EQ(parsed("event_payload.a.[ pr"),
            R"(17: a name of the path is missing; letters, digits, "_" and "-", or text in double quotes)");
  EXPECT_EQ(parsed("event_payload.a co 1"), "20: this field does not have such values; text in double quotes");
}

TEST(FilterParser, RefusesWhatItDoesNotUnderstand) {
  for (const char* bad : {" ",
                          "()",
                          "user_id",
                          "user_id eq x",
                          "user_id eq 01",
                          "user_id eq 1e1",
                          "user_id eq +1",
                          "user_id eq .5",
                          "user_id eq 9223372036854775808",
                          "user_id eq \"1\"",
                          "user_id eq true",
                          "user_id eqq 1",
                          "user_id pr vm_id pr",
                          "user_id pr and",
                          "or user_id pr",
                          "user_id pr and or vm_id pr",
                          "user_id pr, vm_id pr",
                          "user_id[a eq 1]",
                          "user_id.a eq 1",
                          "vm_id.a pr",
                          "event_payload.",
                          "event_payload. pr",
                          "event_payload..a pr",
                          "event_payload.a. pr",
                          "event_payload .a pr",
                          "urn:x:user_id pr",
                          "latency_ms eq 1e400",
                          "latency_ms eq NaN",
                          "latency_ms eq 1e-400",
                          "http_status eq null null",
                          "created_at gt \"2025-01-01\"",
                          "created_at gt \"2025-01-01T00:00:00\"",
                          "created_at co \"2025\"",
                          "created_at gt 5",
                          "id eq \"x\"",
                          "ip_address eq \"10.0.0.1/8\"",
                          "ip_address eq \"10.0.0\"",
                          "ip_address sw \"10.\"",
                          "ip_address eq \"10.0.0.0/33\"",
                          "event_payload.a gt true",
                          "event_payload.a gt null",
                          "event_payload.a eq 1e1001",
                          "event_payload.a eq 1e99999999999999999999",
                          "event_payload.a eq [1]",
                          "event_payload.a.b.c.d.e.f.g.h.i pr",
                          "true",
                          "1 eq 1",
                          "user_id eq 1 -- x",
                          "user_id eq 1; x",
                          "\xff pr",
                          "user_id \xffpr",
                          "user_id pr \xff"})
    EXPECT_TRUE(is_refused(bad)) << bad;
}

std::string repeated(std::string_view part, std::string_view separator, int count) {
  std::string text;
  for (int i = 0; i < count; i++) text.append(i > 0 ? separator : "").append(part);
  return text;
}

TEST(FilterParser, KeepsToItsBounds) {
  const auto nested = [](int depth) { return repeated("(", "", depth) + "vm_id pr" + repeated(")", "", depth); };
  EXPECT_EQ(parsed(nested(16)), "*vm_id pr");
  EXPECT_EQ(parsed(nested(17)), "17: more than 16 parentheses are nested");
  EXPECT_FALSE(is_refused(repeated("vm_id pr", " or ", 64)));
  EXPECT_EQ(parsed(repeated("vm_id pr", " or ", 65)).substr(0, 24), "769: more than 64 terms");
  EXPECT_FALSE(is_refused("vm_id pr" + std::string(4088, ' ')));
  EXPECT_EQ(parsed("vm_id pr" + std::string(4089, ' ')), "4097: more than 4096 bytes");
  EXPECT_EQ(parsed(std::string(1 << 20, '(')), "4097: more than 4096 bytes");
  EXPECT_FALSE(is_refused("event_payload.a.b.c.d.e.f.g.h pr"));
  EXPECT_FALSE(is_refused("event_payload.a eq 1e998"));
  EXPECT_FALSE(is_refused("path eq \"" + std::string(4086, 'x') + "\""));
}

// ---- Random filters: a tree is printed, and read again.

class Printer {
 public:
  explicit Printer(unsigned seed) : random_(seed) {}

  // The text; `expected` is what shown() says about its tree without marks of what is required.
  std::string print(int depth, std::string& expected) {
    if (depth == 0 || pick(3) == 0) return print_term(expected);
    std::string right_expected;
    const bool is_or = pick(2) == 0, is_negated = pick(3) == 0;
    const std::string left = print_operand(depth, expected), right = print_operand(depth, right_expected);
    expected += ", " + right_expected + (is_negated ? ", !" : ", ") + (is_or ? "or" : "and");
    const std::string joined = left + space() + (is_or ? "Or" : "aNd") + space() + right;
    return is_negated ? "nOt" + std::string(pick(2), ' ') + "(" + joined + ")" : "(" + joined + ")";
  }

 private:
  std::string print_operand(int depth, std::string& expected) { return print(depth - 1, expected); }
  std::string print_term(std::string& expected) {
    const struct {
      const char *text, *expected;
    } terms[] = {{"user_id eq 5", "user_id eq 5"},
                 {"USER_ID ne 5", "!user_id eq 5"},
                 {R"(path co ") or (")", "path co ') or ('"},
                 {"vm_id eq null", "!vm_id pr"},
                 {R"(event_payload."x y".z lt 1.50)", "event_payload/x y/z/ lt #1.50"},
                 {"latency_ms gt 0.5", "latency_ms gt r0.500000"}};
    const auto& term = terms[pick(6)];
    expected = term.expected;
    return term.text;
  }
  std::string space() { return std::string(1 + pick(2), " \t\n"[pick(3)]); }
  unsigned pick(unsigned count) { return static_cast<unsigned>(random_() % count); }

  std::mt19937 random_;
};

TEST(FilterParser, ReadsBackWhatIsPrinted) {
  for (unsigned seed = 0; seed < 20000; seed++) {
    std::string expected;
    const std::string text = Printer(seed).print(4, expected);
    std::string got = parsed(text);
    got.erase(std::remove(got.begin(), got.end(), '*'), got.end());
    ASSERT_EQ(got, expected) << text;
  }
}

}  // namespace
}  // namespace audit
