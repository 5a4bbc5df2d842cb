#include "http/received_bytes.hpp"

#include <dlfcn.h>
#include <sys/types.h>

namespace audit::httpd {
namespace {

thread_local const Receiver* current_receiver = nullptr;

void pass_on(int socket, bool is_encrypted, const void* bytes, ssize_t count) {
  if (count <= 0 || current_receiver == nullptr) return;
  (*current_receiver)(socket, is_encrypted, {static_cast<const char*>(bytes), static_cast<std::size_t>(count)});
}

}  // namespace

void set_receiver(const Receiver* receiver) { current_receiver = receiver; }

}  // namespace audit::httpd

// A program's definitions come before those of libraries, so the library calls these. They are declared here, since the
// headers would make inline functions of them.
struct gnutls_session_int;
extern "C" int gnutls_transport_get_int(gnutls_session_int* session);

extern "C" ssize_t recv(int socket, void* buffer, std::size_t size, int flags) {
  static const auto function = reinterpret_cast<decltype(&recv)>(dlsym(RTLD_NEXT, "recv"));
  const ssize_t count = function(socket, buffer, size, flags);
  audit::httpd::pass_on(socket, false, buffer, count);
  return count;
}

extern "C" ssize_t gnutls_record_recv(gnutls_session_int* session, void* buffer, std::size_t size) {
  static const auto function = reinterpret_cast<decltype(&gnutls_record_recv)>(dlsym(RTLD_NEXT, "gnutls_record_recv"));
  const ssize_t count = function(session, buffer, size);
  if (count > 0) audit::httpd::pass_on(gnutls_transport_get_int(session), true, buffer, count);
  return count;
}
