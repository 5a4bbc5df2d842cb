#include "maintaining/move_tables.hpp"

#include "base/own_objects.hpp"
#include "base/trail.hpp"
#include "maintaining/maintenance_steps.hpp"
#include "partitions/event_edges.hpp"
#include "partitions/partition_ddl.hpp"

namespace audit::pg {
namespace {

constexpr const char* range_check_name = "audit_move_range";

// Events from far apart must make neither thousands of partitions nor a long list to attach at once. So of the past the
// newest have a partition for each period, and what is older than those shares one for each gap.
constexpr int past_periods_max = 12;

bool overlap(const PartitionBounds& a, const PartitionBounds& b) {
  return !a.is_default && !b.is_default && !is_empty(intersect(a.range, b.range));
}

TimestampTz period_start(TimestampTz moment, int ahead) {
  const Oid types[] = {TIMESTAMPTZOID, INT4OID};
  return DatumGetTimestampTz(OidFunctionCall2(own_function("audit_period_start", 2, types), TimestampTzGetDatum(moment),
                                              Int32GetDatum(ahead)));
}

int gaps_between(TimestampTz since, TimestampTz until, TimestampTz*& gaps) {
  const Oid types[] = {TIMESTAMPTZOID, TIMESTAMPTZOID};
  return bounds_from(OidFunctionCall2(own_function("audit_gap_bounds", 2, types), TimestampTzGetDatum(since),
                                      TimestampTzGetDatum(until)),
                     gaps);
}

void make_target(Oid move, TimestampTz since, TimestampTz until) {
  const char* name = partition_name(since);
  run_command("CREATE TABLE %s.%s PARTITION OF %s FOR VALUES FROM (%s) TO (%s)", own_schema_name(),
              quote_identifier(name), quoted_table(move), quoted_time(since), quoted_time(until));
  const Oid target = get_relname_relid(name, extension_schema());
  // Proves to ATTACH what it would otherwise read the whole partition for.
  run_command("ALTER TABLE %s ADD CONSTRAINT %s CHECK (created_at >= %s AND created_at < %s)", quoted_table(target),
              range_check_name, quoted_time(since), quoted_time(until));
  index_partition(target);
}

// For the events of the default partition, but for those that are later than what is made ahead: they stay.
void make_targets(Oid move) {
  const TimestampTz oldest = oldest_event(default_table(), DT_NOBEGIN).value_or(DT_NOEND);
  const TimestampTz present = period_start(GetCurrentTimestamp(), 0);
  TimestampTz before = made_until();
  for (int past_periods = 0; past_periods < past_periods_max;) {
    const std::optional<TimestampTz> newest = newest_event(default_table(), before);
    if (!newest) return;
    const TimestampTz until = Min(period_start(*newest, 1), before);
    before = period_start(*newest, 0);
    if (before < present && ++past_periods == past_periods_max) before = period_start(oldest, 0);
    TimestampTz* gaps = nullptr;
    const int count = gaps_between(before, until, gaps);
    for (int i = 0; i < count; i++) make_target(move, gaps[2 * i], gaps[2 * i + 1]);
  }
}

}  // namespace

Oid default_table() { return own_table("audit_events_default"); }

Oid own_move_table(const char* name) {
  const Oid table = get_relname_relid(name, extension_schema());
  if (OidIsValid(table) && owner_of_table(table) != GetUserId())
    ereport(ERROR, errcode(ERRCODE_DUPLICATE_TABLE), errmsg("table \"%s\" belongs to another role", name),
            errdetail("Maintenance makes a table of that name for itself."), errhint("Rename or drop it."));
  return table;
}

int partitions_of(Oid parent, PartitionBounds*& partitions) {
  Relation relation = table_open(parent, AccessShareLock);
  const int count = list_partitions(relation, {}, partitions);
  table_close(relation, AccessShareLock);
  return count;
}

bool is_misplaced(Oid move) {
  const Oid rest = own_move_table(rest_name);
  if (!OidIsValid(rest) || oldest_event(rest, DT_NOBEGIN).value_or(DT_NOEND) < made_until()) return true;
  PartitionBounds *ours = nullptr, *there = nullptr;
  const int our_count = partitions_of(move, ours);
  const int count = partitions_of(own_table("audit_events"), there);
  for (int i = 0; i < our_count; i++)
    for (int k = 0; k < count; k++)
      if (overlap(ours[i], there[k])) return true;
  return false;
}

void make_move_table() {
  const Oid move = create_table_like_events(move_name, "PARTITION BY RANGE (created_at)");
  // Not its owner: who owns it could take copies away again.
  run_command("GRANT INSERT ON %s TO %s", quoted_table(move),
              quote_identifier(GetUserNameFromId(owner_of_table(own_table("audit_events")), false)));
  make_targets(move);
  run_command("CREATE TABLE %s.%s PARTITION OF %s DEFAULT", own_schema_name(), rest_name, quoted_table(move));
  run_command("ALTER TABLE %s.%s ADD PRIMARY KEY (created_at, id)", own_schema_name(), rest_name);
}

bool has_range_check(Oid partition) {
  return OidIsValid(get_relation_constraint_oid(partition, range_check_name, true));
}

void drop_range_check(Oid partition) {
  run_command("ALTER TABLE %s DROP CONSTRAINT %s", quoted_table(partition), range_check_name);
}

}  // namespace audit::pg
