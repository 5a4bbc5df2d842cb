#include "base/owner_rights.hpp"

#include "base/own_objects.hpp"

namespace audit::pg {
namespace {

bool putting_back = false;

}  // namespace

void set_setting(const char* name, const char* value) {
  set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

void set_neutral_settings() {
  set_setting("search_path", "pg_catalog, pg_temp");
  set_setting("datestyle", "ISO, YMD");
  set_setting("timezone", "UTC");
  set_setting("intervalstyle", "postgres");
  set_setting("extra_float_digits", "1");
}

CallerRights become_owner(Oid table) {
  CallerRights caller{};
  GetUserIdAndSecContext(&caller.user, &caller.security_context);
  SetUserIdAndSecContext(owner_of_table(table), caller.security_context | SECURITY_LOCAL_USERID_CHANGE |
                                                    SECURITY_RESTRICTED_OPERATION | SECURITY_NOFORCE_RLS);
  return caller;
}

void give_back(const CallerRights& caller) { SetUserIdAndSecContext(caller.user, caller.security_context); }

void execute_as_owner(Oid table, const char* sql, const StatementArgument* arguments, int argument_count,
                      int expected) {
  constexpr int arguments_max = 16;
  Oid types[arguments_max];
  Datum values[arguments_max];
  char nulls[arguments_max];
  Assert(argument_count <= arguments_max);
  for (int i = 0; i < argument_count; i++) {
    types[i] = arguments[i].type;
    values[i] = arguments[i].value;
    nulls[i] = arguments[i].is_null ? 'n' : ' ';
  }
  const int settings_level = NewGUCNestLevel();
  set_neutral_settings();
  set_setting("row_security", "off");  // an error rather than a part of the rows
  const CallerRights caller = become_owner(table);
  const int result = SPI_execute_with_args(sql, argument_count, types, values, nulls, false, 0);
  give_back(caller);
  AtEOXact_GUC(false, settings_level);
  if (result != expected) elog(ERROR, "SPI_execute_with_args failed: %s", SPI_result_code_string(result));
}

void put_back_as_owner(Oid table, const char* sql) {
  const int settings_level = NewGUCNestLevel();
  set_config_option("audit_ext.max_event_size", "0", PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
  putting_back = true;
  PG_TRY();
  { execute_as_owner(table, sql, nullptr, 0, SPI_OK_INSERT); }  // row_security = off: is_restoring()
  PG_FINALLY();
  { putting_back = false; }
  PG_END_TRY();
  AtEOXact_GUC(false, settings_level);
}

bool is_putting_back() { return putting_back; }

}  // namespace audit::pg
