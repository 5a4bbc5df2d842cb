// Certificate, key and the CA of client certificates, as TLS sessions use them. tls_credentials.cpp is the only file
// that includes GnuTLS for more than hashes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/http_types.hpp"

struct gnutls_session_int;
struct gnutls_certificate_credentials_st;

namespace audit::httpd {

// The algorithms of a session: TLS 1.2 with forward secrecy and an AEAD cipher, or TLS 1.3.
inline constexpr const char* tls_priority =
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-CIPHER-ALL:+AES-256-GCM:"
    "+CHACHA20-POLY1305:+AES-128-GCM:-MAC-ALL:+AEAD:%SERVER_PRECEDENCE";

// Paths of PEM files.
struct TlsFiles {
  std::string certificate;
  std::string key;
  std::string client_ca;  // empty: clients are not asked for a certificate
};

// Immutable. A session keeps those that it began with.
class TlsCredentials {
 public:
  // Reads the files. Throws ConfigProblem, naming setting and file, if a file cannot be read or holds something else.
  // The same if others can use the key, if it is not the certificate's, or if the certificate is not valid at present.
  explicit TlsCredentials(const TlsFiles& files);

  // Before the session's handshake.
  void apply_to(gnutls_session_int* session) const;

 private:
  using Owner = std::unique_ptr<gnutls_certificate_credentials_st, void (*)(gnutls_certificate_credentials_st*)>;
  Owner credentials_;
  bool asks_clients_;
};

using TlsCredentialsPtr = std::shared_ptr<const TlsCredentials>;

// A callback of type gnutls_certificate_retrieve_function2 that has no certificate.
void* no_certificate_callback();

// What the session accepts without waiting.
void send_over_tls(gnutls_session_int* session, std::string_view text);

// After the handshake, in which it was verified. Nothing where the client sent none.
std::optional<ClientCertificate> client_certificate_of(gnutls_session_int* session);

}  // namespace audit::httpd
