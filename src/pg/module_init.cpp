// What PostgreSQL looks for when it loads the library.
#include "base/settings.hpp"
#include "base/sql_entry.hpp"
#include "base/sql_plans.hpp"
#include "base/trail.hpp"
#include "guarding/append_only.hpp"
#include "guarding/object_guard.hpp"
#include "maintaining/maintenance_worker.hpp"
#include "maintaining/partition_move.hpp"
#include "reading/snapshot_age.hpp"

extern "C" {
PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init();
}

void _PG_init() {
  audit::pg::define_settings();
  audit::pg::watch_schema_changes();
  audit::pg::watch_aborts();
  audit::pg::watch_membership();
  audit::pg::watch_storage();
  audit::pg::watch_transactions();
  audit::pg::watch_objects();
  if (process_shared_preload_libraries_in_progress) audit::pg::register_maintenance_workers();
}
