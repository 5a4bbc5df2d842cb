// Faults of bodies: what jansson reads has none that it would know, and the place is within the text.
#include "core/json_faults.hpp"

#include <jansson.h>

#include "fuzz.hpp"

namespace {

using namespace audit;
using fuzz::require;

bool is_json(std::string_view text) {
  json_t* value = json_loadb(text.data(), text.size(), JSON_DECODE_ANY | JSON_ALLOW_NUL, nullptr);
  json_decref(value);
  return value != nullptr;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  for (const bool is_ndjson : {false, true}) {
    const JsonFault fault = find_json_fault(text, is_ndjson);
    require(fault.member.empty() || (fault.member.data() > text.data() && fault.member.size() < text.size()));
    require(fault.event <= text.size() && fault.line <= text.size() + 1);
    // jansson takes a zero byte for the end.
    if (!is_ndjson && text.find('\0') == text.npos && is_json(text)) require(fault.kind != JsonFaultKind::malformed);
  }
  return 0;
}
