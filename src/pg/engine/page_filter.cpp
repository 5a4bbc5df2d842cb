#include "engine/page_filter.hpp"

namespace audit::pg {
namespace {

void report_invalid_filter(const FilterError& error) {
  ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("filter is not valid"),
          errdetail("At byte %zu: %s.", error.place, error.reason),
          error.expected != nullptr ? errhint("There may stand: %s.", error.expected) : 0,
          err_generic_string(PG_DIAG_CONSTRAINT_NAME, "filter_invalid"));
}

// The parser has bounded its digits.
Datum numeric_of_decimal(std::string_view digits) {
  return DirectFunctionCall3(numeric_in, CStringGetDatum(pnstrdup(digits.data(), digits.size())),
                             ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
}

}  // namespace

const PageFilter* read_page_filter(std::string_view text) {
  auto* filter = static_cast<PageFilter*>(palloc(sizeof(PageFilter)));
  FilterError error;
  if (!parse_filter(text, filter->tree, error)) report_invalid_filter(error);
  for (int i = 0; i < filter->tree.node_count; i++) {
    const FilterNode& node = filter->tree.nodes[static_cast<std::size_t>(i)];
    if (node.kind == OperandKind::decimal) filter->numerics[i] = numeric_of_decimal(node.text);
  }
  return filter;
}

}  // namespace audit::pg
