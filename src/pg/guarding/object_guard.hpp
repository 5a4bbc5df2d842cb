// The guard of the trail: sees every object of this database that is made, changed, dropped or emptied, whatever
// command does it, and refuses what would change recorded events or what guards them.
#pragma once

namespace audit::pg {

// To be called once, when the library is loaded.
void watch_objects();

}  // namespace audit::pg
