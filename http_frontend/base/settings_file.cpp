#include "base/settings_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "base/unique_fd.hpp"

namespace audit::httpd {
namespace {

constexpr std::size_t min_secret_bytes = 32;
constexpr off_t max_file_bytes = 1024 * 1024;

[[noreturn]] void fail(const std::string& setting, const std::string& path, const std::string& what) {
  throw ConfigProblem("--" + setting + ": " + path + ": " + what);
}

void refuse_others(const std::string& setting, const std::string& path, const struct stat& status) {
  const bool is_roots = status.st_uid == 0 && geteuid() != 0;  // for a group to read, as systemd hands over credentials
  if (status.st_uid != geteuid() && !is_roots) {
    fail(setting, path, "belongs to another user; it must be this one's, or root's");
  }
  if ((status.st_mode & (is_roots ? 037 : 077)) == 0) return;
  fail(setting, path, is_roots ? "others can use it; run chmod 640 on it" : "others can use it; run chmod 600 on it");
}

// Opened first, and then looked at: what was looked at is what is read. Not blocking, since it may be a pipe.
std::string read(const std::string& setting, const std::string& path, bool is_private) {
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) fail(setting, path, std::strerror(errno));
  struct stat status {};
  if (fstat(file.get(), &status) != 0) fail(setting, path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) fail(setting, path, "is not a regular file");
  if (is_private) refuse_others(setting, path, status);
  if (status.st_size > max_file_bytes) fail(setting, path, "is larger than such a file can be");
  std::string content(static_cast<std::size_t>(status.st_size), '\0');
  if (::read(file.get(), content.data(), content.size()) != status.st_size) fail(setting, path, "cannot be read");
  return content;
}

}  // namespace

std::string read_file(const std::string& setting, const std::string& path) { return read(setting, path, false); }

std::string read_private_file(const std::string& setting, const std::string& path) { return read(setting, path, true); }

std::string read_secret_file(const std::string& path) {
  constexpr const char* setting = "token-secret-file";
  std::string secret = read_private_file(setting, path);
  if (!secret.empty() && secret.back() == '\n') secret.pop_back();
  if (secret.size() < min_secret_bytes) {
    fail(setting, path, "must have at least 32 bytes; openssl rand -hex 32 makes such a secret");
  }
  return secret;
}

}  // namespace audit::httpd
