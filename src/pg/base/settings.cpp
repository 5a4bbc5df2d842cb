#include "base/settings.hpp"

namespace audit::pg {
namespace {

constexpr config_enum_entry engines[] = {{"auto", static_cast<int>(Engine::automatic), false},
                                         {"posting", static_cast<int>(Engine::posting), false},
                                         {"sql", static_cast<int>(Engine::sql), false},
                                         {nullptr, 0, false}};

int engine = static_cast<int>(Engine::automatic);
bool changes_allowed = false;
char* maintenance_database = nullptr;
int maintenance_interval_s = 3600;
constexpr int mb = 1024 * 1024;
int max_event_size = mb;
int max_page_size = 16 * mb;
int filter_rows_max = 1'000'000;

}  // namespace

Engine engine_setting() { return static_cast<Engine>(engine); }
bool changes_allowed_setting() { return changes_allowed; }

const char* maintenance_database_setting() { return maintenance_database; }
int maintenance_interval_s_setting() { return maintenance_interval_s; }

int max_event_size_setting() { return max_event_size; }
int max_page_size_setting() { return max_page_size; }
int filter_rows_max_setting() { return filter_rows_max; }

namespace {

// For superusers only: they are what protects readers from writers.
void define_bounds() {
  DefineCustomIntVariable("audit_ext.max_event_size", "How large an event may be as JSON when it is recorded.",
                          "0: events of any size are accepted, and payloads of any depth with numbers of any length. "
                          "Use it to restore events from a trail without these bounds.",
                          &max_event_size, mb, 0, 256 * mb, PGC_SUSET, GUC_UNIT_BYTE, nullptr, nullptr, nullptr);
  DefineCustomIntVariable("audit_ext.max_page_size", "How large the events of a page may be as JSON.",
                          "A page ends before an event that would make it larger. Its first event may be larger.",
                          &max_page_size, 16 * mb, 1024, 256 * mb, PGC_SUSET, GUC_UNIT_BYTE, nullptr, nullptr, nullptr);
  DefineCustomIntVariable(
      "audit_ext.filter_rows_max", "How many rows a page may compare with its filter.",
      "Rows that no index excludes are compared one by one. A page that needs more is an error. The "
      "SQL path does not count them.",
      &filter_rows_max, 1'000'000, 1, INT_MAX, PGC_SUSET, 0, nullptr, nullptr, nullptr);
}

}  // namespace

void define_settings() {
  define_bounds();
  // Any role may set it: both engines check the same rights and give the same answer.
  DefineCustomEnumVariable(
      "audit_ext.engine", "How the events of a page are found.",
      "auto and posting: by reading posting lists directly wherever that is possible, else as sql; "
      "sql: by an SQL statement. The answer is the same. audit_explain() shows which one was used.",
      &engine, static_cast<int>(Engine::automatic), engines, PGC_USERSET, 0, nullptr, nullptr, nullptr);
  // For superusers only: the owner of the trail may not change it either.
  DefineCustomBoolVariable("audit_ext.allow_changes", "Whether recorded events may be changed or removed.",
                           "on: UPDATE, DELETE and TRUNCATE of audit_events are allowed. So are DETACH and DROP of its "
                           "partitions and changes of its columns. Each is recorded as an event.",
                           &changes_allowed, false, PGC_SUSET, 0, nullptr, nullptr, nullptr);
  DefineCustomIntVariable("audit_ext.maintenance_interval", "How often the background worker runs audit_maintain().",
                          "After an error it tries again a minute later. 0: it rests, as it must while a "
                          "database is restored.",
                          &maintenance_interval_s, 3600, 0, 7 * 86400, PGC_SIGHUP, GUC_UNIT_S, nullptr, nullptr,
                          nullptr);
  // Workers can only be asked for while the server starts.
  if (process_shared_preload_libraries_in_progress)
    DefineCustomStringVariable("audit_ext.maintenance_database",
                               "The databases for which a background worker runs audit_maintain().",
                               "Names with commas between them. Needs audit_ext in shared_preload_libraries.",
                               &maintenance_database, "", PGC_POSTMASTER, GUC_LIST_INPUT, nullptr, nullptr, nullptr);
  MarkGUCPrefixReserved("audit_ext");
}

}  // namespace audit::pg
