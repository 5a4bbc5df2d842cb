// The settings: see the header.
#include "settings.hpp"

namespace audit::pg {
namespace {

constexpr config_enum_entry engines[] = {{"auto", static_cast<int>(Engine::automatic), false},
                                         {"posting", static_cast<int>(Engine::posting), false},
                                         {"sql", static_cast<int>(Engine::sql), false},
                                         {nullptr, 0, false}};

int engine = static_cast<int>(Engine::automatic);

}  // namespace

Engine engine_setting() { return static_cast<Engine>(engine); }

void define_settings() {
  // Everybody may set it: both engines check the same rights and give the same answer.
  DefineCustomEnumVariable(
      "audit_ext.engine", "How the events of a page are found.",
      "auto and posting: by reading posting lists directly wherever that is possible, else as sql; "
      "sql: by an SQL statement. The answer is the same. audit_explain() tells which one was used.",
      &engine, static_cast<int>(Engine::automatic), engines, PGC_USERSET, 0, nullptr, nullptr, nullptr);
  MarkGUCPrefixReserved("audit_ext");
}

}  // namespace audit::pg
