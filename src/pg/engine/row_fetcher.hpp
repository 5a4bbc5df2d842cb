// Reads rows of one partition by their addresses and keeps those that belong into the page.
#pragma once

#include "engine/filter_row.hpp"
#include "engine/page_search.hpp"

namespace audit::pg {

class RowFetcher {
 public:
  // `range`: the events that may be kept. REQUIRES: end() is called, unless an error is raised.
  RowFetcher(const PageSearch& search, const EventPartition& partition, const KeyRange& range);

  // An older event would not come into the page.
  const EventKey& oldest_wanted() const {
    const bool is_page_the_bound = search_.found->is_full() && compare(range_.from, search_.found->oldest()) < 0;
    return is_page_the_bound ? search_.found->oldest() : range_.from;
  }

  bool wants(const EventKey& key) const { return search_.found->wants(key); }

  // Keeps the row at that address if the snapshot sees it, it matches all filters, and it belongs into the page.
  void fetch(Tid tid);

  bool has_kept_any() const { return has_kept_any_; }

  void end();

 private:
  void begin();
  EventKey key_of_slot() const;
  bool matches_filters() const;
  bool matches(const GivenFilter& filter) const;
  bool matches_expression();
  void keep(const EventKey& key);

  const PageSearch& search_;
  const EventPartition& partition_;
  KeyRange range_;
  AttrNumber last_column_;  // the highest of the columns that are looked at
  IndexFetchTableData* heap_ = nullptr;
  TupleTableSlot* slot_ = nullptr;
  bool has_kept_any_ = false;
  FilterRow filter_row_;
};
static_assert(std::is_trivially_destructible_v<RowFetcher>);

}  // namespace audit::pg
