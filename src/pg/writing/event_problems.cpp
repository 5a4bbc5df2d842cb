#include "writing/event_problems.hpp"

#include "base/event_bounds.hpp"

namespace audit::pg {
namespace {

struct FaultKind {
  const char* type;
  const char* message;
  int sqlstate;
};

FaultKind kind_of(EventFault fault) {
  switch (fault) {
    case EventFault::missing: return {"missing", "Field required", ERRCODE_NOT_NULL_VIOLATION};
    case EventFault::unknown_member:
      return {"extra_forbidden", "Extra inputs are not permitted", ERRCODE_UNDEFINED_COLUMN};
    case EventFault::not_text:
      return {"string_type", "Input should be a valid string", ERRCODE_INVALID_PARAMETER_VALUE};
    case EventFault::text_too_long:
      return {"string_too_long", "Text that events are found by should have at most 2048 bytes",
              ERRCODE_STRING_DATA_RIGHT_TRUNCATION};
    case EventFault::not_integer:
      return {"int_type", "Input should be a valid integer", ERRCODE_INVALID_PARAMETER_VALUE};
    case EventFault::fraction:
      return {"int_from_float", "Input should be a valid integer, got a number with a fractional part",
              ERRCODE_INVALID_PARAMETER_VALUE};
    case EventFault::integer_too_large:
      return {"int_parsing_size", "Unable to parse input as an integer, exceeded maximum size",
              ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE};
    case EventFault::not_number:
      return {"float_type", "Input should be a valid number", ERRCODE_INVALID_PARAMETER_VALUE};
    case EventFault::number_too_large:
      return {"finite_number", "Input should be a finite number", ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE};
    case EventFault::not_a_time:
      return {"datetime_parsing", "Input should be a valid datetime", ERRCODE_INVALID_DATETIME_FORMAT};
    case EventFault::time_without_offset:
      return {"timezone_aware", "Input should have timezone info", ERRCODE_INVALID_DATETIME_FORMAT};
    case EventFault::time_too_early:
      return {"greater_than_equal", "Input should be greater than or equal to 1970-01-01T00:00:00Z",
              ERRCODE_DATETIME_FIELD_OVERFLOW};
    case EventFault::time_too_late:
      return {"less_than_equal", "Input should not be so far ahead of the clock", ERRCODE_DATETIME_FIELD_OVERFLOW};
    case EventFault::not_uuid:
      return {"uuid_parsing", "Input should be a valid UUID", ERRCODE_INVALID_TEXT_REPRESENTATION};
    case EventFault::not_inet:
      return {"ip_any_address", "Input is not a valid IPv4 or IPv6 address", ERRCODE_INVALID_TEXT_REPRESENTATION};
    case EventFault::not_an_event:
      return {"model_type", "Input should be an event: an object", ERRCODE_INVALID_PARAMETER_VALUE};
    case EventFault::not_a_list:
      return {"list_type", "Input should be an event or a list of events", ERRCODE_INVALID_PARAMETER_VALUE};
    case EventFault::too_deep:
      return {"nesting_too_deep", excess_message(Excess::depth), excess_sqlstate(Excess::depth)};
    case EventFault::too_many_digits:
      return {"number_too_long", excess_message(Excess::digits), excess_sqlstate(Excess::digits)};
    case EventFault::too_large: return {"event_too_large", excess_message(Excess::size), excess_sqlstate(Excess::size)};
    case EventFault::reserved_group:
      return {"reserved_group", "The group audit is for what the extension records itself",
              ERRCODE_INSUFFICIENT_PRIVILEGE};
    case EventFault::other_user:
      return {"user_id", "Input should be the user_id of the writer", ERRCODE_INSUFFICIENT_PRIVILEGE};
  }
  return {};
}

bool names_member(const EventProblem& problem) {
  if (problem.fault == EventFault::too_large) return !problem.member.empty();
  return problem.fault != EventFault::not_an_event && problem.fault != EventFault::not_a_list;
}

const char* where(const EventProblem& problem) {
  if (problem.fault == EventFault::not_a_list) return "the events";
  if (!names_member(problem)) return psprintf("event %d", problem.position);
  return psprintf("event %d, member \"%.*s\"", problem.position, static_cast<int>(problem.member.size()),
                  problem.member.data());
}

}  // namespace

// A member's name is kept to a size that an error can show; cut between characters.
void EventProblems::add(int position, std::string_view member, EventFault fault) {
  if (count_ == count_max) return;
  constexpr int member_size_max = 256;
  const int size = pg_mbcliplen(member.data(), static_cast<int>(member.size()), member_size_max);
  char* copy = static_cast<char*>(MemoryContextAlloc(context_, static_cast<std::size_t>(size) + 1));
  member.copy(copy, static_cast<std::size_t>(size));  // not memcpy: a member that is not given has no address
  copy[size] = '\0';
  problems_[count_++] = {position, {copy, static_cast<std::size_t>(size)}, fault};
}

bool EventProblems::has(EventFault fault) const {
  return std::any_of(problems_, problems_ + count_,
                     [&](const EventProblem& problem) { return problem.fault == fault; });
}

void EventProblems::raise_first() const {
  const EventProblem& problem = problems_[0];
  const FaultKind kind = kind_of(problem.fault);
  ereport(ERROR, errcode(kind.sqlstate), errmsg("%s: %s", where(problem), kind.message),
          errdetail("Events are counted from 0. None of them was recorded."),
          errhint("Correct it and pass all the events again; the columns of audit_events are the members of an event."),
          err_generic_string(PG_DIAG_COLUMN_NAME, problem.member.data()),
          err_generic_string(PG_DIAG_CONSTRAINT_NAME, kind.type));
}

void EventProblems::append_problem(JsonBuffer& json, const EventProblem& problem) const {
  const FaultKind kind = kind_of(problem.fault);
  json.append("{\"loc\":[\"body\"");
  if (problem.fault != EventFault::not_a_list) json.append(psprintf(",%d", problem.position));
  if (names_member(problem)) {
    json.append(",");
    json.append_string(problem.member);
  }
  json.append("],\"msg\":");
  json.append_string(kind.message);
  json.append(",\"type\":");
  json.append_string(kind.type);
  json.append("}");
}

Datum EventProblems::as_json() const {
  JsonBuffer json(1024);
  json.append("{\"detail\":[");
  for (int i = 0; i < count_; i++) {
    if (i > 0) json.append(",");
    append_problem(json, problems_[i]);
  }
  json.append("]}");
  return json.finish();
}

}  // namespace audit::pg
