// The settings audit_ext.*
#pragma once

#include "postgres_api.hpp"

namespace audit::pg {

enum class Engine {
  automatic,  // posting wherever it is possible
  posting,    // the same; for tests that must not depend on what automatic means in some later version
  sql,        // never posting
};

Engine engine_setting();

// To be called once, when the library is loaded.
void define_settings();

}  // namespace audit::pg
