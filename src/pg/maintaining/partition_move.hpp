// Moving events out of the default partition, so that every reader sees each exactly once at any time and nobody waits:
// 1. begin_move: audit_events_move, a table nobody else looks at, gets the partitions that are missing. A trigger
// copies
//    every new event of the default partition into it, in the same transaction.
// 2. copy_events: the events from before are copied too, in batches. They also stay where they are.
// 3. wait_for_snapshots: the transactions that have a snapshot from before the last copy come to their end. All others
// see
//    both of each pair, or neither.
// 4. finish_move: in one short transaction the default partition is emptied and the new ones are attached.
//
// What finish_move() needs to know is kept by the session that has copied, where nobody can change it: that all events
// were copied and the copies committed, into this table, while this trigger was in force and was never touched, and
// that nobody has an older snapshot. Otherwise nothing is emptied, and the move begins again.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

// The steps, in their order; maintenance_steps.hpp says what they return.
const char* begin_move();
const char* copy_events();
const char* analyze_copies();
const char* wait_for_snapshots();
const char* finish_move();

// Removes what a move that is over has left; apart from finish_move(), which everybody waits for.
const char* clean_up_move();

// To be called once, when the library is loaded.
void watch_aborts();

}  // namespace audit::pg
