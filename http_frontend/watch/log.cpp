#include "watch/log.hpp"

#include <spdlog/fmt/chrono.h>
#include <spdlog/formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

#include "auth/principal.hpp"
#include "core/utf8.hpp"

namespace audit::httpd {
namespace {

// Lines of this logger are whole already: only the time and the level are put before them.
constexpr const char* request_logger_name = "request";
constexpr std::size_t max_value_bytes = 256;

bool writes_json = false;
std::shared_ptr<spdlog::logger> request_logger;

// There is one line for each request, so it is appended piece by piece. This costs a fraction of fmt's formatting of
// five durations and a date.

// A point and the last three digits.
void append_thousandths(std::string& to, std::int64_t number) {
  const auto digit = [&](std::int64_t unit) { return static_cast<char>('0' + number / unit % 10); };
  to.append({'.', digit(100), digit(10), digit(1)});
}

class LineFormatter final : public spdlog::formatter {
 public:
  explicit LineFormatter(bool is_json) : is_json_(is_json) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& to) override {
    const auto level = spdlog::level::to_string_view(message.level);
    const bool is_request = message.logger_name == request_logger_name;
    const std::string_view text(message.payload.data(), message.payload.size());
    line_.assign(is_json_ ? R"({"time":")" : "");
    append_time(message.time);
    line_.append(is_json_ ? R"(","level":")" : " ").append(level.data(), level.size());
    line_.append(is_json_ ? R"(",)" : " ");
    if (is_request) {
      line_.append(text);
    } else {
      if (is_json_) line_.append(R"("message":")");
      append_escaped(line_, text);
      if (is_json_) line_.push_back('"');
    }
    line_.append(is_json_ ? "}\n" : "\n");
    to.append(line_.data(), line_.data() + line_.size());
  }

  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<LineFormatter>(is_json_); }

 private:
  // UTC. The text of a second is made once.
  void append_time(spdlog::log_clock::time_point time) {
    using namespace std::chrono;
    const std::int64_t ms = duration_cast<milliseconds>(time.time_since_epoch()).count();
    if (std::exchange(second_, ms / 1000) != ms / 1000) {
      second_text_ = fmt::format("{:%Y-%m-%dT%H:%M:%S}", fmt::gmtime(spdlog::log_clock::to_time_t(time)));
    }
    line_.append(second_text_);
    append_thousandths(line_, ms);
    line_.push_back('Z');
  }

  bool is_json_;
  std::string line_;
  std::int64_t second_ = -1;
  std::string second_text_;
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
    const std::int64_t us = std::chrono::duration_cast<std::chrono::microseconds>(*duration).count();
    line_.append(std::to_string(us / 1000));
    append_thousandths(line_, us);
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
  const auto is_plain = [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; };
  if (std::all_of(text.begin(), text.end(), is_plain)) {
    line.append(text);
    return;
  }
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
