// The version of the daemon, which is the extension's that it was made with.
#pragma once

namespace audit::httpd {

inline constexpr const char* version = "1.1";

}  // namespace audit::httpd
