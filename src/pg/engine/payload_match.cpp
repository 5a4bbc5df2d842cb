#include "engine/payload_match.hpp"

#include "base/jsonb_children.hpp"

namespace audit::pg {
namespace {

class PayloadTerm {
 public:
  PayloadTerm(const FilterNode& term, const PageFilter& filter) : term_(term), filter_(filter) {}

  bool matches(Jsonb* payload) const {
    JsonbContainer* root = &payload->root;
    if (JsonContainerIsScalar(root)) return matches_below(JsonbChildren(root, 0).next(), term_.path);
    return matches_below({JENTRY_ISCONTAINER, reinterpret_cast<char*>(root), 0}, term_.path);
  }

 private:
  // As deep as the path has names.
  bool matches_below(const JsonbChild& value, std::string_view path) const {
    const bool is_container = JBE_ISCONTAINER(value.entry);
    if (is_container && JsonContainerIsArray(value.container())) return any_element(value.container(), path);
    return path.empty() ? fits(value) : is_container && member_matches(value.container(), path);
  }

  bool any_element(JsonbContainer* array, std::string_view path) const {
    JsonbChildren elements(array, 0);
    for (int left = JsonbChildren::count(array); left > 0; left--) {
      const JsonbChild element = elements.next();
      if (path.empty() ? fits(element) : is_object(element) && member_matches(element.container(), path)) return true;
    }
    return false;
  }

  static bool is_object(const JsonbChild& value) {
    return JBE_ISCONTAINER(value.entry) && JsonContainerIsObject(value.container());
  }

  bool member_matches(JsonbContainer* object, std::string_view path) const {
    const std::string_view name = path.substr(0, path.find('\0'));
    const int count = static_cast<int>(JsonContainerSize(object));
    JsonbChildren keys(object, 0);
    for (int i = 0; i < count; i++)
      if (keys.next().text() == name)
        return matches_below(JsonbChildren(object, count + i).next(), path.substr(name.size() + 1));
    return false;
  }

  bool fits(const JsonbChild& value) const {
    if (term_.op == FilterOp::pr) return !JBE_ISNULL(value.entry);
    switch (term_.kind) {
      case OperandKind::text: return JBE_ISSTRING(value.entry) && fits_text(term_.op, value.text(), term_.text);
      case OperandKind::decimal: return JBE_ISNUMERIC(value.entry) && fits_order(term_.op, order_of(value));
      default: return JBE_ISBOOL(value.entry) && JBE_ISBOOL_TRUE(value.entry) == (term_.integer != 0);
    }
  }

  int order_of(const JsonbChild& value) const {
    return DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(value.numeric()), filter_.numeric_of(term_)));
  }

  const FilterNode& term_;
  const PageFilter& filter_;
};

}  // namespace

bool payload_matches(Jsonb* payload, const FilterNode& term, const PageFilter& filter) {
  return PayloadTerm(term, filter).matches(payload);
}

}  // namespace audit::pg
