// Also audit_create_partition(), audit_index_partition() and audit_guard_partition().
#include "partitions/partition_ddl.hpp"

#include "base/distribution.hpp"
#include "base/own_objects.hpp"
#include "base/own_rows.hpp"
#include "base/owner_rights.hpp"
#include "base/pg_compat.hpp"
#include "base/sql_entry.hpp"
#include "base/trail.hpp"

namespace audit::pg {
namespace {

constexpr const char* guard_triggers[] = {"audit_guard_truncate", "audit_guard_rows"};

const char* quoted_suffixed(Oid partition, const char* suffix) {
  const char* name = get_rel_name(partition);
  // As PostgreSQL cuts the names of indexes: the end stays.
  const int kept =
      pg_mbcliplen(name, static_cast<int>(strlen(name)), NAMEDATALEN - 1 - static_cast<int>(strlen(suffix)));
  return quote_identifier(psprintf("%.*s%s", kept, name, suffix));
}

bool evaluates_expressions(Oid index) {
  HeapTuple row = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
  if (!HeapTupleIsValid(row)) return false;
  const bool evaluates =
      !heap_attisnull(row, Anum_pg_index_indexprs, nullptr) || !heap_attisnull(row, Anum_pg_index_indpred, nullptr);
  ReleaseSysCache(row);
  return evaluates;
}

// PostgreSQL folds constants in the expressions of an index of a new table with the rights of that table's owner. That
// role may have more rights than the owner of audit_events. ATTACH makes such indexes with the right ones.
bool has_plain_indexes_only(Oid table) {
  Relation relation = table_open(table, AccessShareLock);
  bool is_plain = true;
  ListCell* cell = nullptr;
  foreach (cell, RelationGetIndexList(relation)) is_plain = is_plain && !evaluates_expressions(lfirst_oid(cell));
  table_close(relation, AccessShareLock);
  return is_plain;
}

// Where ALTER TABLE audit_events SET TABLESPACE said.
const char* tablespace_clause() {
  const Oid tablespace = get_rel_tablespace(own_table("audit_events"));
  return OidIsValid(tablespace) ? psprintf("TABLESPACE %s", quote_identifier(get_tablespace_name(tablespace))) : "";
}

bool is_trigger_idle(Oid table, const char* name) {
  HeapTuple row = find_trigger(table, name);
  return row != nullptr && reinterpret_cast<Form_pg_trigger>(GETSTRUCT(row))->tgenabled != TRIGGER_FIRES_ALWAYS;
}

void change_trigger_grant(const char* verb, const char* preposition, Oid role) {
  run_command("%s EXECUTE ON FUNCTION %s.audit_guard(), %s.audit_events_before_insert() %s %s", verb, own_schema_name(),
              own_schema_name(), preposition, quote_identifier(GetUserNameFromId(role, false)));
}

void check_range(FunctionCallInfo fcinfo) {
  const auto shown = [fcinfo](int position) {
    return PG_ARGISNULL(position) ? "NULL" : timestamptz_to_str(PG_GETARG_TIMESTAMPTZ(position));
  };
  const bool is_range = !PG_ARGISNULL(0) && !PG_ARGISNULL(1) && PG_GETARG_TIMESTAMPTZ(0) < PG_GETARG_TIMESTAMPTZ(1) &&
                        !TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(0)) &&
                        !TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(1));
  if (is_range) return;
  const char* since = pstrdup(shown(0));
  const char* until = pstrdup(shown(1));
  ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a partition needs a time range"),
          errdetail("Got since %s and until %s.", since, until),
          errhint("Pass two finite times, since (inclusive) before until (exclusive)."));
}

}  // namespace

void run_command(const char* format, ...) {
  StringInfoData command;
  initStringInfo(&command);
  for (;;) {
    va_list arguments;
    va_start(arguments, format);
    const int needed = appendStringInfoVA(&command, format, arguments);
    va_end(arguments);
    if (needed == 0) break;
    enlargeStringInfo(&command, needed);
  }
  const int result = SPI_execute(command.data, false, 0);
  if (result != SPI_OK_UTILITY) elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(result));
}

const char* quoted_table(Oid table) {
  const char* name = get_rel_name(table);
  if (name == nullptr) elog(ERROR, "cache lookup failed for relation %u", table);
  return quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)), name);
}

const char* column_list(Oid table) {
  StringInfoData list;
  initStringInfo(&list);
  Relation relation = table_open(table, AccessShareLock);
  for (int i = 0; i < RelationGetDescr(relation)->natts; i++) {
    const Form_pg_attribute column = TupleDescAttr(RelationGetDescr(relation), i);
    if (column->attisdropped || column->attgenerated != '\0') continue;
    appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "", quote_identifier(NameStr(column->attname)));
  }
  table_close(relation, AccessShareLock);
  return list.data;
}

const char* quoted_time(TimestampTz time) {
  char text[MAXDATELEN + 1];
  pg_tm fields;
  fsec_t microseconds = 0;
  if (time == DT_NOBEGIN) return "MINVALUE";
  if (time == DT_NOEND) return "MAXVALUE";
  if (timestamp2tm(time, nullptr, &fields, &microseconds, nullptr, nullptr) != 0)
    ereport(ERROR, errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range"));
  fields.tm_isdst = 0;  // else the offset is left out
  EncodeDateTime(&fields, microseconds, true, 0, nullptr, USE_ISO_DATES, text);
  return psprintf("'%s'", text);
}

const char* partition_name(TimestampTz since) {
  const Oid types[] = {TIMESTAMPTZOID};
  return TextDatumGetCString(
      OidFunctionCall1(own_function("audit_partition_name", 1, types), TimestampTzGetDatum(since)));
}

Oid create_table_like_events(const char* name, const char* partition_clause) {
  const Oid events = own_table("audit_events");
  run_command("CREATE TABLE %s.%s (LIKE %s INCLUDING ALL EXCLUDING COMMENTS EXCLUDING STATISTICS %s) %s %s",
              own_schema_name(), quote_identifier(name), quoted_table(events),
              has_plain_indexes_only(events) ? "" : "EXCLUDING INDEXES", partition_clause, tablespace_clause());
  return get_relname_relid(name, get_rel_namespace(events));
}

const char* operator_class(std::size_t filter) {
  switch (index_key(filter)) {
    case IndexKey::prefix: return psprintf(" %s.audit_prefix_ops", own_schema_name());
    case IndexKey::bucket:
      return psprintf(" %s.audit_bucket%s_ops", own_schema_name(),
                      filter_kind(filter) == ColumnKind::text ? "" : "_bigint");
    case IndexKey::value: break;
  }
  return "";
}

// While CREATE EXTENSION runs, the table of the configuration may not be there yet.
std::size_t count_indexed_filters() {
  return !creating_extension && read_configuration().index_ids ? filter_count : indexed_filter_count;
}

const char* filter_column_list() {
  StringInfoData list;
  initStringInfo(&list);
  for (std::size_t i = 0, count = count_indexed_filters(); i < count; i++) {
    const std::string_view name = filter_name(i);
    appendStringInfo(&list, "%s%.*s%s", i > 0 ? ", " : "", static_cast<int>(name.size()), name.data(),
                     operator_class(i));
  }
  return list.data;
}

void index_partition(Oid partition) {
  const char* table = quoted_table(partition);
  run_command("ALTER TABLE %s ADD CONSTRAINT %s PRIMARY KEY (created_at, id)", table,
              quoted_suffixed(partition, "_pkey"));
  run_command("CREATE INDEX %s ON %s USING gin (%s) WITH (fastupdate = on, gin_pending_list_limit = 512)",
              quoted_suffixed(partition, "_filters"), table, filter_column_list());
  run_command("CREATE INDEX %s ON %s (id) WHERE NOT %s.audit_id_matches(id, created_at)",
              quoted_suffixed(partition, "_foreign_id"), table, own_schema_name());
  run_command("CREATE INDEX %s ON %s USING brin (created_at) WITH (autosummarize = on)",
              quoted_suffixed(partition, "_ranges"), table);
  guard_partition(partition);
}

HeapTuple find_trigger(Oid table, const char* name) {
  Relation catalog = table_open(TriggerRelationId, AccessShareLock);
  ScanKeyData keys[2];
  ScanKeyInit(&keys[0], Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(table));
  ScanKeyInit(&keys[1], Anum_pg_trigger_tgname, BTEqualStrategyNumber, F_NAMEEQ, CStringGetDatum(name));
  SysScanDesc scan = systable_beginscan(catalog, TriggerRelidNameIndexId, true, nullptr, 2, keys);
  HeapTuple row = systable_getnext(scan);
  HeapTuple copy = HeapTupleIsValid(row) ? heap_copytuple(row) : nullptr;
  systable_endscan(scan);
  table_close(catalog, AccessShareLock);
  return copy;
}

void guard_partition(Oid partition) {
  allow_triggers_on_shards();
  const char* table = quoted_table(partition);
  if (find_trigger(partition, guard_triggers[0]) == nullptr)
    run_command("CREATE TRIGGER %s AFTER TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION %s.audit_guard()",
                guard_triggers[0], table, own_schema_name());
  CommandCounterIncrement();
  // ALWAYS: under session_replication_role = replica too. pg_restore --disable-triggers leaves them without.
  for (const char* name : guard_triggers)
    if (is_trigger_idle(partition, name)) run_command("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s", table, name);
}

bool needs_guards(Oid partition) {
  return find_trigger(partition, guard_triggers[0]) == nullptr || is_trigger_idle(partition, guard_triggers[0]) ||
         is_trigger_idle(partition, guard_triggers[1]);
}

void lock_against_everybody(const Oid* tables, int count) {
  LockRelationOid(own_table("audit_events"), AccessExclusiveLock);
  // Who uses these has a lock on audit_events too, but for VACUUM and the like: one wait is enough.
  for (int i = 0; i < count; i++) {
    if (ConditionalLockRelationOid(tables[i], AccessExclusiveLock)) continue;
    cancel_autovacuum(tables[i]);
    ereport(ERROR, errcode(ERRCODE_LOCK_NOT_AVAILABLE), errmsg("could not lock a partition of audit_events"));
  }
}

void cancel_autovacuum(Oid table) {
  const Oid types[] = {REGCLASSOID};
  OidFunctionCall1(own_function("audit_cancel_autovacuum", 1, types), ObjectIdGetDatum(table));
}

void give_to_owner_of_events(Oid table) {
  const Oid owner = owner_of_table(own_table("audit_events"));
  if (owner_of_table(table) != owner)
    run_command("ALTER TABLE %s OWNER TO %s", quoted_table(table), quote_identifier(GetUserNameFromId(owner, false)));
}

// With the owner's rights where a mightier role works: PostgreSQL folds the constants of all constraints and index
// predicates that it compares. The owner needs the right to execute the functions of the triggers that the partition
// gets.
void attach_partition(Oid partition, TimestampTz since, TimestampTz until) {
  const Oid events = own_table("audit_events");
  const Oid owner = owner_of_table(events);
  const char* command = psprintf("ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%s) TO (%s)",
                                 quoted_table(events), quoted_table(partition), quoted_time(since), quoted_time(until));
  allow_triggers_on_shards();
  if (owner == GetUserId() || !superuser()) return run_command("%s", command);
  const bool is_granted = may_execute(own_function("audit_guard"), owner);
  if (!is_granted) change_trigger_grant("GRANT", "TO", owner);
  const CallerRights caller = become_owner(events);
  run_command("%s", command);
  give_back(caller);
  if (!is_granted) change_trigger_grant("REVOKE", "FROM", owner);
}

// As a partition of a table that is gone at the end, since LIKE would evaluate the constraints.
Oid create_table_with_constraints(const char* name) {
  const char* scaffold =
      quoted_table(create_table_like_events("audit_events_scaffold", "PARTITION BY RANGE (created_at)"));
  run_command("CREATE TABLE %s.%s PARTITION OF %s DEFAULT", own_schema_name(), quote_identifier(name), scaffold);
  const Oid table = get_relname_relid(name, extension_schema());
  run_command("ALTER TABLE %s DETACH PARTITION %s", scaffold, quoted_table(table));
  run_command("DROP TABLE %s", scaffold);
  return table;
}

// It is attached once its files are on disk. PARTITION OF would lock out every other session from the beginning.
Oid create_partition(TimestampTz since, TimestampTz until) {
  const Oid partition = create_table_with_constraints(partition_name(since));
  index_partition(partition);
  give_to_owner_of_events(partition);
  attach_partition(partition, since, until);
  return partition;
}

}  // namespace audit::pg

AUDIT_SQL_FUNCTION(audit_create_partition) {
  using namespace audit::pg;
  check_range(fcinfo);
  SPI_connect();
  const Oid partition = create_partition(PG_GETARG_TIMESTAMPTZ(0), PG_GETARG_TIMESTAMPTZ(1));
  SPI_finish();
  PG_RETURN_OID(partition);
}

AUDIT_SQL_FUNCTION(audit_index_partition) {
  using namespace audit::pg;
  SPI_connect();
  index_partition(PG_GETARG_OID(0));
  SPI_finish();
  PG_RETURN_VOID();
}

AUDIT_SQL_FUNCTION(audit_guard_partition) {
  using namespace audit::pg;
  SPI_connect();
  guard_partition(PG_GETARG_OID(0));
  SPI_finish();
  PG_RETURN_VOID();
}
