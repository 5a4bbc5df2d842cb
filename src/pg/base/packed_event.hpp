// An event as bytes, for a server of the same cluster. Its values are as they are in memory, behind a bitmap of the
// columns that have one.
#pragma once

#include "base/event_row.hpp"

namespace audit::pg {

// Differs between servers that do not understand each other's bytes.
constexpr std::uint32_t packed_event_format = 0x41554401;

// A bytea, in the current memory context.
Datum pack_event(const EventRow& row);

// The values stay inside of `packed`, which is a bytea that is aligned as int is.
void unpack_event(Datum packed, Datum (&values)[event_column_count], bool (&nulls)[event_column_count]);

}  // namespace audit::pg
