// jsonb as JSON text. The layout is that of utils/jsonb.h: a container is a count, one JEntry a child (in an object all
// keys, then all values), and the children's bytes one behind the other, numbers and containers aligned to four bytes.
#include "jsonb_json.hpp"

namespace audit::pg {
namespace {

void append_container(JsonBuffer& json, JsonbContainer* container);

// Goes over the children of a container in the order in which they are stored.
class Children {
 public:
  // `first`: the index of the child to begin with.
  Children(JsonbContainer* container, int first)
      : entry_(&container->children[first]),
        bytes_(reinterpret_cast<char*>(&container->children[entry_count(container)])),
        offset_(getJsonbOffset(container, first)) {}

  // Appends the next child; `bytes` of a text are not zero-terminated.
  void append_next(JsonBuffer& json) {
    const JEntry entry = *entry_++;
    const uint32 begin = offset_;
    offset_ = JBE_HAS_OFF(entry) ? JBE_OFFLENFLD(entry) : begin + JBE_OFFLENFLD(entry);
    if (JBE_ISSTRING(entry))
      json.append_string({bytes_ + begin, offset_ - begin});
    else if (JBE_ISNUMERIC(entry))
      append_numeric(json, bytes_ + INTALIGN(begin));
    else if (JBE_ISCONTAINER(entry))
      append_container(json, reinterpret_cast<JsonbContainer*>(bytes_ + INTALIGN(begin)));
    else
      json.append(JBE_ISNULL(entry) ? "null" : JBE_ISBOOL_TRUE(entry) ? "true" : "false");
  }

 private:
  static uint32 entry_count(JsonbContainer* container) {
    return JsonContainerSize(container) * (JsonContainerIsObject(container) ? 2 : 1);
  }
  static void append_numeric(JsonBuffer& json, char* numeric) {
    json.append(DatumGetCString(DirectFunctionCall1(numeric_out, PointerGetDatum(numeric))));
  }

  const JEntry* entry_;
  char* bytes_;
  uint32 offset_;
};

void append_object(JsonBuffer& json, JsonbContainer* object) {
  const int count = static_cast<int>(JsonContainerSize(object));
  Children keys(object, 0), values(object, count);
  json.append("{");
  for (int i = 0; i < count; i++) {
    if (i > 0) json.append(", ");
    keys.append_next(json);
    json.append(": ");
    values.append_next(json);
  }
  json.append("}");
}

void append_array(JsonBuffer& json, JsonbContainer* array) {
  const int count = static_cast<int>(JsonContainerSize(array));
  Children elements(array, 0);
  json.append("[");
  for (int i = 0; i < count; i++) {
    if (i > 0) json.append(", ");
    elements.append_next(json);
  }
  json.append("]");
}

void append_container(JsonBuffer& json, JsonbContainer* container) {
  check_stack_depth();
  if (JsonContainerIsScalar(container))  // a lone value is stored as an array of one
    Children(container, 0).append_next(json);
  else if (JsonContainerIsObject(container))
    append_object(json, container);
  else
    append_array(json, container);
}

}  // namespace

void append_jsonb(JsonBuffer& json, Jsonb* value) { append_container(json, &value->root); }

}  // namespace audit::pg
