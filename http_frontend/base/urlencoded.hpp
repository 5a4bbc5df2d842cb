// application/x-www-form-urlencoded, in query strings and in form bodies, read as Python's parse_qsl does.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace audit::httpd {

using NameValue = std::pair<std::string, std::string>;

// `+` is a space, `%zz` stays as it is, empty parts are skipped, a part without `=` is a name with an empty value. The
// results are bytes: nothing says that they are UTF-8 or free of U+0000.
std::vector<NameValue> parse_urlencoded(std::string_view text);

// `%41` to `A`; a percent sign that begins no such triple stays.
std::string percent_decode(std::string_view text);

// Keeps letters, digits and `-._~`.
void append_percent_encoded(std::string& to, std::string_view bytes);

}  // namespace audit::httpd
