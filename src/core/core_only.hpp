// Keeps PostgreSQL out of the core: every core header includes this last, so a core file compiled after postgres.h
// does not compile at all. The core is pure C++17: noexcept, no allocation, no exceptions; it is used by the
// extension, the daemon and the unit tests alike.
#pragma once

#ifdef POSTGRES_H
#error "src/core must not see postgres.h: include core headers before src/pg/postgres_api.hpp"
#endif
