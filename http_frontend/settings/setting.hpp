// A setting is one row: its name, where Config has it, what it may be, what it does, and whether a reload changes it.
// Flags, variables, lines of the file, --help, the example file and the manual's table all come from it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/memory_size.hpp"
#include "http/trusted_proxies.hpp"

namespace audit::httpd {

struct Config;

// What a setting may be.
struct Allowed {
  std::string form;                                              // as --help shows it
  std::function<std::string(const std::string& value)> problem;  // with that value; empty: none
  std::string example;                                           // where there is no default
};

Allowed numbers(std::uint64_t low, std::uint64_t high);
Allowed text(std::string example);
Allowed text_or_nothing(std::string example);
Allowed one_of(std::vector<std::string> values);
Allowed networks(std::string example);

enum class Changes { by_reload, by_restart };

// The member that a setting is, as text and from text that is allowed for it.
std::string to_text(const std::string& member);
std::string to_text(std::uint64_t member);
std::string to_text(std::chrono::seconds member);
std::string to_text(std::chrono::milliseconds member);
std::string to_text(MemorySize member);
std::string to_text(const std::vector<std::string>& member);
std::string to_text(const TrustedProxies& member);
void from_text(std::string& member, const std::string& text);
void from_text(unsigned& member, const std::string& text);
void from_text(std::size_t& member, const std::string& text);
void from_text(std::chrono::seconds& member, const std::string& text);
void from_text(std::chrono::milliseconds& member, const std::string& text);
void from_text(MemorySize& member, const std::string& text);
void from_text(std::vector<std::string>& member, const std::string& text);
void from_text(TrustedProxies& member, const std::string& text);

// Where a Config has a setting: the member, or the members from the outermost to it.
template <typename... Members>
auto at(Members... members) {
  return [members...](Config& config) -> decltype(auto) { return (config.*....*members); };
}

struct Setting {
  // `member`: returns a reference to it in a Config.
  template <typename Member>
  Setting(const char* its_name, Member member, Allowed what, const char* its_help, Changes how = Changes::by_reload)
      : name(its_name),
        allowed(std::move(what)),
        help(its_help),
        changes(how),
        value([member](const Config& config) { return to_text(member(const_cast<Config&>(config))); }),
        set([member](Config& config, const std::string& text) { from_text(member(config), text); }) {}

  std::string name;
  Allowed allowed;
  std::string help;
  Changes changes;
  std::function<std::string(const Config&)> value;
  std::function<void(Config&, const std::string&)> set;  // REQUIRES: a value without a problem
};

struct SettingGroup {
  const char* title;
  std::vector<Setting> settings;
};

// In the order of the manual.
const std::vector<SettingGroup>& setting_groups();

// AUDIT_HTTPD_POOL_SIZE for pool-size.
std::string environment_name(const std::string& setting);

// A file of all settings, with their defaults as comments.
std::string example_file();
// The rows of a table for tbl(1).
std::string manual_table();

}  // namespace audit::httpd
