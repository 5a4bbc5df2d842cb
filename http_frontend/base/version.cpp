#include "base/version.hpp"

namespace audit::httpd {

const char* const version =
#include "version.inc"  // made of audit_ext.control
    ;

}  // namespace audit::httpd
