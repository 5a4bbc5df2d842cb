// The walker: goes through a table's events from newer to older, a page of their index at a time, and fetches those
// that may match. It is done at an event that is older than every event wanted: nothing newer is left behind it.
#pragma once

#include "core_only.hpp"
#include "newest_events.hpp"
#include "posting_intersection.hpp"

namespace audit {

// A Walk has
//  - bool next_page(): goes on to the next older page; false at the end;
//  - int size(), Tid tid(int i), EventKey key(int i): the page's entries, at least one, newest first;
//  - bool is_last_page(): whether it is known that no older page follows.
// Rows have
//  - const EventKey& oldest_wanted(): an older event is not wanted any more;
//  - bool wants(const EventKey& key): whether that event is wanted;
//  - void fetch(Tid tid): reads the row and keeps it if it matches.
// Candidates have bool contains(Tid tid): whether the row at that address may match.
// REQUIRES: all of them outlive this object.
template <typename Walk, typename Candidates, typename Rows>
class KeyWalker {
 public:
  KeyWalker(Walk& walk, Candidates& candidates, Rows& rows) noexcept
      : walk_(walk), candidates_(candidates), rows_(rows) {}

  // Loads the page of the next step, unless it is loaded. False: there is none.
  bool load_page() {
    has_page_ = has_page_ || walk_.next_page();
    return has_page_;
  }

  // Whether the loaded page has nothing that is wanted. REQUIRES: load_page() was true.
  bool is_page_too_old() const { return is_too_old(walk_.key(0)); }

  // Whether it is known that the next step is the last one.
  bool is_last_step() const { return has_page_ && (walk_.is_last_page() || ends_too_old()); }

  // Goes through a page. Passes over rows that `collector` has passed: if they match, they were fetched.
  template <typename Collector>
  void step(const Collector& collector) {
    if (!load_page()) {
      is_done_ = true;
      return;
    }
    for (int i = 0; i < walk_.size(); i++) {
      const Tid tid = walk_.tid(i);
      if (collector.has_passed(tid)) continue;
      const EventKey key = walk_.key(i);
      if (is_too_old(key)) break;
      if (rows_.wants(key) && candidates_.contains(tid)) rows_.fetch(tid);
    }
    is_done_ = ends_too_old();
    has_page_ = false;
  }

  bool is_done() const { return is_done_; }

 private:
  bool is_too_old(const EventKey& key) const { return compare(key, rows_.oldest_wanted()) < 0; }
  bool ends_too_old() const { return is_too_old(walk_.key(walk_.size() - 1)); }

  Walk& walk_;
  Candidates& candidates_;
  Rows& rows_;
  bool has_page_ = false;
  bool is_done_ = false;
};

}  // namespace audit
