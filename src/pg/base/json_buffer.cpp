// The varlena header has its place at the front, and is set at the end.
#include "base/json_buffer.hpp"

#include "base/jsonb_json.hpp"

namespace audit::pg {

JsonBuffer::JsonBuffer(std::size_t expected_size)
    : data_(static_cast<char*>(palloc(VARHDRSZ + expected_size))),
      used_(VARHDRSZ),
      capacity_(VARHDRSZ + expected_size),
      row_context_(AllocSetContextCreate(CurrentMemoryContext, "audit_ext event", ALLOCSET_DEFAULT_SIZES)) {}

char* JsonBuffer::reserve(std::size_t size) {
  if (size > capacity_ - used_) {
    if (size > MaxAllocSize - used_)
      ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("page is too large for one json value"),
              errdetail("It would take more than %zu bytes.", static_cast<std::size_t>(MaxAllocSize)),
              errhint("Ask for fewer events at a time with page_size."));
    capacity_ = Min(Max(2 * capacity_, used_ + size), MaxAllocSize);
    data_ = static_cast<char*>(repalloc(data_, capacity_));
  }
  return data_ + used_;
}

void JsonBuffer::append(std::string_view bytes) { wrote(write_bytes(reserve(bytes.size()), bytes)); }

void JsonBuffer::append_string(std::string_view text) {
  wrote(write_json_string(reserve(json_string_bound(text)), text));
}

void JsonBuffer::append_members(const AuditEventView& event, ColumnRange range) {
  wrote(write_members(reserve(members_bound(event, range)), event, range));
}

// The payload is written between the other members instead of into a text first: it is a third of the work.
void JsonBuffer::append_event(const EventRow& row) {
  MemoryContextReset(row_context_);
  const MemoryContext caller = MemoryContextSwitchTo(row_context_);
  AuditEventView event;
  view_event(row, event);
  const std::size_t begin = used_;
  append_members(event, {0, event_payload_column});
  data_[begin] = '{';
  append(event_columns[event_payload_column].json_key);
  if (row.nulls[event_payload_column])
    append("null");
  else
    append_jsonb(*this, DatumGetJsonbP(row.values[event_payload_column]));
  append_members(event, {event_payload_column + 1, event_columns.size()});
  append("}");
  MemoryContextSwitchTo(caller);
}

Datum JsonBuffer::finish() {
  SET_VARSIZE(data_, used_);
  return PointerGetDatum(data_);
}

}  // namespace audit::pg
