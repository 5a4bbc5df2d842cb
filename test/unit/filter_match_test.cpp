// The comparisons of each type, and trees against the same expression computed without short cuts.
#include "filter_match.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

#include "filter_parser.hpp"

namespace audit {
namespace {

TEST(FilterMatch, TextIsComparedByBytes) {
  EXPECT_TRUE(fits_text(FilterOp::eq, "a", "a"));
  EXPECT_FALSE(fits_text(FilterOp::eq, "A", "a"));
  EXPECT_TRUE(fits_text(FilterOp::co, "abc", "b"));
  EXPECT_TRUE(fits_text(FilterOp::co, "", ""));
  EXPECT_FALSE(fits_text(FilterOp::co, "ab", "abc"));
  EXPECT_TRUE(fits_text(FilterOp::sw, "abc", "ab"));
  EXPECT_FALSE(fits_text(FilterOp::sw, "a", "ab"));
  EXPECT_TRUE(fits_text(FilterOp::ew, "abc", "bc"));
  EXPECT_FALSE(fits_text(FilterOp::ew, "c", "bc"));
  EXPECT_TRUE(fits_text(FilterOp::gt, "é", "z"));  // by bytes, not as a dictionary
  EXPECT_TRUE(fits_text(FilterOp::lt, "a", "ab"));
  EXPECT_TRUE(fits_text(FilterOp::le, "a", "a"));
  EXPECT_FALSE(fits_text(FilterOp::gt, "a", "a"));
}

TEST(FilterMatch, NumbersAreComparedByValue) {
  EXPECT_TRUE(fits_integer(FilterOp::lt, INT64_MIN, INT64_MAX));
  EXPECT_TRUE(fits_integer(FilterOp::ge, 5, 5));
  EXPECT_FALSE(fits_integer(FilterOp::gt, 5, 5));
  EXPECT_TRUE(fits_real(FilterOp::eq, -0.0, 0.0));
  EXPECT_TRUE(fits_real(FilterOp::gt, 1e300, 1));
}

TEST(FilterMatch, WhatJsonCannotWriteIsMissing) {
  for (const double value : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
                             -std::numeric_limits<double>::infinity()})
    for (const FilterOp op : {FilterOp::eq, FilterOp::gt, FilterOp::ge, FilterOp::lt, FilterOp::le, FilterOp::pr})
      EXPECT_FALSE(fits_real(op, value, 0));
}

// Columns are true or false by their numbers in `bits`; counts the terms that it is asked for.
struct BitsRow {
  std::uint64_t bits;
  int asked = 0;
  bool matches(const FilterNode& term) {
    asked++;
    return (bits >> term.column & 1) != 0;
  }
};

bool computed(const FilterTree& tree, std::uint64_t bits) {
  std::vector<bool> stack;
  for (int i = 0; i < tree.node_count; i++) {
    const FilterNode& node = tree.nodes[static_cast<std::size_t>(i)];
    bool value = (bits >> node.column & 1) != 0;
    if (is_join(node.op)) {
      const bool right = stack.back();
      stack.pop_back();
      value = node.op == FilterOp::all ? stack.back() && right : stack.back() || right;
      stack.pop_back();
    }
    stack.push_back(value != node.is_negated);
  }
  return stack.back();
}

std::string random_filter(std::mt19937& random, int depth) {
  if (depth == 0 || random() % 4 == 0) {
    const char* terms[] = {"user_id pr", "vm_id pr", "path pr", "status pr", "source pr", "task_id eq null"};
    return terms[random() % 6];
  }
  const std::string left = random_filter(random, depth - 1), right = random_filter(random, depth - 1);
  const char* const word = random() % 2 == 0 ? " and " : " or ";
  switch (random() % 3) {
    case 0: return left + word + right;
    case 1: return "(" + left + word + right + ")";
    default: return "not (" + left + word + right + ")";
  }
}

TEST(FilterMatch, AgreesWithTheWholeExpression) {
  std::mt19937 random(1);
  for (int i = 0; i < 20000; i++) {
    const std::string text = random_filter(random, 5);
    FilterTree tree;
    FilterError error;
    ASSERT_TRUE(parse_filter(text, tree, error)) << text;
    for (int k = 0; k < 10; k++) {
      BitsRow row{random()};
      ASSERT_EQ(matches_filter(tree, row), computed(tree, row.bits)) << text << " " << row.bits;
    }
  }
}

TEST(FilterMatch, StopsWhereTheAnswerIsKnown) {
  FilterTree tree;
  FilterError error;
  ASSERT_TRUE(parse_filter("(user_id pr and vm_id pr and path pr) or not (user_id pr or path pr)", tree, error));
  BitsRow all{~0ULL}, none{0};
  EXPECT_TRUE(matches_filter(tree, all));
  EXPECT_EQ(all.asked, 3);
  EXPECT_TRUE(matches_filter(tree, none));
  EXPECT_EQ(none.asked, 3);
}

}  // namespace
}  // namespace audit
