// Kept SPI plans. A plan's text names the extension's schema, which ALTER SCHEMA ... RENAME or a new CREATE EXTENSION
// elsewhere would leave behind: so a plan is built anew after an invalidation of pg_namespace, and for another schema.
#include "sql_plans.hpp"

namespace audit::pg {
namespace {

std::uint64_t schema_version = 1;

void forget_schema_names(Datum, int, uint32) { schema_version++; }

// An executor's destination that passes slots on to a sink, so that no row is copied on its way.
struct SinkReceiver {
  DestReceiver base;  // first: the executor knows only this part
  EventSink* sink;
};

void start_receiving(DestReceiver*, int, TupleDesc) {}
void end_receiving(DestReceiver*) {}

bool receive_slot(TupleTableSlot* slot, DestReceiver* self) {
  slot_getallattrs(slot);
  reinterpret_cast<SinkReceiver*>(self)->sink->add({slot->tts_values, slot->tts_isnull});
  return true;
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
  return saved.plan == nullptr || saved.schema_version != schema_version ||
         saved.schema_oid != get_func_namespace(function_oid);
}

void prepare_statement(SavedPlan& saved, Oid function_oid, const char* sql, int parameter_count,
                       const Oid* parameter_types) {
  if (saved.plan != nullptr) {
    SPI_freeplan(saved.plan);
    saved.plan = nullptr;
  }
  // Read the version first: an invalidation that arrives while the statement is parsed must not go unnoticed.
  const std::uint64_t version = schema_version;
  SPIPlanPtr plan = SPI_prepare(sql, parameter_count, const_cast<Oid*>(parameter_types));
  if (plan == nullptr) elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
  if (SPI_keepplan(plan) != 0) elog(ERROR, "SPI_keepplan failed");
  saved = {plan, get_func_namespace(function_oid), version};
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

void run_event_query(const SavedPlan& saved, ParamListInfo parameters, int row_limit, EventSink& sink) {
  SinkReceiver receiver = make_receiver(sink);
  SPIExecuteOptions options{};
  options.params = parameters;
  options.read_only = true;
  options.tcount = static_cast<uint64>(row_limit);
  options.dest = &receiver.base;
  const int result = SPI_execute_plan_extended(saved.plan, &options);
  if (result != SPI_OK_SELECT) elog(ERROR, "SPI_execute_plan_extended failed: %s", SPI_result_code_string(result));
}

}  // namespace audit::pg
