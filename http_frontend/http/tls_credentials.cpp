#include "http/tls_credentials.hpp"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <array>
#include <ctime>
#include <stdexcept>
#include <vector>

#include "base/settings_file.hpp"
#include "core/utf8.hpp"

namespace audit::httpd {
namespace {

using CertificateOwner = std::unique_ptr<gnutls_x509_crt_int, void (*)(gnutls_x509_crt_t)>;

[[noreturn]] void fail(const char* setting, const std::string& path, const std::string& what) {
  throw ConfigProblem("--" + std::string(setting) + ": " + path + ": " + what);
}

gnutls_datum_t datum(const std::string& bytes) {
  return {reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data())), static_cast<unsigned>(bytes.size())};
}

CertificateOwner make_certificate() {
  gnutls_x509_crt_t certificate = nullptr;
  if (gnutls_x509_crt_init(&certificate) < 0) throw std::bad_alloc();
  return {certificate, gnutls_x509_crt_deinit};
}

std::string date(std::time_t time) {
  std::tm utc{};
  gmtime_r(&time, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%SZ", &utc);
  return text.data();
}

// The first in the file is the server's own; those after it lead to a CA.
void check_validity(const std::string& path, const std::string& pem) {
  const CertificateOwner certificate = make_certificate();
  const gnutls_datum_t data = datum(pem);
  const int error = gnutls_x509_crt_import(certificate.get(), &data, GNUTLS_X509_FMT_PEM);
  if (error < 0) fail("tls-certificate-file", path, "is no certificate in PEM form");
  const std::time_t now = std::time(nullptr);
  const std::time_t from = gnutls_x509_crt_get_activation_time(certificate.get());
  const std::time_t until = gnutls_x509_crt_get_expiration_time(certificate.get());
  if (now >= until) fail("tls-certificate-file", path, "the certificate expired at " + date(until));
  if (now < from) fail("tls-certificate-file", path, "the certificate is valid only from " + date(from) + " on");
}

void add_key(gnutls_certificate_credentials_t to, const TlsFiles& files, const std::string& certificate) {
  const gnutls_datum_t certificate_data = datum(certificate);
  const std::string key = read_private_file("tls-key-file", files.key);
  const gnutls_datum_t key_data = datum(key);
  const int error =
      gnutls_certificate_set_x509_key_mem2(to, &certificate_data, &key_data, GNUTLS_X509_FMT_PEM, nullptr, 0);
  if (error == GNUTLS_E_CERTIFICATE_KEY_MISMATCH) {
    fail("tls-key-file", files.key, "does not match the certificate in " + files.certificate);
  }
  if (error < 0) fail("tls-key-file", files.key, "is no unencrypted private key in PEM form");
}

void add_client_ca(gnutls_certificate_credentials_t to, const std::string& path) {
  const std::string pem = read_file("tls-client-ca-file", path);
  const gnutls_datum_t data = datum(pem);
  const int count = gnutls_certificate_set_x509_trust_mem(to, &data, GNUTLS_X509_FMT_PEM);
  if (count <= 0) fail("tls-client-ca-file", path, "has no certificate in PEM form");
}

// A client may send no certificate; one that it sends must be good, and made for clients.
int verify_client(gnutls_session_t session) noexcept {
  unsigned count = 0;
  if (gnutls_certificate_get_peers(session, &count) == nullptr || count == 0) return 0;
  gnutls_typed_vdata_st purpose{};
  purpose.type = GNUTLS_DT_KEY_PURPOSE_OID;
  purpose.data = reinterpret_cast<unsigned char*>(const_cast<char*>(GNUTLS_KP_TLS_WWW_CLIENT));
  unsigned problems = 0;
  const int error = gnutls_certificate_verify_peers(session, &purpose, 1, &problems);
  return error < 0 || problems != 0 ? GNUTLS_E_CERTIFICATE_ERROR : 0;
}

// Empty: there is none, or more than one, or it is no plain text. GnuTLS escapes what is special in a distinguished
// name with backslashes, so that two names could look like one: those are of no use either.
std::string common_name(gnutls_x509_crt_t certificate) {
  std::array<char, 256> text{};
  std::size_t size = text.size();
  const char* oid = GNUTLS_OID_X520_COMMON_NAME;
  if (gnutls_x509_crt_get_dn_by_oid(certificate, oid, 0, 0, text.data(), &size) < 0) return "";
  std::size_t ignored = 0;
  const int second = gnutls_x509_crt_get_dn_by_oid(certificate, oid, 1, 0, nullptr, &ignored);
  const std::string_view name(text.data(), size);
  const bool is_plain = is_valid_utf8(name) && name.find('\\') == std::string_view::npos;
  return second == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE && is_plain ? std::string(name) : "";
}

int retrieve_nothing(gnutls_session_t, const gnutls_datum_t*, int, const gnutls_pk_algorithm_t*, int, gnutls_pcert_st**,
                     unsigned*, gnutls_privkey_t*) noexcept {
  return -1;
}

}  // namespace

TlsCredentials::TlsCredentials(const TlsFiles& files)
    : credentials_(nullptr, gnutls_certificate_free_credentials), asks_clients_(!files.client_ca.empty()) {
  gnutls_certificate_credentials_t made = nullptr;
  if (gnutls_certificate_allocate_credentials(&made) < 0) throw std::bad_alloc();
  credentials_.reset(made);
  const std::string certificate = read_file("tls-certificate-file", files.certificate);
  check_validity(files.certificate, certificate);
  add_key(made, files, certificate);
  if (!asks_clients_) return;
  add_client_ca(made, files.client_ca);
  gnutls_certificate_set_verify_function(made, verify_client);
}

void TlsCredentials::apply_to(gnutls_session_int* session) const {
  gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials_.get());
  if (asks_clients_) gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
}

void* no_certificate_callback() { return reinterpret_cast<void*>(&retrieve_nothing); }

void send_over_tls(gnutls_session_int* session, std::string_view text) {
  static_cast<void>(gnutls_record_send(session, text.data(), text.size()));
}

std::optional<ClientCertificate> client_certificate_of(gnutls_session_int* session) {
  unsigned count = 0;
  const gnutls_datum_t* chain = gnutls_certificate_get_peers(session, &count);
  if (chain == nullptr || count == 0) return std::nullopt;
  const CertificateOwner certificate = make_certificate();
  if (gnutls_x509_crt_import(certificate.get(), &chain[0], GNUTLS_X509_FMT_DER) < 0) return ClientCertificate{};
  return ClientCertificate{common_name(certificate.get()), gnutls_x509_crt_get_expiration_time(certificate.get())};
}

}  // namespace audit::httpd
