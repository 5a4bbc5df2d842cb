#include "settings/config.hpp"

#include <unistd.h>

#include <algorithm>
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <set>

#include "base/version.hpp"
#include "settings/setting.hpp"

namespace audit::httpd {
namespace {

// Something about the file itself.
struct FileProblem : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// CLI11's reader of files takes a setting that comes twice as a list, and a section as a name with a dot in it.
class FlatConfig : public CLI::ConfigINI {
 public:
  explicit FlatConfig(const CLI::App& app) : app_(app) {}

  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
    std::vector<CLI::ConfigItem> items = CLI::ConfigINI::from_config(input);
    std::set<std::string> seen;
    for (const CLI::ConfigItem& item : items) {
      if (!item.parents.empty()) throw FileProblem("sections are not known: " + item.parents.front());
      if (app_.get_option_no_throw("--" + item.name) == nullptr) throw FileProblem("unknown setting " + item.name);
      if (!seen.insert(item.name).second || item.inputs.size() != 1) {
        throw FileProblem(item.name +
                          " must be set once, to one value (in quotes if it has spaces; no comment after it)");
      }
    }
    return items;
  }

 private:
  const CLI::App& app_;
};

class Reader {
 public:
  explicit Reader(Config& config) : config_(config) { declare(); }

  void read(int argc, const char* const* argv) {
    try {
      app_.parse(arguments(argc, argv));
    } catch (const CLI::Success&) {
      throw;
    } catch (const FileProblem& problem) {
      throw ConfigProblem(problem.what() + origin_file());
    } catch (const CLI::ParseError& error) {
      throw ConfigProblem(one_line(error.what()) + origin_of(error.what()));
    }
  }

  CLI::App& app() { return app_; }

  // What was asked for instead of a run.
  std::optional<Information> information() const {
    if (wants_example_file_) return Information{example_file()};
    if (wants_manual_table_) return Information{manual_table()};
    return std::nullopt;
  }

  // Where each setting was made.
  void describe() {
    for (const CLI::Option* option : app_.get_options()) {
      const std::string name = option->get_single_name();
      config_.origins[name] = origin(name);
    }
  }

  // Where the setting was made, for messages.
  std::string origin(const std::string& option) const {
    if (from_command_line_.count(option) != 0) return "";
    if (from_environment_.count(option) != 0) return " (from the environment: " + environment_name(option) + ")";
    return app_.count("--" + option) != 0 ? origin_file() : "";
  }

 private:
  void declare();
  void declare(const Setting& setting);
  std::vector<std::string> arguments(int argc, const char* const* argv);

  // Of the setting that CLI11's message names, which its longest match is: `--idp-issuer` is no `--idp`.
  std::string origin_of(const std::string& message) const {
    std::string named;
    for (const CLI::Option* option : app_.get_options()) {
      const std::string name = option->get_single_name();
      if (name.size() > named.size() && message.find(name) != std::string::npos) named = name;
    }
    return named.empty() || named == "config" ? origin_file() : origin(named);
  }

  std::string origin_file() const {
    const CLI::Option* file = app_.get_config_ptr();
    return file->count() != 0 ? " (from " + file->as<std::string>() + ")" : "";
  }

  static std::string one_line(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
  }

  Config& config_;
  CLI::App app_{"Serves the audit trail of the PostgreSQL extension audit_ext over HTTP.", "audit_httpd"};
  std::set<std::string> from_command_line_;
  std::set<std::string> from_environment_;
  bool wants_example_file_ = false;
  bool wants_manual_table_ = false;
};

void Reader::declare() {
  app_.config_formatter(std::make_shared<FlatConfig>(app_));
  app_.allow_config_extras(false);
  app_.set_config("--config", "", "File of settings: a line `name = value` each, names as here");
  app_.set_version_flag("--version", std::string("audit_httpd ") + version);
  app_.add_flag("--check-config", config_.check_only, "Check the settings, and do nothing else");
  app_.add_flag("--example-file", wants_example_file_, "Print a file of all settings with their defaults");
  app_.add_flag("--manual-table", wants_manual_table_, "Print the manual's table of settings, for tbl(1)");
  for (const SettingGroup& group : setting_groups())
    for (const Setting& setting : group.settings) declare(setting);
}

void Reader::declare(const Setting& setting) {
  const auto set = [this, &setting](const std::string& value) { setting.set(config_, value); };
  app_.add_option_function<std::string>("--" + setting.name, set,
                                        setting.help + "\n[" + environment_name(setting.name) + "]")
      ->check(CLI::Validator(setting.allowed.problem, ""))
      ->type_name(setting.allowed.form)
      ->default_str(setting.value(config_));
}

// The environment as arguments at the beginning of the command line, for options that are not on it. CLI11 itself would
// prefer the file to the environment. (CLI11 takes the arguments in reverse order.)
std::vector<std::string> Reader::arguments(int argc, const char* const* argv) {
  std::vector<std::string> all(argv + 1, argv + argc);
  for (const std::string& argument : all) {
    if (argument.rfind("--", 0) == 0) from_command_line_.insert(argument.substr(2, argument.find('=') - 2));
  }
  for (const CLI::Option* option : app_.get_options()) {
    const std::string name = option->get_single_name();
    const bool has_value = option->get_items_expected_max() != 0 && option->get_type_size_max() != 0;
    const char* value = std::getenv(environment_name(name).c_str());
    if (!has_value || value == nullptr || from_command_line_.count(name) != 0) continue;
    from_environment_.insert(name);
    all.insert(all.begin(), {"--" + name, value});  // not --name=value: CLI11 would overlook an empty one
  }
  std::reverse(all.begin(), all.end());
  return all;
}

// Otherwise a misspelt variable would silently have no effect.
void refuse_unknown_variables(const CLI::App& app) {
  constexpr std::string_view prefix = "AUDIT_HTTPD_";
  std::set<std::string> known;
  for (const CLI::Option* option : app.get_options()) known.insert(environment_name(option->get_single_name()));
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string name(*variable, std::strcspn(*variable, "="));
    if (name.compare(0, prefix.size(), prefix) == 0 && known.count(name) == 0) {
      throw ConfigProblem("unknown variable " + name + " in the environment");
    }
  }
}

}  // namespace

ConfigProblem Config::with_origin(const ConfigProblem& problem) const {
  const std::string text = problem.what();
  const std::string name = text.substr(0, text.find(':'));
  const auto origin = name.rfind("--", 0) == 0 ? origins.find(name.substr(2)) : origins.end();
  return origin == origins.end() ? problem : ConfigProblem(text + origin->second);
}

std::variant<Config, Information> read_config(int argc, const char* const* argv) {
  Config config;
  Reader reader(config);
  try {
    reader.read(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return Information{reader.app().help()};
  } catch (const CLI::CallForVersion&) {
    return Information{reader.app().version() + "\n"};
  }
  if (const auto information = reader.information()) return *information;
  refuse_unknown_variables(reader.app());
  reader.describe();
  check_rules(config);
  return config;
}

}  // namespace audit::httpd
