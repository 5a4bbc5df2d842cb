// Reads and checks the arguments of a page. Each error carries a constraint name, so that a program (the daemon) can
// distinguish them without reading messages that may be translated.
#include "engine/page_request.hpp"

#include "base/inet_value.hpp"
#include "base/sql_arguments.hpp"

namespace audit::pg {
namespace {

int read_page_size(FunctionCallInfo fcinfo, int first) {
  const int position = first + page_size_argument;
  const int page_size = is_given(fcinfo, position) ? PG_GETARG_INT32(position) : page_size_default;
  if (page_size < 1 || page_size > page_size_max)
    ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("page_size is out of range"),
            errdetail("Got %d; a page has 1 to %d events.", page_size, page_size_max),
            errhint("Ask for fewer events at a time and follow next_cursor."),
            err_generic_string(PG_DIAG_CONSTRAINT_NAME, "page_size"));
  return page_size;
}

void report_invalid_cursor() {
  ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("cursor is not valid"),
          errdetail("It is empty, truncated or altered, or was not made by this function."),
          errhint("Pass next_cursor of the page before exactly as it was returned, or NULL for the first page."),
          err_generic_string(PG_DIAG_CONSTRAINT_NAME, "cursor_invalid"));
}

void report_cursor_mismatch() {
  ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("cursor belongs to other filters"),
          errdetail("A cursor continues the list that it was made for; only page_size may change between pages."),
          errhint("Repeat the filters, since and until of the page before, or start again without a cursor."),
          err_generic_string(PG_DIAG_CONSTRAINT_NAME, "cursor_mismatch"));
}

EventKey read_position(std::string_view token, const EventFilters& filters) {
  EventKey position;
  switch (read_cursor(token, filters, position)) {
    case CursorStatus::ok: break;
    case CursorStatus::invalid: report_invalid_cursor(); break;
    case CursorStatus::mismatch: report_cursor_mismatch(); break;
  }
  return position;
}

InetNetwork read_network(const inet* value) {
  const InetNetwork network = network_of(value);
  if (has_host_bits(network))
    ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("ip_address is neither an address nor a network"),
            errdetail("It has bits behind the prefix of its network: %s.",
                      DatumGetCString(DirectFunctionCall1(inet_out, PointerGetDatum(value)))),
            errhint("Pass host(ip_address) for that address alone, or network(ip_address) for its network."),
            err_generic_string(PG_DIAG_CONSTRAINT_NAME, "ip_address"));
  return network;
}

FilterValue read_filter(FunctionCallInfo fcinfo, int position, std::size_t filter) {
  FilterValue value;
  switch (filter_kind(filter)) {
    case ColumnKind::text: value.text = *text_argument(fcinfo, position); break;
    case ColumnKind::address: value.network = read_network(PG_GETARG_INET_PP(position)); break;
    default: value.number = *int64_argument(fcinfo, position);
  }
  return value;
}

EventFilters read_filters(FunctionCallInfo fcinfo, int first) {
  EventFilters filters;
  for (std::size_t i = 0; i < filter_count; i++)
    if (const int position = first + filter_arguments[i]; is_given(fcinfo, position))
      filters.values[i] = read_filter(fcinfo, position, i);
  filters.since_us = int64_argument(fcinfo, first + since_argument);
  filters.until_us = int64_argument(fcinfo, first + until_argument);
  filters.expression = text_argument(fcinfo, first + expression_argument);
  return filters;
}

}  // namespace

PageRequest read_page_request(FunctionCallInfo fcinfo, int first_argument) {
  PageRequest request{};
  request.function_oid = fcinfo->flinfo->fn_oid;
  request.page_size = read_page_size(fcinfo, first_argument);
  request.filters = read_filters(fcinfo, first_argument);
  request.filter = request.filters.expression ? read_page_filter(*request.filters.expression) : nullptr;
  if (const auto token = text_argument(fcinfo, first_argument + cursor_argument))
    request.after = read_position(*token, request.filters);
  return request;
}

Datum filter_argument(std::size_t filter, const FilterValue& value) {
  switch (filter_kind(filter)) {
    case ColumnKind::text:
      return PointerGetDatum(cstring_to_text_with_len(value.text.data(), static_cast<int>(value.text.size())));
    case ColumnKind::address: return InetPGetDatum(inet_of(value.network));
    default: return Int64GetDatum(value.number);
  }
}

}  // namespace audit::pg
