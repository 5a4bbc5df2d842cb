// The trigger that copies new events of the default partition while a move is under way.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

// One version of the row of the copying trigger. Switching the trigger off, even for a moment, makes another version.
struct Mirror {
  Oid table;  // where it copies to; InvalidOid: there is no move that can be gone on with
  Oid trigger;
  ItemPointerData row_position;
  TransactionId row_inserted_by;
};

// The trigger that is there now, if it copies every event.
Mirror mirror_in_force();

bool is_same(const Mirror& a, const Mirror& b);

// Whether there is a trigger of that name, whatever it does.
bool is_mirrored();

void make_mirror();
void drop_mirror();

}  // namespace audit::pg
