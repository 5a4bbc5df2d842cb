#include "settings/setting.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <sstream>

namespace audit::httpd {
namespace {

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text.append(text.empty() ? "" : ",").append(part);
  return text;
}

// Nothing: no number, or one beyond 64 bits.
bool parse_number(const std::string& text, std::uint64_t& number) {
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end;
}

std::uint64_t number_of(const std::string& text) {
  std::uint64_t number = 0;
  parse_number(text, number);
  return number;
}

}  // namespace

Allowed numbers(std::uint64_t low, std::uint64_t high) {
  const std::string range = std::to_string(low) + " - " + std::to_string(high);
  return {"NUMBER in [" + range + "]",
          [low, high](const std::string& value) {
            std::uint64_t number = 0;
            const bool is_allowed = parse_number(value, number) && number >= low && number <= high;
            return is_allowed ? "" : "must be a number from " + std::to_string(low) + " to " + std::to_string(high);
          },
          ""};
}

Allowed text(std::string example) {
  return {"TEXT", [](const std::string& value) { return value.empty() ? "must not be empty" : ""; },
          std::move(example)};
}

Allowed text_or_nothing(std::string example) {
  return {"TEXT", [](const std::string&) { return ""; }, std::move(example)};
}

Allowed one_of(std::vector<std::string> values) {
  const std::string list = joined(values);
  return {"TEXT:{" + list + "}",
          [values = std::move(values), list](const std::string& value) {
            const bool is_allowed = std::find(values.begin(), values.end(), value) != values.end();
            return is_allowed ? "" : "must be one of " + list;
          },
          ""};
}

Allowed networks(std::string example) {
  return {"TEXT",
          [](const std::string& value) {
            if (value.empty()) return "must not be empty";
            return TrustedProxies::parse(value)
                       ? ""
                       : "is no list of addresses and networks, such as 192.0.2.1, 2001:db8::/32";
          },
          std::move(example)};
}

std::string to_text(const std::string& member) { return member; }
std::string to_text(std::uint64_t member) { return std::to_string(member); }
std::string to_text(std::chrono::seconds member) { return std::to_string(member.count()); }
std::string to_text(std::chrono::milliseconds member) { return std::to_string(member.count()); }
std::string to_text(MemorySize member) { return std::to_string(member.in_megabytes()); }
std::string to_text(const std::vector<std::string>& member) { return joined(member); }
std::string to_text(const TrustedProxies& member) { return member.text(); }

void from_text(std::string& member, const std::string& text) { member = text; }
void from_text(unsigned& member, const std::string& text) { member = static_cast<unsigned>(number_of(text)); }
void from_text(std::size_t& member, const std::string& text) { member = number_of(text); }
void from_text(MemorySize& member, const std::string& text) { member = MemorySize::megabytes(number_of(text)); }
void from_text(std::chrono::seconds& member, const std::string& text) {
  member = std::chrono::seconds(number_of(text));
}
void from_text(std::chrono::milliseconds& member, const std::string& text) {
  member = std::chrono::milliseconds(number_of(text));
}
void from_text(TrustedProxies& member, const std::string& text) {
  member = TrustedProxies::parse(text).value_or(TrustedProxies());
}

// Names, separated by commas; spaces do not count.
void from_text(std::vector<std::string>& member, const std::string& text) {
  member.clear();
  std::istringstream list(text);
  for (std::string name; std::getline(list, name, ',');) {
    name.erase(std::remove(name.begin(), name.end(), ' '), name.end());
    if (!name.empty()) member.push_back(name);
  }
}

std::string environment_name(const std::string& setting) {
  std::string name = "AUDIT_HTTPD_" + setting;
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return c == '-' ? '_' : static_cast<char>(std::toupper(c)); });
  return name;
}

}  // namespace audit::httpd
