// The link to the next page.
#pragma once

#include <string_view>

namespace audit::httpd {

// The cursor at the end of a page's body, which the extension writes as `…,"next_cursor":"…"}` or `…:null}`; empty: the
// last page. Looks at the end only, since a body can be large.
std::string_view next_cursor_of(std::string_view body);

}  // namespace audit::httpd
