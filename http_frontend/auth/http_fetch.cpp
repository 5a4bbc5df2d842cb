#include "auth/http_fetch.hpp"

#include <curl/curl.h>

#include <memory>

namespace audit::httpd {
namespace {

struct Received {
  std::string bytes;
  std::size_t most;
};

// Less than the whole piece ends the transfer.
std::size_t receive(char* piece, std::size_t, std::size_t size, void* context) noexcept {
  auto& received = *static_cast<Received*>(context);
  if (received.bytes.size() + size > received.most) return 0;
  try {
    received.bytes.append(piece, size);
  } catch (const std::bad_alloc&) {
    return 0;
  }
  return size;
}

}  // namespace

std::optional<std::string> fetch(const std::string& url, const FetchBounds& bounds) {
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  if (!curl) return std::nullopt;
  Received received{{}, bounds.bytes};
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl.get(), CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_MAXREDIRS, 3L);
  curl_easy_setopt(curl.get(), CURLOPT_REDIR_PROTOCOLS_STR, "https");
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(bounds.time.count()));
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, receive);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &received);
  if (curl_easy_perform(curl.get()) != CURLE_OK) return std::nullopt;
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  return status == 200 ? std::optional(std::move(received.bytes)) : std::nullopt;
}

}  // namespace audit::httpd
