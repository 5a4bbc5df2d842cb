-- Events for the demo: what users, services and the platform of a small cloud provider do in 30 days up to now.
-- Every value but created_at is a hash of the event's number, so the same :total gives the same events each time.
-- Loads the events numbered :first to :last of :total (counted from 0) into audit_events of the schema :schema. The
-- last one is at :now. Runs in a transaction.

SET LOCAL search_path TO :"schema", pg_catalog;

-- roll(number, salt): as if by chance, from 0 up to 1.
CREATE FUNCTION pg_temp.roll(number bigint, salt bigint) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (hashint8extended(number, salt) & 1048575) / 1048576.0::double precision;

CREATE FUNCTION pg_temp.pick(choices text[], roll double precision) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN choices[1 + floor(roll * cardinality(choices))::integer];

-- What can happen: weight is how often; failing and denied are shares; latency_ms is a typical one.
CREATE TEMP TABLE kinds ON COMMIT DROP AS
SELECT k.*, split_part(event_type, '.', 1) AS event_group
FROM (VALUES
  ('auth.login',             90, 'session',     'POST',   '/v1/sessions',                      .070, .000,   85),
  ('auth.logout',            35, 'session',     'DELETE', '/v1/sessions/current',              .002, .000,   12),
  ('auth.token_refresh',    120, 'session',     'POST',   '/v1/sessions/refresh',              .015, .000,   18),
  ('auth.mfa_challenge',     40, 'session',     'POST',   '/v1/sessions/mfa',                  .110, .000,   60),
  ('auth.password_change',    4, 'user',        'PUT',    '/v1/users/{}/password',             .120, .000,  140),
  ('auth.api_key_create',     5, 'api_key',     'POST',   '/v1/api-keys',                      .020, .060,   30),
  ('vm.start',               70, 'vm',          'POST',   '/v1/vms/{}/start',                  .050, .010, 2400),
  ('vm.stop',                60, 'vm',          'POST',   '/v1/vms/{}/stop',                   .030, .010, 1800),
  ('vm.reboot',              25, 'vm',          'POST',   '/v1/vms/{}/reboot',                 .040, .010, 3100),
  ('vm.console',             45, 'vm',          'GET',    '/v1/vms/{}/console',                .020, .040,   45),
  ('vm.create',              18, 'vm',          'POST',   '/v1/vms',                           .090, .030, 8200),
  ('vm.resize',               9, 'vm',          'PATCH',  '/v1/vms/{}',                        .080, .020, 5200),
  ('vm.migrate',              6, 'vm',          NULL,     NULL,                                .060, .000, 41000),
  ('vm.delete',              12, 'vm',          'DELETE', '/v1/vms/{}',                        .020, .050, 1500),
  ('storage.volume_create',  22, 'volume',      'POST',   '/v1/volumes',                       .040, .010,  900),
  ('storage.volume_attach',  28, 'volume',      'POST',   '/v1/volumes/{}/attach',             .050, .010,  700),
  ('storage.volume_detach',  20, 'volume',      'POST',   '/v1/volumes/{}/detach',             .040, .010,  650),
  ('storage.snapshot_create', 38, 'snapshot',   'POST',   '/v1/volumes/{}/snapshots',          .030, .000, 6400),
  ('storage.backup',         60, 'backup',      NULL,     NULL,                                .045, .000, 95000),
  ('storage.restore',         3, 'backup',      'POST',   '/v1/backups/{}/restore',            .080, .020, 62000),
  ('network.ip_assign',      24, 'ip_address',  'POST',   '/v1/addresses/{}/assign',           .040, .010,  210),
  ('network.ip_release',     15, 'ip_address',  'POST',   '/v1/addresses/{}/release',          .010, .010,  180),
  ('network.firewall_update', 30, 'firewall',   'PUT',    '/v1/firewalls/{}',                  .050, .050,  320),
  ('network.dns_update',     26, 'dns_zone',    'PATCH',  '/v1/zones/{}',                      .040, .020,  150),
  ('billing.invoice_create', 14, 'invoice',     NULL,     NULL,                                .005, .000,  400),
  ('billing.charge',         14, 'invoice',     NULL,     NULL,                                .080, .000, 1200),
  ('billing.plan_change',     4, 'account',     'PUT',    '/v1/account/plan',                  .030, .020,  220),
  ('user.invite',             6, 'user',        'POST',   '/v1/users',                         .040, .120,   95),
  ('user.role_change',        5, 'user',        'PUT',    '/v1/users/{}/role',                 .010, .200,   70),
  ('user.delete',             2, 'user',        'DELETE', '/v1/users/{}',                      .010, .150,  110),
  ('admin.setting_change',    5, 'setting',     'PUT',    '/v1/settings/{}',                   .020, .100,   55),
  ('admin.export',            4, 'report',      'POST',   '/v1/reports',                       .050, .150, 4800),
  ('system.worker_start',     8, 'worker',      NULL,     NULL,                                .010, .000,  350),
  ('system.certificate_renew', 6, 'certificate', NULL,    NULL,                                .060, .000, 2600),
  ('system.cron_run',        50, 'job',         NULL,     NULL,                                .020, .000, 1100)
) AS k (event_type, weight, resource_type, http_method, path, failing, denied, latency_ms);

-- One slot for each unit of weight: choosing a slot evenly chooses a kind by its weight, with a hash join.
CREATE TEMP TABLE slots ON COMMIT DROP AS
SELECT row_number() OVER (ORDER BY event_type, n) - 1 AS slot, kinds.* FROM kinds, generate_series(1, weight) AS n;
ANALYZE slots;

-- Forty sessions are open at a time, some 25 events each. Few users do most of the work, from one address and one
-- browser a session; each has up to three machines. What has no HTTP method, the platform did by itself.
INSERT INTO audit_events (created_at, user_id, actor_type, actor_id, source, event_group, event_type, status,
  resource_type, resource_id, session_id, vm_id, task_id, request_id, correlation_id, http_method, path, http_status,
  latency_ms, ip_address, user_agent, node_ip, worker_id, event_payload, error_message)
SELECT
  -- Even steps with some jitter, the last event just now; :now is the same for all batches.
  :'now'::timestamptz - interval '30 days' * ((:total - 1 - i + 0.9 * pg_temp.roll(i, 1) * (i < :total - 1)::integer) / :total),
  user_id,
  CASE WHEN user_id IS NULL THEN 'system' WHEN by_key THEN 'service' ELSE 'user' END,
  CASE WHEN user_id IS NULL THEN 'platform' WHEN by_key THEN 'svc-' || user_id ELSE 'usr-' || user_id END,
  CASE WHEN user_id IS NULL THEN 'scheduler' WHEN by_key THEN 'api' ELSE 'console' END,
  event_group, event_type, status, resource_type, resource_id, session_id, vm_id,
  CASE WHEN latency_ms > 500 THEN 700000 + i END,
  CASE WHEN http_method IS NOT NULL THEN 'req-' || substr(md5('request' || i), 1, 16) END,
  substr(md5('operation' || i / 3), 1, 12),
  http_method,
  replace(path, '{}', resource_id),
  CASE WHEN http_method IS NULL THEN NULL
       WHEN status = 'denied' THEN 403
       WHEN status = 'failure' THEN CASE event_group WHEN 'auth' THEN 401 ELSE 409 + 94 * (pg_temp.roll(i, 2) < .4)::integer END
       WHEN latency_ms > 500 THEN 202 WHEN http_method = 'POST' THEN 201 WHEN http_method = 'DELETE' THEN 204 ELSE 200 END,
  round((latency_ms * (0.4 + 1.6 * pg_temp.roll(i, 3) ^ 2))::numeric, 1),
  CASE WHEN user_id IS NULL THEN NULL
       WHEN pg_temp.roll(session, 4) < .15 THEN inet '2001:db8::' + (1 + pg_temp.roll(session, 5) * 65000)::bigint
       ELSE inet '203.0.113.0' + (1 + pg_temp.roll(session, 5) * 253)::bigint END,
  CASE WHEN user_id IS NULL THEN NULL
       WHEN by_key THEN 'terraform-provider/1.' || 4 + user_id % 5
       ELSE pg_temp.pick(ARRAY[
         'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
         'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
         'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15'],
         pg_temp.roll(session, 6)) END,
  inet '10.20.0.10' + (pg_temp.roll(coalesce(user_id, i), 7) * 12)::bigint,
  'worker-' || 1 + floor(pg_temp.roll(i, 8) * 6)::integer,
  jsonb_strip_nulls(jsonb_build_object(
    'region', pg_temp.pick(ARRAY['eu-north', 'eu-west', 'us-east'], pg_temp.roll(coalesce(user_id, i), 9)),
    'attempt', CASE WHEN status = 'failure' THEN 1 + floor(pg_temp.roll(i, 10) * 3)::integer END,
    'size_gib', CASE WHEN event_group = 'storage' THEN (ARRAY[20, 50, 100, 500])[1 + floor(pg_temp.roll(i, 11) * 4)::integer] END,
    'amount_eur', CASE WHEN event_type = 'billing.charge' THEN round((5 + pg_temp.roll(i, 11) * 300)::numeric, 2) END,
    'plan', CASE WHEN event_type IN ('vm.create', 'vm.resize') THEN pg_temp.pick(ARRAY['small', 'medium', 'large'], pg_temp.roll(i, 11)) END,
    'image', CASE WHEN event_type = 'vm.create' THEN pg_temp.pick(ARRAY['debian-12', 'debian-13', 'ubuntu-24.04'], pg_temp.roll(i, 12)) END)),
  CASE status
    WHEN 'denied' THEN 'role "member" may not ' || event_type
    WHEN 'failure' THEN CASE event_group
      WHEN 'auth' THEN pg_temp.pick(ARRAY['wrong password', 'wrong one-time code', 'account is locked'], pg_temp.roll(i, 2))
      WHEN 'billing' THEN 'card was declined by the issuer'
      ELSE pg_temp.pick(ARRAY['no answer from the node within 30 s', 'quota exceeded', 'another task holds the resource'], pg_temp.roll(i, 2)) END END
FROM (
  SELECT i, s.*, session, user_id, by_key,
    CASE WHEN r < denied THEN 'denied' WHEN r < denied + failing THEN 'failure' ELSE 'success' END AS status,
    CASE WHEN user_id IS NOT NULL THEN 'sess-' || substr(md5('session' || session), 1, 16) END AS session_id,
    CASE WHEN event_group IN ('vm', 'storage', 'network') THEN vm END AS vm_id,
    CASE resource_type WHEN 'vm' THEN vm WHEN 'user' THEN 'usr-' || 1 + floor(pg_temp.roll(i, 13) * 300)::integer
      ELSE resource_type || '-' || substr(md5(resource_type || floor(pg_temp.roll(i, 13) * 900)), 1, 8) END AS resource_id
  FROM (
    SELECT i, slot, session, pg_temp.roll(i, 14) AS r, pg_temp.roll(session, 15) < .25 AS by_key,
      1 + floor(300 * pg_temp.roll(session, 16) ^ 3)::bigint AS session_user_id
    FROM (SELECT i, floor(pg_temp.roll(i, 17) * (SELECT count(*) FROM slots))::bigint AS slot,
            i / 1000 * 40 + floor(pg_temp.roll(i, 18) * 40)::bigint AS session
          FROM generate_series(:first::bigint, :last::bigint) AS i) AS numbered
  ) AS drawn
  JOIN slots AS s USING (slot)
  CROSS JOIN LATERAL (SELECT CASE WHEN http_method IS NOT NULL THEN session_user_id END AS user_id) AS u
  CROSS JOIN LATERAL (
    SELECT 'vm-' || substr(md5('vm' || session_user_id * 10 + floor(pg_temp.roll(i, 19) * (1 + session_user_id % 3))), 1, 8) AS vm) AS v
) AS events
ORDER BY i;

DROP FUNCTION pg_temp.roll(bigint, bigint), pg_temp.pick(text[], double precision);
DROP TABLE kinds, slots;
