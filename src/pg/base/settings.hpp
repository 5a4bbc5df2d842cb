// The settings audit_ext.*
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

enum class Engine {
  automatic,  // posting wherever it is possible
  posting,    // the same; for tests that must not depend on what automatic means in some later version
  sql,        // never posting
};

Engine engine_setting();

// Whether the append-only guards let a change of the trail pass, and record it as an event.
bool changes_allowed_setting();

// The databases that have a maintenance worker, with commas between them; only for servers that preload the library.
const char* maintenance_database_setting();

// How long it waits between two runs.
int maintenance_interval_s_setting();

// The bytes of JSON that an event may take when it is recorded; 0: nothing about it is bounded.
int max_event_size_setting();

// The bytes of JSON that the events of a page may take; one event may take more.
int max_page_size_setting();

// The rows that a page may compare with its `filter`.
int filter_rows_max_setting();

// To be called once, when the library is loaded.
void define_settings();

}  // namespace audit::pg
