-- Schema plain: the table as an application would make it, and what events.sql needs to fill it.
\set ON_ERROR_STOP on

-- h(i, salt): a uniform double in [0,1).
CREATE SCHEMA plain;
SET search_path = plain, pg_catalog;

CREATE FUNCTION h(i bigint, salt bigint) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT (hashint8extended(i, salt) & 4503599627370495) / 4503599627370496.0::float8 $$;

-- 8 groups of weight 1/k; their types of weight 1/k inside the group; 60 types in all.
CREATE TABLE gen_type AS
WITH g(k, grp, types) AS (VALUES
  (1, 'vm',      'start,stop,reboot,create,delete,resize,snapshot,migrate,console,attach,detach,rename'),
  (2, 'auth',    'login,logout,token_refresh,mfa_challenge,password_change,password_reset,api_key_create,api_key_revoke,sso_login,lockout'),
  (3, 'storage', 'volume_create,volume_delete,volume_attach,volume_detach,volume_resize,snapshot_create,snapshot_delete,backup,restore'),
  (4, 'network', 'port_open,port_close,ip_assign,ip_release,firewall_update,vpn_connect,vpn_disconnect,dns_update'),
  (5, 'billing', 'invoice_create,invoice_pay,charge,refund,plan_change,quota_update'),
  (6, 'user',    'create,update,delete,invite,role_change'),
  (7, 'admin',   'impersonate,setting_change,feature_flag,export,audit_read'),
  (8, 'system',  'heartbeat,cron_run,worker_start,worker_stop,config_reload'))
SELECT k, grp, array_agg(grp || '.' || t ORDER BY n) AS types,
       (SELECT array_agg(s ORDER BY m) FROM (SELECT m, sum(1.0 / m) OVER (ORDER BY m) / sum(1.0 / m) OVER () AS s
          FROM generate_series(1, cardinality(string_to_array(types, ','))) m) x)::float8[] AS cum
FROM g, unnest(string_to_array(types, ',')) WITH ORDINALITY u(t, n) GROUP BY k, grp, types;

CREATE TABLE audit_events (
  id uuid NOT NULL, created_at timestamptz NOT NULL, user_id bigint, actor_type text NOT NULL, actor_id text,
  source text NOT NULL, event_group text NOT NULL, event_type text NOT NULL, status text NOT NULL,
  resource_type text, resource_id text, session_id text, vm_id text, task_id bigint, request_id text,
  correlation_id text, http_method text, path text, http_status int, latency_ms double precision,
  ip_address inet, user_agent text, node_ip inet, worker_id text, event_payload jsonb, error_message text);
