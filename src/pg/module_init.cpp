// What PostgreSQL looks for when it loads the library.
#include "append_only.hpp"
#include "maintenance_worker.hpp"
#include "object_guard.hpp"
#include "partition_move.hpp"
#include "settings.hpp"
#include "sql_entry.hpp"
#include "sql_plans.hpp"
#include "trail.hpp"

extern "C" {
PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init();
}

void _PG_init() {
  audit::pg::define_settings();
  audit::pg::watch_schema_changes();
  audit::pg::watch_aborts();
  audit::pg::watch_membership();
  audit::pg::watch_transactions();
  audit::pg::watch_objects();
  if (process_shared_preload_libraries_in_progress) audit::pg::register_maintenance_workers();
}
