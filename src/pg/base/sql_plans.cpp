// Kept SPI plans. A plan's text names the extension's schema. ALTER SCHEMA ... RENAME, or a new CREATE EXTENSION
// elsewhere, makes that name wrong. So a plan is built again after an invalidation of pg_namespace, and for another
// schema.
//
// A plan may run a trigger or a policy that calls the same function again. So its users are counted, and the last user
// of a replaced plan frees it. A user leaves when the memory of its SPI connection goes, on error as well.
#include "base/sql_plans.hpp"

namespace audit::pg {

struct KeptPlan {
  SPIPlanPtr plan;
  Oid schema_oid;                // that the statement's text names, and
  std::uint64_t schema_version;  // when it was looked up
  int user_count;
  bool is_replaced;
};

namespace {

std::uint64_t schema_version = 1;

void forget_schema_names(Datum, int, uint32) { schema_version++; }

void free_if_unused(KeptPlan* kept) {
  if (!kept->is_replaced || kept->user_count > 0) return;
  SPI_freeplan(kept->plan);
  pfree(kept);
}

void leave_plan(void* kept) {
  static_cast<KeptPlan*>(kept)->user_count--;
  free_if_unused(static_cast<KeptPlan*>(kept));
}

void replace_plan(SavedPlan& saved, const KeptPlan& plan) {
  auto* kept = static_cast<KeptPlan*>(MemoryContextAlloc(TopMemoryContext, sizeof(KeptPlan)));
  *kept = plan;
  KeptPlan* const old = saved.kept;
  saved.kept = kept;
  if (old == nullptr) return;
  old->is_replaced = true;
  free_if_unused(old);
}

// An executor's destination that passes slots on to a sink, so that no row is copied on its way.
struct SinkReceiver {
  DestReceiver base;  // first: the executor knows only this part
  EventSink* sink;
};

void start_receiving(DestReceiver*, int, TupleDesc) {}
void end_receiving(DestReceiver*) {}

// A foreign partition's server may send anything: nothing checks its rows against the constraints of audit_events.
void check_key(const TupleTableSlot* slot) {
  const bool is_complete = !slot->tts_isnull[id_column] && !slot->tts_isnull[created_at_column];
  const TimestampTz time = is_complete ? DatumGetTimestampTz(slot->tts_values[created_at_column]) : unix_epoch_us;
  if (!is_complete || time < unix_epoch_us || time >= year_10000_us)
    ereport(ERROR, errcode(ERRCODE_FDW_ERROR), errmsg("an event of a foreign partition has no valid key"),
            errdetail("Its id or created_at is missing, or created_at is out of range."));
}

bool receive_slot(TupleTableSlot* slot, DestReceiver* self) {
  slot_getallattrs(slot);
  check_key(slot);
  return reinterpret_cast<SinkReceiver*>(self)->sink->add({slot->tts_values, slot->tts_isnull});
}

SinkReceiver make_receiver(EventSink& sink) {
  SinkReceiver receiver{};
  receiver.base.receiveSlot = receive_slot;
  receiver.base.rStartup = start_receiving;
  receiver.base.rShutdown = end_receiving;
  receiver.base.rDestroy = end_receiving;
  receiver.base.mydest = DestTuplestore;  // SPI wants any but DestNone
  receiver.sink = &sink;
  return receiver;
}

}  // namespace

void watch_schema_changes() { CacheRegisterSyscacheCallback(NAMESPACEOID, forget_schema_names, Datum{0}); }

const char* quoted_schema_of(Oid function_oid) {
  const char* name = get_namespace_name(get_func_namespace(function_oid));
  if (name == nullptr) elog(ERROR, "cache lookup failed for the schema of function %u", function_oid);
  return quote_identifier(name);
}

bool needs_statement(const SavedPlan& saved, Oid function_oid) {
  return saved.kept == nullptr || saved.kept->schema_version != schema_version ||
         saved.kept->schema_oid != get_func_namespace(function_oid);
}

SPIPlanPtr prepare(const char* sql, int parameter_count, const Oid* parameter_types) {
  SPIPlanPtr plan = SPI_prepare(sql, parameter_count, const_cast<Oid*>(parameter_types));
  if (plan == nullptr) elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
  return plan;
}

void prepare_statement(SavedPlan& saved, Oid function_oid, const char* sql, int parameter_count,
                       const Oid* parameter_types) {
  // Read the version first: an invalidation that arrives while the statement is parsed must not go unnoticed.
  const std::uint64_t version = schema_version;
  SPIPlanPtr plan = prepare(sql, parameter_count, parameter_types);
  if (SPI_keepplan(plan) != 0) elog(ERROR, "SPI_keepplan failed");
  replace_plan(saved, {plan, get_func_namespace(function_oid), version, 0, false});
}

SPIPlanPtr use_plan(const SavedPlan& saved) {
  auto* at_end = static_cast<MemoryContextCallback*>(palloc0(sizeof(MemoryContextCallback)));
  at_end->func = leave_plan;
  at_end->arg = saved.kept;
  saved.kept->user_count++;
  MemoryContextRegisterResetCallback(CurrentMemoryContext, at_end);
  return saved.kept->plan;
}

ParamListInfo null_parameters(const Oid* types, int count) {
  ParamListInfo parameters = makeParamList(count);
  for (int i = 0; i < count; i++) parameters->params[i] = {Datum{0}, true, PARAM_FLAG_CONST, types[i]};
  return parameters;
}

void set_parameter(ParamListInfo parameters, int index, Datum value) {
  parameters->params[index].value = value;
  parameters->params[index].isnull = false;
}

void run_event_query(SPIPlanPtr plan, ParamListInfo parameters, int row_limit, EventSink& sink) {
  SinkReceiver receiver = make_receiver(sink);
  SPIExecuteOptions options{};
  options.params = parameters;
  options.read_only = true;
  options.tcount = static_cast<uint64>(row_limit);
  options.dest = &receiver.base;
  const int result = SPI_execute_plan_extended(plan, &options);
  if (result != SPI_OK_SELECT) elog(ERROR, "SPI_execute_plan_extended failed: %s", SPI_result_code_string(result));
}

}  // namespace audit::pg
