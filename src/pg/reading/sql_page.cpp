// The SQL path: one saved plan per set of given conditions, never "$1 IS NULL OR ...", which no index can serve.
#include "reading/sql_page.hpp"

#include "base/sql_plans.hpp"
#include "reading/filter_condition.hpp"

namespace audit::pg {
namespace {

// Every statement declares all parameters, so that each has the same number everywhere. They are the filters in the
// order of filter_columns, since, until, and created_at and id of the position behind which the page begins.
constexpr int since_parameter = filter_count;
constexpr int until_parameter = since_parameter + 1;
constexpr int position_parameter = until_parameter + 1;
constexpr int parameter_count = position_parameter + 2;

constexpr std::array<Oid, parameter_count> make_parameter_types() {
  std::array<Oid, parameter_count> types{};
  for (std::size_t i = 0; i < filter_count; i++) types[i] = event_column_types[filter_columns[i]];
  types[since_parameter] = types[until_parameter] = types[position_parameter] = TIMESTAMPTZOID;
  types[position_parameter + 1] = UUIDOID;
  return types;
}

constexpr auto parameter_types = make_parameter_types();

// A condition has the number of its (first) parameter.
constexpr int condition_count = position_parameter + 1;

// Which conditions are given, as bits in their order. The bit behind them: ip_address is a network, not an address.
using Conditions = unsigned;
constexpr Conditions is_network = 1u << condition_count;

// Two sets of conditions that share a place take it from each other, so that their number is bounded.
struct PagePlan {
  Conditions given;
  SavedPlan plan;
};
constexpr unsigned plan_bits = 9;
PagePlan plans[1u << plan_bits];

PagePlan& plan_for(Conditions given) { return plans[(given ^ given >> plan_bits) & (lengthof(plans) - 1)]; }

void set_page_parameters(const PageRequest& request, ParamListInfo parameters) {
  const EventFilters& filters = request.filters;
  for (std::size_t i = 0; i < filter_count; i++)
    if (const auto& value = filters.values[i])
      set_parameter(parameters, static_cast<int>(i), filter_argument(i, *value));
  if (filters.since_us) set_parameter(parameters, since_parameter, TimestampTzGetDatum(*filters.since_us));
  if (filters.until_us) set_parameter(parameters, until_parameter, TimestampTzGetDatum(*filters.until_us));
  if (request.after) {
    set_parameter(parameters, position_parameter, TimestampTzGetDatum(request.after->created_at_us));
    set_parameter(parameters, position_parameter + 1, PointerGetDatum(request.after->id.data()));
  }
}

bool is_by_network(const EventFilters& filters) {
  const auto& address = filters.values[filter_of_column(event_column_named("ip_address"))];
  return address && !address->network.is_single_address();
}

Conditions given_conditions(const EventFilters& filters, ParamListInfo parameters) {
  Conditions given = is_by_network(filters) ? is_network : 0;
  for (int i = 0; i < condition_count; i++)
    if (!parameters->params[i].isnull) given |= 1u << i;
  return given;
}

// The equal sign where it will do: only that finds the filter index.
const char* filter_operator(std::size_t filter, Conditions given) {
  return filter_kind(filter) == ColumnKind::address && (given & is_network) != 0 ? "<<=" : "=";
}

void append_condition(StringInfo sql, int condition, Conditions given) {
  constexpr int since = since_parameter + 1, until = until_parameter + 1, position = position_parameter + 1;
  if (condition == since_parameter) {
    appendStringInfo(sql, "created_at OPERATOR(pg_catalog.>=) $%d", since);
  } else if (condition == until_parameter) {
    appendStringInfo(sql, "created_at OPERATOR(pg_catalog.<) $%d", until);
  } else if (condition == position_parameter) {
    // The first half is implied by the second, but only it prunes partitions.
    appendStringInfo(sql,
                     "created_at OPERATOR(pg_catalog.<=) $%d AND (created_at, id) OPERATOR(pg_catalog.<) ($%d, $%d)",
                     position, position, position + 1);
  } else {
    const auto filter = static_cast<std::size_t>(condition);
    const std::string_view name = filter_name(filter);
    appendStringInfo(sql, "%.*s OPERATOR(pg_catalog.%s) $%d", static_cast<int>(name.size()), name.data(),
                     filter_operator(filter, given), condition + 1);
  }
}

// The limit is a constant, so that the planner knows that a page is small; the executor stops at the real one.
const char* page_statement(Oid function_oid, Conditions given, const char* filter_condition) {
  StringInfoData sql;
  initStringInfo(&sql);
  appendStringInfo(&sql, "SELECT %s FROM %s.audit_events", event_column_list(), quoted_schema_of(function_oid));
  const char* separator = " WHERE ";
  for (int i = 0; i < condition_count; i++) {
    if ((given & 1u << i) == 0) continue;
    appendStringInfoString(&sql, separator);
    append_condition(&sql, i, given);
    separator = " AND ";
  }
  if (filter_condition != nullptr) appendStringInfo(&sql, "%s%s", separator, filter_condition);
  appendStringInfo(&sql, " ORDER BY created_at DESC, id DESC LIMIT %d", page_size_max + 1);
  return sql.data;
}

void find_by_saved_plan(const PageRequest& request, int event_limit, EventSink& sink) {
  ParamListInfo parameters = null_parameters(parameter_types.data(), parameter_count);
  set_page_parameters(request, parameters);
  const Conditions given = given_conditions(request.filters, parameters);
  PagePlan& page = plan_for(given);
  if (page.given != given || needs_statement(page.plan, request.function_oid)) {
    prepare_statement(page.plan, request.function_oid, page_statement(request.function_oid, given, nullptr),
                      parameter_count, parameter_types.data());
    page.given = given;
  }
  run_event_query(use_plan(page.plan), parameters, event_limit, sink);
}

// Filters are of too many forms to keep a plan for each.
void find_by_filter(const PageRequest& request, int event_limit, EventSink& sink) {
  FilterCondition condition;
  compose_condition(*request.filter, parameter_count + 1, condition);
  Oid types[parameter_count + FilterCondition::parameters_max];
  std::copy_n(condition.types, condition.parameter_count,
              std::copy(parameter_types.begin(), parameter_types.end(), types));
  const int count = parameter_count + condition.parameter_count;
  ParamListInfo parameters = null_parameters(types, count);
  set_page_parameters(request, parameters);
  for (int i = 0; i < condition.parameter_count; i++)
    set_parameter(parameters, parameter_count + i, condition.values[i]);
  const Conditions given = given_conditions(request.filters, parameters);
  const char* statement = page_statement(request.function_oid, given, condition.sql.data);
  run_event_query(prepare(statement, count, types), parameters, event_limit, sink);
}

}  // namespace

void find_events_by_sql(const PageRequest& request, int event_limit, EventSink& sink) {
  SPI_connect();
  if (request.filter == nullptr)
    find_by_saved_plan(request, event_limit, sink);
  else
    find_by_filter(request, event_limit, sink);
  SPI_finish();
}

}  // namespace audit::pg
