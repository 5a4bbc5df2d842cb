// Everything the glue is made of, in the one order that works: the standard library and the core first (the macros of
// postgres.h break C++ names), then postgres.h before every other PostgreSQL header, inside extern "C".
// The only file that includes any of PostgreSQL's headers.
//
// Rules of every file that includes this: longjmp out of any PostgreSQL call skips destructors, so locals are trivially
// destructible; nothing is thrown and nothing is allocated with new (the module is built with -fno-exceptions).
#pragma once

#include <sys/socket.h>  // AF_INET, which utils/inet.h refers to

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

#include "../core/event_columns.hpp"
#include "../core/event_filters.hpp"
#include "../core/event_json.hpp"
#include "../core/json_writer.hpp"
#include "../core/page_cursor.hpp"
#include "../core/uuid_v7.hpp"

extern "C" {
#include "postgres.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/inet.h"
#include "utils/inval.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"
}
