// Settings: where they come from, and what is refused.
#include "settings/config.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <set>
#include <vector>

#include "base/listen_socket.hpp"
#include "base/settings_file.hpp"
#include "settings/setting.hpp"

namespace audit::httpd {
namespace {

Config read(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "audit_httpd");
  return std::get<Config>(read_config(static_cast<int>(arguments.size()), arguments.data()));
}

// The problem's text; empty when there is none.
std::string problem(const std::vector<const char*>& arguments) {
  try {
    read(arguments);
  } catch (const ConfigProblem& caught) {
    return caught.what();
  }
  return "";
}

class ConfigTest : public testing::Test {
 protected:
  const char* write(const std::string& content) {
    path_ = testing::TempDir() + "config_test.conf";
    std::ofstream(path_) << content;
    return path_.c_str();
  }
  void TearDown() override {
    unsetenv("AUDIT_HTTPD_POOL_SIZE");
    unsetenv("AUDIT_HTTPD_POOLSIZE");
  }

  std::string path_;
};

TEST_F(ConfigTest, FlagBeforeEnvironmentBeforeFile) {
  const char* file = write("# comment\npool-size = 2\nquery-timeout-ms=7\ndatabase = \"host=a port=5\"\n");
  EXPECT_EQ(read({"--config", file}).pool.size, 2U);
  EXPECT_EQ(read({"--config", file}).pool.session.statement_timeout.count(), 7);
  EXPECT_EQ(read({"--config", file}).pool.session.conninfo, "host=a port=5");
  setenv("AUDIT_HTTPD_POOL_SIZE", "3", 1);
  EXPECT_EQ(read({"--config", file}).pool.size, 3U);
  EXPECT_EQ(read({"--config", file, "--pool-size=4"}).pool.size, 4U);
}

TEST_F(ConfigTest, ProblemsNameSettingAndOrigin) {
  EXPECT_NE(problem({"--pool-size", "0"}).find("pool-size"), std::string::npos);
  const char* file = write("pool-size = many\n");
  EXPECT_NE(problem({"--config", file}).find("pool-size"), std::string::npos);
  EXPECT_NE(problem({"--config", file}).find(file), std::string::npos);
  setenv("AUDIT_HTTPD_POOL_SIZE", "x", 1);
  EXPECT_NE(problem({}).find("AUDIT_HTTPD_POOL_SIZE"), std::string::npos);
}

TEST_F(ConfigTest, FilesWithMistakes) {
  for (const char* content :
       {"pool-sise = 2\n", "pool-size = 2\npool-size = 3\n", "[section]\npool-size = 2\n", "listen = a b\n"}) {
    const char* file = write(content);
    EXPECT_NE(problem({"--config", file}).find(file), std::string::npos) << content;
  }
}

TEST_F(ConfigTest, VariablesThatAreNotKnown) {
  setenv("AUDIT_HTTPD_POOLSIZE", "3", 1);
  EXPECT_NE(problem({}).find("AUDIT_HTTPD_POOLSIZE"), std::string::npos);
}

TEST_F(ConfigTest, ConnectionStringsAreNeverShown) {
  const std::string text = problem({"--database", "password=hunter2 nonsense"});
  EXPECT_NE(text, "");
  EXPECT_EQ(text.find("hunter2"), std::string::npos);
}

TEST_F(ConfigTest, IdentityProviderMustBeComplete) {
  EXPECT_NE(problem({"--jwks-url", "https://idp/keys", "--idp-issuer", "x"}).find("idp-audience"), std::string::npos);
  EXPECT_NE(problem({"--jwks-url", "https://idp/keys", "--idp-audience", "x"}).find("idp-issuer"), std::string::npos);
  EXPECT_NE(problem({"--idp-algorithms", "RS256,HS256"}).find("HS256"), std::string::npos);
  EXPECT_EQ(problem({"--jwks-url", "https://idp/keys", "--idp-issuer", "x", "--idp-audience", "y"}), "");
}

TEST_F(ConfigTest, ProblemsFoundLaterGetTheirOrigin) {
  const char* file = write("pool-size = 2\n");
  const Config config = read({"--config", file, "--queue-limit", "3"});
  const auto told = [&](const char* text) { return std::string(config.with_origin(ConfigProblem(text)).what()); };
  EXPECT_EQ(told("--pool-size: is wrong"), std::string("--pool-size: is wrong (from ") + file + ")");
  EXPECT_EQ(told("--queue-limit: is wrong"), "--queue-limit: is wrong");
  EXPECT_EQ(told("--idle-timeout-s: is wrong"), "--idle-timeout-s: is wrong");
  EXPECT_EQ(told("something else"), "something else");
}

TEST_F(ConfigTest, EverySettingIsWhatItsRowSays) {
  std::set<std::string> names;
  for (const SettingGroup& group : setting_groups()) {
    for (const Setting& setting : group.settings) {
      EXPECT_TRUE(names.insert(setting.name).second) << setting.name;
      Config config;
      const std::string value = setting.value(config);
      EXPECT_TRUE(value.empty() || setting.allowed.problem(value).empty()) << setting.name;
      const std::string other = value.empty() ? setting.allowed.example : value;
      ASSERT_FALSE(other.empty()) << setting.name;
      EXPECT_EQ(setting.allowed.problem(other), "") << setting.name;
      // Back from text it is the same, and no other setting has changed.
      setting.set(config, other);
      for (const SettingGroup& others : setting_groups())
        for (const Setting& one : others.settings)
          EXPECT_EQ(one.value(config), one.name == setting.name ? other : one.value(Config())) << one.name;
    }
  }
}

TEST_F(ConfigTest, TheExampleFileSaysWhatIsSoAnyway) {
  EXPECT_EQ(problem({"--config", write(example_file())}), "");
  std::string file = example_file();
  for (const SettingGroup& group : setting_groups()) {
    for (const Setting& setting : group.settings) {
      const std::size_t line = file.find("\n#" + setting.name + " = ");
      ASSERT_NE(line, std::string::npos) << setting.name;
      if (!setting.value(Config()).empty()) file.erase(line + 1, 1);
    }
  }
  const Config config = read({"--config", write(file)});
  for (const SettingGroup& group : setting_groups())
    for (const Setting& setting : group.settings) EXPECT_EQ(setting.value(config), setting.value(Config()));
}

TEST_F(ConfigTest, TlsNeedsCertificateAndKey) {
  EXPECT_NE(problem({"--tls-certificate-file", "x"}).find("tls-key-file"), std::string::npos);
  EXPECT_NE(problem({"--tls-key-file", "x"}).find("tls-certificate-file"), std::string::npos);
  EXPECT_NE(problem({"--tls-client-ca-file", "x"}).find("tls-client-ca-file"), std::string::npos);
  EXPECT_EQ(problem({"--tls-certificate-file", "x", "--tls-key-file", "y", "--tls-client-ca-file", "z"}), "");
}

TEST_F(ConfigTest, Listen) {
  EXPECT_EQ(parse_listen("[::1]:80").host, "::1");
  EXPECT_EQ(parse_listen("localhost:0").port, "0");
  for (const char* wrong :
       {"", "80", ":80", "host:", "host:x", "host:65536", "::1:80", "[]:80", "host:-1", "host:+1"}) {
    EXPECT_THROW(parse_listen(wrong), ConfigProblem) << wrong;
  }
}

}  // namespace
}  // namespace audit::httpd
