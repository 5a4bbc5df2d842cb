// Moves events out of the default partition. Every reader sees each event exactly once at any time, and no session
// waits.
//  1. begin_move: the missing partitions are made in audit_events_move, a table that no reader uses. A trigger copies
//     every new event of the default partition into it, in the same transaction.
//  2. copy_events: older events are copied too, in batches. They also stay where they are.
//  3. wait_for_snapshots: the step waits until all transactions with a snapshot from before the last copy have ended.
//     All later snapshots see both of each pair, or neither.
//  4. finish_move: one short transaction empties the default partition and attaches the new ones.
//
// finish_move() relies on facts that the copying session keeps in its own memory, where no other role can change them.
// All events were copied into this table, and the copies are committed. The trigger was in force and never touched. No
// older snapshot is left. If one of these is missing, nothing is emptied and the move begins again.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

// The steps, in their order; maintenance_steps.hpp says what they return.
const char* begin_move();
const char* copy_events();
const char* analyze_copies();
const char* wait_for_snapshots();
const char* finish_move();

// Removes the leftovers of a finished move. This is separate from finish_move(), because every session waits for that.
const char* clean_up_move();

// To be called once, when the library is loaded.
void watch_aborts();

}  // namespace audit::pg
