// Batches. The rows are a named tuplestore, like the transition tables of a trigger. The statements below read it as
// new_events. One INSERT records all, with everything that a plain INSERT has: rights, policies, triggers, routing to
// partitions.
//
// No constraint can find an id twice in two partitions, so given ids are claimed first. A claim is a row of
// audit_id_claims that is inserted and deleted again. It keeps its place in the unique index until this transaction
// ends. A transaction that records the same id waits for that. (Advisory locks would do the same, but the lock table
// has no room for a large batch.) Then the ids are looked up.
//
// Both run like the check of a foreign key. They run as the table's owner, since a writer cannot read. They run on the
// newest snapshot, whatever the isolation level.
#include "writing/event_batch.hpp"

#include "base/distribution.hpp"
#include "base/event_bounds.hpp"
#include "base/own_objects.hpp"
#include "base/owner_rights.hpp"
#include "base/pg_compat.hpp"
#include "base/sql_plans.hpp"
#include "writing/distributed_batch.hpp"

namespace audit::pg {
namespace {

// Columns of new_events behind those of the event.
enum ControlColumn {
  position_column = event_column_count,
  given_id_column,  // NULL: made here
  id_since_column,  // the millisecond that an id of version 7 holds
  id_until_column,
  batch_column_count
};

constexpr const char claim_sql[] =
    "INSERT INTO %1$s.audit_id_claims (id) SELECT DISTINCT given_id FROM new_events WHERE given_id IS NOT NULL "
    "ORDER BY given_id";

constexpr const char release_sql[] =
    "DELETE FROM %1$s.audit_id_claims c USING new_events n WHERE c.id OPERATOR(pg_catalog.=) n.given_id";

// As audit_get() looks for an id. LIMIT keeps the planner from turning the subqueries into joins of whole tables.
constexpr const char find_known_sql[] =
    "SELECT n.position FROM (SELECT *, pg_catalog.row_number() OVER (PARTITION BY given_id ORDER BY position) AS nth"
    " FROM new_events WHERE given_id IS NOT NULL) n"
    " WHERE n.nth OPERATOR(pg_catalog.>) 1"
    " OR (SELECT true FROM %1$s.audit_events e WHERE e.id OPERATOR(pg_catalog.=) n.given_id"
    " AND e.created_at OPERATOR(pg_catalog.>=) n.id_since AND e.created_at OPERATOR(pg_catalog.<) n.id_until LIMIT 1)"
    " OR (SELECT true FROM %1$s.audit_events e WHERE e.id OPERATOR(pg_catalog.=) n.given_id"
    " AND NOT %1$s.audit_id_matches(e.id, e.created_at) LIMIT 1)";

SavedPlan claim_plan, release_plan, find_known_plan, insert_plan;

TupleDesc batch_descriptor() {
  TupleDesc descriptor = CreateTemplateTupleDesc(batch_column_count);
  for (int i = 0; i < event_column_count; i++) {
    const std::string_view name = event_columns[static_cast<std::size_t>(i)].name();
    TupleDescInitEntry(descriptor, static_cast<AttrNumber>(i + 1), pnstrdup(name.data(), name.size()),
                       event_column_types[i], -1, 0);
  }
  TupleDescInitEntry(descriptor, position_column + 1, "position", INT4OID, -1, 0);
  TupleDescInitEntry(descriptor, given_id_column + 1, "given_id", UUIDOID, -1, 0);
  TupleDescInitEntry(descriptor, id_since_column + 1, "id_since", TIMESTAMPTZOID, -1, 0);
  TupleDescInitEntry(descriptor, id_until_column + 1, "id_until", TIMESTAMPTZOID, -1, 0);
  return descriptor;
}

const char* insert_sql(Oid function_oid) {
  return psprintf("INSERT INTO %1$s.audit_events (%2$s) SELECT %2$s FROM new_events", quoted_schema_of(function_oid),
                  event_column_list());
}

void prepare(SavedPlan& plan, Oid function_oid, const char* sql) {
  if (needs_statement(plan, function_oid))
    prepare_statement(plan, function_oid, psprintf(sql, quoted_schema_of(function_oid)), 0, nullptr);
}

void execute(const SavedPlan& plan, Snapshot snapshot, int expected) {
  const int result = SPI_execute_snapshot(use_plan(plan), nullptr, nullptr, snapshot, InvalidSnapshot, false, true, 0);
  if (result != expected) elog(ERROR, "SPI_execute_snapshot failed: %s", SPI_result_code_string(result));
}

void execute_as(Oid table, const SavedPlan& plan, Snapshot snapshot, int expected) {
  const CallerRights caller = become_owner(table);
  execute(plan, snapshot, expected);
  give_back(caller);
}

// Leaves the positions of known events in SPI_tuptable. Each statement has the rights of its table's owner:
// audit_events and the claims may have different owners.
void find_known_as_owner(Oid function_oid) {
  const Oid claims = own_table("audit_id_claims");
  prepare(claim_plan, function_oid, claim_sql);
  prepare(release_plan, function_oid, release_sql);
  prepare(find_known_plan, function_oid, find_known_sql);
  execute_as(claims, claim_plan, InvalidSnapshot, SPI_OK_INSERT);
  execute_as(claims, release_plan, InvalidSnapshot, SPI_OK_DELETE);
  CommandCounterIncrement();
  execute_as(own_table("audit_events"), find_known_plan, GetLatestSnapshot(), SPI_OK_SELECT);
}

void insert_local(Oid function_oid) {
  if (needs_statement(insert_plan, function_oid))
    prepare_statement(insert_plan, function_oid, insert_sql(function_oid), 0, nullptr);
  execute(insert_plan, InvalidSnapshot, SPI_OK_INSERT);
}

}  // namespace

EventBatch::EventBatch(Oid function_oid, const BatchRules& rules)
    : function_oid_(function_oid),
      rules_(rules),
      context_(CurrentMemoryContext),
      event_context_(AllocSetContextCreate(CurrentMemoryContext, "audit_ext event", ALLOCSET_DEFAULT_SIZES)),
      descriptor_(batch_descriptor()),
      rows_(tuplestore_begin_heap(true, false, work_mem)),
      capacity_(64) {
  events_ = static_cast<RecordedEvent*>(palloc(sizeof(RecordedEvent) * static_cast<std::size_t>(capacity_)));
}

void EventBatch::add_document(Jsonb* events) {
  JsonbValue item;
  if (!JB_ROOT_IS_ARRAY(events) || JB_ROOT_IS_SCALAR(events)) {
    if (!JB_ROOT_IS_OBJECT(events)) return problems_.add(0, {}, EventFault::not_a_list);
    JsonbToJsonbValue(events, &item);
    return add_item(item);
  }
  JsonbIterator* items = JsonbIteratorInit(&events->root);
  JsonbIteratorNext(&items, &item, false);  // the array's beginning
  while (JsonbIteratorNext(&items, &item, true) == WJB_ELEM) {
    CHECK_FOR_INTERRUPTS();
    add_item(item);
  }
}

void EventBatch::add_item(const JsonbValue& item) {
  const MemoryContext caller = MemoryContextSwitchTo(event_context_);
  EventDraft draft;
  const int problem_count = problems_.count();
  read_event(item, count_, draft, problems_);
  if (problems_.empty()) keep_to_user(draft);
  if (problems_.count() == problem_count) {
    complete(draft);
    keep_to_bounds(draft);
  }
  if (problems_.empty()) {
    put(draft);
    note(draft);
  } else {
    count_++;
  }
  MemoryContextSwitchTo(caller);
  MemoryContextReset(event_context_);
}

void EventBatch::keep_to_user(EventDraft& draft) {
  if (!rules_.only_user_id) return;
  constexpr std::size_t user_id = event_column_named("user_id");
  if (draft.nulls[user_id]) draft.set(user_id, Int64GetDatum(*rules_.only_user_id));
  if (DatumGetInt64(draft.values[user_id]) != *rules_.only_user_id)
    problems_.add(count_, event_columns[user_id].name(), EventFault::other_user);
}

void EventBatch::keep_to_bounds(const EventDraft& draft) {
  const FoundExcess found = find_excess({draft.values, draft.nulls});
  const std::string_view column = event_columns[found.column].name();
  switch (found.excess) {
    case Excess::none: break;
    case Excess::depth: return problems_.add(count_, column, EventFault::too_deep);
    case Excess::digits: return problems_.add(count_, column, EventFault::too_many_digits);
    case Excess::size: return problems_.add(count_, column, EventFault::too_large);
  }
}

void EventBatch::add(EventDraft& draft) {
  complete(draft);
  put(draft);
  note(draft);
}

void EventBatch::refuse(EventFault fault) { problems_.add(count_++, {}, fault); }

void EventBatch::complete(EventDraft& draft) {
  draft.has_given_id = !draft.nulls[id_column];
  has_given_ids_ = has_given_ids_ || draft.has_given_id;
  // Strictly ascending, so that events without a time of their own are listed in the order of the batch.
  latest_ = Max(GetCurrentTimestamp(), latest_ + 1);
  complete_event(draft, rules_.source, latest_);
}

void EventBatch::put(const EventDraft& draft) {
  Datum values[batch_column_count] = {};
  bool nulls[batch_column_count];
  memcpy(values, draft.values, sizeof(draft.values));
  memcpy(nulls, draft.nulls, sizeof(draft.nulls));
  std::fill(nulls + event_column_count, nulls + batch_column_count, true);
  values[position_column] = Int32GetDatum(count_);
  nulls[position_column] = false;
  if (draft.has_given_id) {
    values[given_id_column] = values[id_column];
    nulls[given_id_column] = false;
    std::int64_t since_us = 0;
    if (uuid_v7_time(DatumGetUUIDP(values[id_column])->data, since_us)) {
      values[id_since_column] = TimestampTzGetDatum(since_us);
      values[id_until_column] = TimestampTzGetDatum(since_us + 1000);
      nulls[id_since_column] = nulls[id_until_column] = false;
    }
  }
  tuplestore_putvalues(rows_, descriptor_, values, nulls);
}

void EventBatch::note(const EventDraft& draft) {
  if (count_ == capacity_) {
    capacity_ *= 2;
    events_ = static_cast<RecordedEvent*>(
        repalloc_huge(events_, sizeof(RecordedEvent) * static_cast<std::size_t>(capacity_)));
  }
  events_[count_++] = {*DatumGetUUIDP(draft.values[id_column]), true};
}

void EventBatch::record() {
  if (count_ == 0) return;
  EphemeralNamedRelationData relation = {};
  relation.md.name = const_cast<char*>("new_events");
  relation.md.tupdesc = descriptor_;
  relation.md.enrtype = ENR_NAMED_TUPLESTORE;
  relation.md.enrtuples = count_;
  relation.reldata = rows_;
  SPI_connect();
  if (SPI_register_relation(&relation) != SPI_OK_REL_REGISTER) elog(ERROR, "SPI_register_relation failed");
  if (has_given_ids_) {
    leave_out_known();
    relation.reldata = rows_;
  }
  if (is_distributed(own_table("audit_events")))
    insert_distributed(function_oid_);
  else
    insert_local(function_oid_);
  SPI_finish();
  tuplestore_end(rows_);
}

void EventBatch::leave_out_known() {
  if (is_distributed(own_table("audit_events")))
    find_known_distributed(function_oid_);
  else
    find_known_as_owner(function_oid_);
  for (std::uint64_t i = 0; i < SPI_processed; i++) {
    CHECK_FOR_INTERRUPTS();
    bool is_null = false;
    const Datum position = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &is_null);
    events_[DatumGetInt32(position)].is_new = false;
  }
  if (SPI_processed > 0) drop_known_rows();
  // They may have been committed without their standbys: a query that is cancelled in that wait has committed.
  if (SPI_processed == static_cast<std::uint64_t>(count_)) write_empty_message();
}

void EventBatch::drop_known_rows() {
  const MemoryContext caller = MemoryContextSwitchTo(context_);
  Tuplestorestate* kept = tuplestore_begin_heap(true, false, work_mem);
  TupleTableSlot* slot = MakeSingleTupleTableSlot(descriptor_, &TTSOpsMinimalTuple);
  tuplestore_rescan(rows_);
  while (tuplestore_gettupleslot(rows_, true, false, slot)) {
    CHECK_FOR_INTERRUPTS();
    bool is_null = false;
    const int position = DatumGetInt32(slot_getattr(slot, position_column + 1, &is_null));
    if (events_[position].is_new) tuplestore_puttupleslot(kept, slot);
  }
  ExecDropSingleTupleTableSlot(slot);
  tuplestore_end(rows_);
  rows_ = kept;
  MemoryContextSwitchTo(caller);
}

}  // namespace audit::pg
