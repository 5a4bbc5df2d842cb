#include "base/jsonb_json.hpp"

#include "base/jsonb_children.hpp"

namespace audit::pg {
namespace {

void append_container(JsonBuffer& json, JsonbContainer* container);

void append_numeric(JsonBuffer& json, const NumericData* numeric) {
  const NumericDigits digits = digits_of(numeric);
  constexpr std::size_t sign_and_point = 2;
  const int size = printed_digits(digits);
  if (size > number_digits_max)
    json.wrote(write_with_exponent(json.reserve(exponent_form_bound(digits)), digits));
  else
    json.wrote(write_plain(json.reserve(static_cast<std::size_t>(size) + sign_and_point), digits));
}

void append_next(JsonBuffer& json, JsonbChildren& children) {
  const JsonbChild child = children.next();
  if (JBE_ISSTRING(child.entry))
    json.append_string(child.text());
  else if (JBE_ISNUMERIC(child.entry))
    append_numeric(json, child.numeric());
  else if (JBE_ISCONTAINER(child.entry))
    append_container(json, child.container());
  else
    json.append(JBE_ISNULL(child.entry) ? "null" : JBE_ISBOOL_TRUE(child.entry) ? "true" : "false");
}

void append_object(JsonBuffer& json, JsonbContainer* object) {
  const int count = static_cast<int>(JsonContainerSize(object));
  JsonbChildren keys(object, 0), values(object, count);
  json.append("{");
  for (int i = 0; i < count; i++) {
    CHECK_FOR_INTERRUPTS();
    if (i > 0) json.append(", ");
    append_next(json, keys);
    json.append(": ");
    append_next(json, values);
  }
  json.append("}");
}

void append_array(JsonBuffer& json, JsonbContainer* array) {
  const int count = static_cast<int>(JsonContainerSize(array));
  JsonbChildren elements(array, 0);
  json.append("[");
  for (int i = 0; i < count; i++) {
    CHECK_FOR_INTERRUPTS();
    if (i > 0) json.append(", ");
    append_next(json, elements);
  }
  json.append("]");
}

void append_container(JsonBuffer& json, JsonbContainer* container) {
  check_stack_depth();
  if (JsonContainerIsScalar(container)) {  // a lone value is stored as an array of one
    JsonbChildren children(container, 0);
    append_next(json, children);
  } else if (JsonContainerIsObject(container)) {
    append_object(json, container);
  } else {
    append_array(json, container);
  }
}

}  // namespace

void append_jsonb(JsonBuffer& json, Jsonb* value) { append_container(json, &value->root); }

}  // namespace audit::pg
