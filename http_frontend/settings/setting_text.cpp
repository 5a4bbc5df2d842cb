// What is written about settings: an example file, and the manual's table.
#include "settings/config.hpp"
#include "settings/setting.hpp"

namespace audit::httpd {
namespace {

constexpr const char* file_head =
    "# Settings of audit_httpd: audit_httpd --config FILE. `man audit_httpd` explains each of them.\n"
    "# Names are those of the command line. A flag overrides the environment (AUDIT_HTTPD_POOL_SIZE), which overrides\n"
    "# this file. Unknown and repeated names are rejected. Values are the defaults, or examples where there is none.\n"
    "# [restart]: SIGHUP does not change it.\n";

std::string in_quotes(const std::string& value) {
  return value.find_first_of(" ,") == std::string::npos ? value : '"' + value + '"';
}

// What stands in brackets.
std::string values_of(const std::string& form) {
  const std::size_t bracket = form.find_first_of("{[");
  return bracket == std::string::npos ? "text" : form.substr(bracket + 1, form.size() - bracket - 2);
}

// man shows a plain hyphen as a typographic one.
std::string escaped(const std::string& text) {
  std::string roff;
  for (char c : text) roff.append(c == '-' ? "\\-" : std::string(1, c));
  return roff;
}

}  // namespace

std::string example_file() {
  const Config defaults;
  std::string file = file_head;
  for (const SettingGroup& group : setting_groups()) {
    file.append("\n# ").append(group.title).append("\n");
    for (const Setting& setting : group.settings) {
      const std::string value = setting.value(defaults);
      const char* restart = setting.changes == Changes::by_restart ? " [restart]" : "";
      file.append("\n# ").append(setting.help).append(restart).append("\n#").append(setting.name).append(" = ");
      file.append(in_quotes(value.empty() ? setting.allowed.example : value)).append("\n");
    }
  }
  return file;
}

std::string manual_table() {
  const Config defaults;
  std::string table;
  for (const SettingGroup& group : setting_groups()) {
    for (const Setting& setting : group.settings) {
      const char* changes = setting.changes == Changes::by_restart ? "restart" : "reload";
      const std::string row =
          setting.name + '\t' + setting.value(defaults) + '\t' + values_of(setting.allowed.form) + '\t' + changes;
      table.append(escaped(row)).append("\n");
    }
  }
  return table;
}

}  // namespace audit::httpd
