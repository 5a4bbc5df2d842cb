// Integers in query strings. What is a plain number of C's is the number that C says.
#include "base/integer_text.hpp"

#include <cstdlib>
#include <string>

#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace audit::httpd;
  using audit::fuzz::require;
  const std::string text(audit::fuzz::as_text(data, size));
  const IntegerText read = parse_integer(text);

  const bool is_negative = !text.empty() && text[0] == '-';
  const std::string digits = text.substr(is_negative ? 1 : 0);
  const bool is_plain =
      !digits.empty() && digits.size() <= 18 && digits.find_first_not_of("0123456789") == std::string::npos;
  if (is_plain) require(read.status == IntegerStatus::ok && read.value == std::strtoll(text.c_str(), nullptr, 10));
  if (read.status == IntegerStatus::ok) {
    const IntegerText again = parse_integer(std::to_string(read.value));
    require(again.status == IntegerStatus::ok && again.value == read.value);
  }
  if (text.find_first_of("0123456789") == std::string::npos) require(read.status == IntegerStatus::malformed);
  return 0;
}
