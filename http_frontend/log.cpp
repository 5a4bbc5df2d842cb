#include "log.hpp"

#include <spdlog/fmt/chrono.h>
#include <spdlog/formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <charconv>
#include <memory>
#include <optional>

#include "auth/principal.hpp"
#include "core/utf8.hpp"

namespace audit::httpd {
namespace {

// Lines of this logger are whole already: only the time and the level are put before them.
constexpr const char* request_logger_name = "request";
constexpr std::size_t max_value_bytes = 256;

bool writes_json = false;
std::shared_ptr<spdlog::logger> request_logger;

std::string utc_time(spdlog::log_clock::time_point time) {
  using namespace std::chrono;
  const auto ms = duration_cast<milliseconds>(time.time_since_epoch()).count() % 1000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03d}Z", fmt::gmtime(spdlog::log_clock::to_time_t(time)), ms);
}

class LineFormatter final : public spdlog::formatter {
 public:
  explicit LineFormatter(bool is_json) : is_json_(is_json) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& to) override {
    const std::string time = utc_time(message.time);
    const auto level = spdlog::level::to_string_view(message.level);
    const bool is_request = message.logger_name == request_logger_name;
    const std::string_view raw(message.payload.data(), message.payload.size());
    std::string escaped;
    if (!is_request) append_escaped(escaped, raw);
    const std::string_view text = is_request ? raw : std::string_view(escaped);
    if (!is_json_) {
      fmt::format_to(std::back_inserter(to), "{} {} {}\n", time, level, text);
    } else if (is_request) {
      fmt::format_to(std::back_inserter(to),
                     R"({{"time":"{}","level":"{}",{}}})"
                     "\n",
                     time, level, text);
    } else {
      fmt::format_to(std::back_inserter(to),
                     R"({{"time":"{}","level":"{}","message":"{}"}})"
                     "\n",
                     time, level, text);
    }
  }

  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<LineFormatter>(is_json_); }

 private:
  bool is_json_;
};

// `name=value name="value"` or `"name":"value","name":1`.
class Fields {
 public:
  explicit Fields(bool is_json) : is_json_(is_json) { line_.reserve(512); }

  void add_text(std::string_view name, std::string_view value) {
    begin(name);
    line_.push_back('"');
    append_escaped(line_, value.substr(0, max_value_bytes));
    line_.push_back('"');
  }
  void add_number(std::string_view name, std::size_t value) {
    begin(name);
    line_.append(std::to_string(value));
  }
  void add_ms(std::string_view name, const RequestRecord::Duration& duration) {
    if (!duration) return;
    begin(name);
    fmt::format_to(std::back_inserter(line_), "{:.3f}", std::chrono::duration<double, std::milli>(*duration).count());
  }
  const std::string& line() const { return line_; }

 private:
  void begin(std::string_view name) {
    if (!line_.empty()) line_.push_back(is_json_ ? ',' : ' ');
    if (is_json_) line_.push_back('"');
    line_.append(name).append(is_json_ ? "\":" : "=");
  }

  std::string line_;
  bool is_json_;
};

}  // namespace

void set_up_log(const std::string& level, bool is_json) {
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_st>();
  sink->set_formatter(std::make_unique<LineFormatter>(is_json));
  auto general = std::make_shared<spdlog::logger>("audit_httpd", sink);
  general->set_level(spdlog::level::from_str(level));
  request_logger = std::make_shared<spdlog::logger>(request_logger_name, sink);
  request_logger->set_level(general->level());
  writes_json = is_json;
  spdlog::set_default_logger(std::move(general));
}

void log_request(const Request& request, const RequestRecord& record) {
  if (!request_logger || !request_logger->should_log(spdlog::level::info)) return;
  Fields fields(writes_json);
  if (writes_json) fields.add_text("message", "request");
  fields.add_text("request_id", request.id);
  fields.add_text("client", request.client_address);
  if (record.principal) fields.add_text("principal", record.principal->name);
  fields.add_text("method", request.method);
  fields.add_text("route", record.route);
  fields.add_number("code", static_cast<std::size_t>(record.status));
  fields.add_number("bytes", record.body_bytes);
  if (!record.rejection.empty()) fields.add_text("rejected", record.rejection);
  fields.add_ms("duration_ms", record.total);
  fields.add_ms("auth_ms", record.auth);
  fields.add_ms("queue_ms", record.queue);
  fields.add_ms("database_ms", record.database);
  fields.add_ms("send_ms", record.send);
  request_logger->info(fields.line());
}

void append_escaped(std::string& line, std::string_view text) {
  const bool is_utf8 = is_valid_utf8(text);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      fmt::format_to(std::back_inserter(line), "\\u{:04x}", byte);
    } else if (byte >= 0x80 && !is_utf8) {
      line.append("\xEF\xBF\xBD");
    } else {
      if (c == '"' || c == '\\') line.push_back('\\');
      line.push_back(c);
    }
  }
}

}  // namespace audit::httpd
