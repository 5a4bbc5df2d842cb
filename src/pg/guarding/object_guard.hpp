// The guard of the trail. It sees every object of this database that any command makes, changes, drops or empties. It
// rejects what would change recorded events or their guards.
#pragma once

namespace audit::pg {

// To be called once, when the library is loaded.
void watch_objects();

}  // namespace audit::pg
