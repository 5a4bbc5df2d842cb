#include "engine/filter_row.hpp"

#include "base/inet_value.hpp"
#include "engine/payload_match.hpp"

namespace audit::pg {

bool FilterRow::is_match(TupleTableSlot* slot) {
  if (context_ == nullptr)
    context_ = AllocSetContextCreate(CurrentMemoryContext, "audit_ext filter", ALLOCSET_SMALL_SIZES);
  slot_ = slot;
  const MemoryContext caller = MemoryContextSwitchTo(context_);
  const bool is_match = matches_filter(filter_->tree, *this);
  MemoryContextSwitchTo(caller);
  if (has_unpacked_) {
    memset(unpacked_, 0, sizeof(unpacked_));
    has_unpacked_ = false;
    MemoryContextReset(context_);
  }
  return is_match;
}

bool FilterRow::matches(const FilterNode& term) {
  bool is_null = false;
  const Datum value = slot_getattr(slot_, shape_.columns[term.column], &is_null);
  return !is_null && fits(term, value);
}

bool FilterRow::fits(const FilterNode& term, Datum value) {
  switch (event_columns[term.column].kind) {
    case ColumnKind::payload:
      return payload_matches(reinterpret_cast<Jsonb*>(unpacked(term.column, value)), term, *filter_);
    case ColumnKind::number: return fits_real(term.op, DatumGetFloat8(value), term.real);
    default: break;
  }
  if (term.op == FilterOp::pr) return true;
  switch (event_columns[term.column].kind) {
    case ColumnKind::text: {
      const varlena* text = unpacked(term.column, value);
      return fits_text(term.op, {VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text)}, term.text);
    }
    case ColumnKind::integer32: return fits_integer(term.op, DatumGetInt32(value), term.integer);
    case ColumnKind::uuid: return memcmp(DatumGetUUIDP(value)->data, term.uuid.data(), UUID_LEN) == 0;
    case ColumnKind::address: return contains(term.network, network_of(DatumGetInetPP(value)));
    default: return fits_integer(term.op, DatumGetInt64(value), term.integer);
  }
}

// A payload is read with its full header only, since what lies in it is aligned.
varlena* FilterRow::unpacked(std::size_t column, Datum value) {
  auto* stored = reinterpret_cast<varlena*>(DatumGetPointer(value));
  if (!VARATT_IS_EXTENDED(stored) || (VARATT_IS_SHORT(stored) && column != event_payload_column)) return stored;
  if (unpacked_[column] == nullptr) unpacked_[column] = pg_detoast_datum(stored);
  has_unpacked_ = true;
  return unpacked_[column];
}

}  // namespace audit::pg
