// Reads the secret for own tokens; declared in config.hpp.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "config.hpp"
#include "unique_fd.hpp"

namespace audit::httpd {
namespace {

constexpr std::size_t min_secret_bytes = 32;
constexpr off_t max_secret_bytes = 64 * 1024;

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw ConfigProblem("--token-secret-file: " + path + ": " + what);
}

void check_file(const std::string& path, const struct stat& status) {
  if (!S_ISREG(status.st_mode)) fail(path, "is not a regular file");
  const bool is_roots = status.st_uid == 0 && geteuid() != 0;  // for a group to read, as systemd hands over credentials
  if (status.st_uid != geteuid() && !is_roots) fail(path, "belongs to another user; it must be this one's, or root's");
  if ((status.st_mode & (is_roots ? 037 : 077)) != 0) {
    fail(path, is_roots ? "others can use it; run chmod 640 on it" : "others can use it; run chmod 600 on it");
  }
  if (status.st_size > max_secret_bytes) fail(path, "is larger than a secret can be");
}

}  // namespace

// Opened first, and then looked at: what was looked at is what is read. Not blocking, since it may be a pipe.
std::string read_secret_file(const std::string& path) {
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) fail(path, std::strerror(errno));
  struct stat status {};
  if (fstat(file.get(), &status) != 0) fail(path, std::strerror(errno));
  check_file(path, status);
  std::string secret(static_cast<std::size_t>(status.st_size), '\0');
  if (read(file.get(), secret.data(), secret.size()) != status.st_size) fail(path, "cannot be read");
  if (!secret.empty() && secret.back() == '\n') secret.pop_back();
  if (secret.size() < min_secret_bytes)
    fail(path, "must have at least 32 bytes; openssl rand -hex 32 makes such a secret");
  return secret;
}

}  // namespace audit::httpd
