// Comparisons with NULL are NULL, which counts as false: AND and OR keep that, and NOT is written IS NOT TRUE.
#include "reading/filter_condition.hpp"

#include "base/inet_value.hpp"

namespace audit::pg {
namespace {

constexpr const char* order_operators[] = {"=", nullptr, nullptr, nullptr, ">", ">=", "<", "<="};

class Composer {
 public:
  Composer(const PageFilter& filter, int first_parameter, FilterCondition& condition)
      : filter_(filter), first_parameter_(first_parameter), condition_(condition) {}

  // As deep as the tree, which has at most nodes_max levels.
  void append_node(int index) {
    const FilterNode& node = filter_.tree.nodes[static_cast<std::size_t>(index)];
    append("(");
    if (is_join(node.op)) {
      append_node(index - 1 - node.right);
      append(node.op == FilterOp::all ? " AND " : " OR ");
      append_node(index - 1);
    } else {
      append_term(node);
    }
    append(node.is_negated ? ") IS NOT TRUE" : ")");
  }

 private:
  void append(const char* sql) { appendStringInfoString(&condition_.sql, sql); }

  // The number of a new parameter.
  int parameter(Oid type, Datum value) {
    condition_.types[condition_.parameter_count] = type;
    condition_.values[condition_.parameter_count] = value;
    return first_parameter_ + condition_.parameter_count++;
  }

  void append_term(const FilterNode& term) {
    const std::string_view name = event_columns[term.column].name();
    const char* column = pnstrdup(name.data(), name.size());
    switch (event_columns[term.column].kind) {
      case ColumnKind::payload: return append_payload_term(term);
      case ColumnKind::number: append_finite(column); break;
      default: break;
    }
    if (term.op == FilterOp::pr)
      appendStringInfo(&condition_.sql, "%s IS NOT NULL", column);
    else if (term.kind == OperandKind::text)
      append_text_comparison(column, term);
    else
      append_comparison(column, term);
  }

  // NaN is greater than infinity.
  void append_finite(const char* column) {
    appendStringInfo(&condition_.sql,
                     "%s OPERATOR(pg_catalog.>) '-Infinity'::pg_catalog.float8 AND "
                     "%s OPERATOR(pg_catalog.<) 'Infinity'::pg_catalog.float8 AND ",
                     column, column);
  }

  void append_comparison(const char* value, const FilterNode& term) {
    const char* name = order_operators[static_cast<std::size_t>(term.op)];
    int number = 0;
    switch (term.kind) {
      case OperandKind::integer: number = parameter(INT8OID, Int64GetDatum(term.integer)); break;
      case OperandKind::real: number = parameter(FLOAT8OID, Float8GetDatum(term.real)); break;
      case OperandKind::time: number = parameter(TIMESTAMPTZOID, TimestampTzGetDatum(term.integer)); break;
      case OperandKind::uuid: number = parameter(UUIDOID, PointerGetDatum(term.uuid.data())); break;
      case OperandKind::decimal: number = parameter(NUMERICOID, filter_.numeric_of(term)); break;
      default:
        number = parameter(INETOID, InetPGetDatum(inet_of(term.network)));
        if (!term.network.is_single_address()) name = "<<=";
    }
    appendStringInfo(&condition_.sql, "%s OPERATOR(pg_catalog.%s) $%d", value, name, number);
  }

  // Equality needs no collation: it is that of bytes in the default one, and finds the filter index.
  void append_text_comparison(const char* value, const FilterNode& term) {
    const int number = parameter(
        TEXTOID, PointerGetDatum(cstring_to_text_with_len(term.text.data(), static_cast<int>(term.text.size()))));
    const StringInfo sql = &condition_.sql;
    switch (term.op) {
      case FilterOp::eq: return appendStringInfo(sql, "%s OPERATOR(pg_catalog.=) $%d", value, number);
      case FilterOp::co:
        return appendStringInfo(sql, "pg_catalog.strpos(%s COLLATE pg_catalog.\"C\", $%d) OPERATOR(pg_catalog.>) 0",
                                value, number);
      case FilterOp::sw:
        return appendStringInfo(sql, "pg_catalog.starts_with(%s COLLATE pg_catalog.\"C\", $%d)", value, number);
      case FilterOp::ew:
        return appendStringInfo(sql, "pg_catalog.right(%s, pg_catalog.length($%d)) OPERATOR(pg_catalog.=) $%d", value,
                                number, number);
      default:
        appendStringInfo(sql, "%s COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.%s) $%d", value,
                         order_operators[static_cast<std::size_t>(term.op)], number);
    }
  }

  void append_payload_term(const FilterNode& term) {
    appendStringInfo(
        &condition_.sql,
        "EXISTS (SELECT FROM pg_catalog.jsonb_path_query(event_payload, $%d) AS found (found_value) WHERE ",
        parameter(JSONPATHOID, path_of(term)));
    if (term.op == FilterOp::pr) {
      append("pg_catalog.jsonb_typeof(found_value) OPERATOR(pg_catalog.<>) 'null')");
      return;
    }
    // CASE, since a conversion of another type would be an error.
    appendStringInfo(&condition_.sql,
                     "CASE WHEN pg_catalog.jsonb_typeof(found_value) OPERATOR(pg_catalog.=) '%s' THEN ", type_of(term));
    append_value_comparison(term);
    append(" ELSE false END)");
  }

  static const char* type_of(const FilterNode& term) {
    switch (term.kind) {
      case OperandKind::text: return "string";
      case OperandKind::decimal: return "number";
      default: return "boolean";
    }
  }

  void append_value_comparison(const FilterNode& term) {
    if (term.kind == OperandKind::text)
      append_text_comparison("(found_value OPERATOR(pg_catalog.#>>) '{}')", term);
    else if (term.kind == OperandKind::decimal)
      append_comparison("found_value::pg_catalog.numeric", term);
    else
      append(term.integer != 0 ? "found_value OPERATOR(pg_catalog.=) 'true'::pg_catalog.jsonb"
                               : "found_value OPERATOR(pg_catalog.=) 'false'::pg_catalog.jsonb");
  }

  // lax $."name"."name"[*]
  static Datum path_of(const FilterNode& term) {
    StringInfoData path;
    initStringInfo(&path);
    appendStringInfoString(&path, "lax $");
    for (std::string_view rest = term.path; !rest.empty();) {
      const std::string_view name = rest.substr(0, rest.find('\0'));
      rest.remove_prefix(name.size() + 1);
      appendStringInfoChar(&path, '.');
      escape_json(&path, pnstrdup(name.data(), name.size()));
    }
    appendStringInfoString(&path, "[*]");
    return DirectFunctionCall1(jsonpath_in, CStringGetDatum(path.data));
  }

  const PageFilter& filter_;
  int first_parameter_;
  FilterCondition& condition_;
};

}  // namespace

void compose_condition(const PageFilter& filter, int first_parameter, FilterCondition& condition) {
  initStringInfo(&condition.sql);
  condition.parameter_count = 0;
  Composer(filter, first_parameter, condition).append_node(filter.tree.node_count - 1);
}

}  // namespace audit::pg
