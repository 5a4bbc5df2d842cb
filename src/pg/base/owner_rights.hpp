// Work on a table with more rights than the caller's: as the table's owner, in a security-restricted operation, as
// PostgreSQL's own maintenance does. The owner's triggers, constraints, index expressions and policies then run with
// the owner's rights only.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

struct CallerRights {
  Oid user;
  int security_context;
};

// From here on the rights are those of the table's owner. An error restores the caller's rights with its
// (sub)transaction.
CallerRights become_owner(Oid table);
void give_back(const CallerRights& caller);

// For a nest level of settings: search_path, and all that decides how a value is written as text.
void set_neutral_settings();
void set_setting(const char* name, const char* value);

struct StatementArgument {
  Oid type;
  Datum value;
  bool is_null;
};

// Runs one statement as the owner of that table, with neutral settings; its results are in SPI_tuptable. REQUIRES: SPI
// connected.
void execute_as_owner(Oid table, const char* sql, const StatementArgument* arguments, int argument_count, int expected);

// For events that were recorded before: however large they are, and wherever their time is.
void put_back_as_owner(Oid table, const char* sql);
bool is_putting_back();

}  // namespace audit::pg
