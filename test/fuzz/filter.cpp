// Filters: read from anything. What is accepted keeps to its bounds, has views of the tree alone, and is refused with a
// place inside of the text otherwise.
#include "core/filter_parser.hpp"

#include <memory>

#include "core/event_columns.hpp"
#include "core/filter_match.hpp"
#include "core/rfc3339.hpp"
#include "fuzz.hpp"

namespace {

using namespace audit;
using fuzz::require;

bool is_of_tree(std::string_view text, const FilterTree& tree) {
  return text.empty() || (text.data() >= tree.texts.data() && text.data() + text.size() <= &tree.texts.back() + 1);
}

void require_valid(const FilterNode& node, int index, const FilterTree& tree) {
  require(node.join == 0 || (node.join > index && node.join < tree.node_count && is_join(tree.nodes[node.join].op)));
  if (is_join(node.op)) return require(node.right >= 1 && node.right < index);
  require(node.column < event_columns.size() && is_of_tree(node.path, tree));
  require(node.kind != OperandKind::text || is_of_tree(node.text, tree));
  require(node.path.empty() || (node.column == event_payload_column && node.path.back() == '\0'));
  require((node.op == FilterOp::pr) == (node.kind == OperandKind::none));
}

struct CountingRow {
  int asked = 0;
  bool matches(const FilterNode& term) { return (++asked + term.column) % 2 == 0; }
};

void read_filter(std::string_view text) {
  // On the heap, where the sanitizer watches its ends.
  const auto tree = std::make_unique<FilterTree>();
  FilterError error;
  if (!parse_filter(text, *tree, error)) {
    require(error.reason != nullptr && error.place >= 1 && error.place <= text.size() + 1);
    return;
  }
  require(tree->node_count >= 1 && tree->node_count <= FilterTree::nodes_max && tree->root().is_required);
  for (int i = 0; i < tree->node_count; i++) require_valid(tree->nodes[static_cast<std::size_t>(i)], i, *tree);
  CountingRow row;
  matches_filter(*tree, row);
  require(row.asked >= 1 && row.asked <= filter_terms_max);
  const FilterTimes times = filter_times(*tree);
  require(times.since_us < year_10000_us && times.until_us > -year_10000_us);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  read_filter(fuzz::as_text(data, size));
  return 0;
}
