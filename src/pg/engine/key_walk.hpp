// Walks a partition's primary key (created_at, id) from newer to older, a leaf page at a time.
#pragma once

#include "base/postgres_api.hpp"
#include "engine/search_report.hpp"
#include "engine/tids.hpp"

namespace audit::pg {

// Sees every entry that was in the index when the walk began, and those that came since or not. Pages are copied: no
// lock or pin is held between calls. An entry says nothing about visibility: only the row itself does.
// Allocated as a whole (about 40 kB) in a memory context; no destructor.
class KeyWalk {
 public:
  // Starts at the newest entry older than `before`. REQUIRES: both relations stay open while it is used; the index is
  // a B-tree on (timestamptz, uuid), ascending, not null.
  void begin(Relation table, Relation index, const EventKey& before, SearchReport* report);

  // Goes on to the next older page that has entries; false at the end.
  bool next_page();

  // The entries of the page, newest first. REQUIRES: next_page() said true.
  int size() const { return size_; }
  Tid tid(int i) const { return entries_[i].tid; }
  EventKey key(int i) const;
  // Whether it is plain that no older page follows.
  bool is_last_page() const;

 private:
  struct Entry {
    Tid tid;
    std::uint32_t key_offset;  // in page_
  };

  void search();
  bool step_left();
  void copy_page(Buffer buffer);
  void read_entries();
  EventKey key_at(std::uint32_t offset) const;

  Relation table_;
  Relation index_;
  SearchReport* report_;
  EventKey before_;  // what is not older than this has been seen
  bool is_positioned_;
  bool is_at_end_;
  BlockNumber block_;  // that page_ is a copy of
  int size_;
  PGAlignedBlock page_;
  Entry entries_[BLCKSZ / sizeof(ItemPointerData)];
};

}  // namespace audit::pg
