// The version of the daemon, which is that of the extension that it was made with.
#pragma once

namespace audit::httpd {

extern const char* const version;

}  // namespace audit::httpd
