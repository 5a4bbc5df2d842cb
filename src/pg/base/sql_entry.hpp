// How a C++ function becomes a SQL function: AUDIT_SQL_FUNCTION(name) { ... PG_RETURN_...; }
// The symbol is exported (the module is built with -fvisibility=hidden), and the call convention is declared.
#pragma once

#include "base/postgres_api.hpp"

#if PG_VERSION_NUM < 160000 && !defined(WIN32)
// Before 16, PGDLLEXPORT is empty, which would hide the magic block and every function.
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#endif

#define AUDIT_SQL_FUNCTION(name)            \
  extern "C" {                              \
  PGDLLEXPORT Datum name(PG_FUNCTION_ARGS); \
  PG_FUNCTION_INFO_V1(name);                \
  }                                         \
  Datum name([[maybe_unused]] PG_FUNCTION_ARGS)
