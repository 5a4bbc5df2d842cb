-- Deterministic audit events, numbers :first to :last of :rows, appended to :target in the order of time. Every value is a hash
-- of the number, so two loads give the same rows. Over 90 days from 2025-01-01, whatever :rows is.
-- psql -v rows=5000000 -v first=0 -v last=4999999 -v target=plain.audit_events -f events.sql
--
-- Hard cases. Group 'storage' is never 'denied', though each is common alone. 'vm-hard' has 2% of the rows and
-- 5 failures, all among the oldest. 3 rows in each 1000 share one created_at.
\set ON_ERROR_STOP on
SET search_path = plain, pg_catalog;
SET enable_mergejoin = off; SET enable_nestloop = off; -- the hash join keeps the order of time
INSERT INTO :target
SELECT md5('id' || i)::uuid,
  timestamptz '2025-01-01 00:00:00+00' + (CASE WHEN i % 1000 <= 2 THEN i - i % 1000 ELSE i END) * step * interval '1 microsecond',
  uid, CASE WHEN uid IS NULL THEN 'system' WHEN h(i, 1) < .9 THEN 'user' ELSE 'service' END,
  CASE WHEN uid IS NULL THEN NULL ELSE 'usr_' || uid END,
  src, grp, etype, status,
  CASE WHEN h(i, 2) < .9 THEN split_part(etype, '.', 1) END,
  CASE WHEN h(i, 2) < .9 THEN split_part(etype, '.', 1) || '-' || (h(i, 3) * 100000)::int END,
  CASE WHEN uid IS NOT NULL THEN 'sess_' || substr(md5('s' || sess), 1, 20) END,
  vm, CASE WHEN h(i, 4) < .4 THEN (h(i, 5) * 9e9)::bigint END,
  CASE WHEN http THEN 'req_' || substr(md5('r' || i), 1, 24) END,
  CASE WHEN h(i, 6) < .5 THEN md5('c' || i / 3)::uuid::text END,
  CASE WHEN http THEN (ARRAY['GET','POST','POST','PUT','DELETE','PATCH'])[1 + (h(i, 7) * 6)::int % 6] END,
  CASE WHEN http THEN '/v1/' || grp || '/' || split_part(etype, '.', 2) || '/' || (h(i, 3) * 100000)::int END,
  CASE WHEN http THEN CASE status WHEN 'success' THEN 200 WHEN 'denied' THEN 403 ELSE (ARRAY[400,404,409,500,503])[1 + (h(i, 8) * 5)::int % 5] END END,
  CASE WHEN http THEN round((exp(h(i, 9) * 7) + h(i, 10))::numeric, 3)::float8 END,
  CASE WHEN uid IS NULL THEN NULL WHEN h(sess, 11) < .9
    THEN inet '10.0.0.0' + (h(sess, 12) * 16777215)::bigint ELSE inet '2001:db8::' + (h(sess, 12) * 1e12)::bigint END,
  CASE WHEN NOT http THEN NULL WHEN odd THEN E'Mozi\u00ffa "5.0" \\ \t é 漢字 😀 \u2028' || chr(1 + (i % 31)::int) || (i % 97)
    ELSE 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/' || 100 + (h(sess, 13) * 40)::int || '.0.0.0 Safari/537.36' END,
  CASE WHEN h(i, 14) < .95 THEN inet '192.168.0.0' + (h(vmn, 15) * 200)::int END,
  CASE WHEN h(i, 16) < .8 THEN 'worker-' || (h(i, 17) * 32)::int END,
  CASE WHEN h(i, 18) < .95 THEN format('{"region":"eu-%s","zone":%s,"attempt":%s,"tags":["%s","%s"],"cost":%s,"dry_run":%s,"image":"debian-12-%s","note":"%s","parent":{"id":"%s","kind":"job"}}',
    i % 5, i % 3, i % 4, grp, src, round((h(i, 19) * 100)::numeric, 2), to_json(i % 2 = 0), (h(i, 20) * 100)::int,
    CASE WHEN odd THEN 'naïve \"quoted\"\n' ELSE 'ok' END, md5('p' || i))::jsonb END,
  CASE WHEN status = 'failure' AND odd THEN E'can\'t open "C:\\dir"\n\tcaf\u00e9 \u0007 — 失敗 ' || i
       WHEN status = 'failure' AND h(i, 21) < .95 THEN (ARRAY['timeout after 30s','upstream returned 503','quota exceeded','resource not found','conflict: already exists'])[1 + (h(i, 8) * 5)::int % 5] || ' (op ' || i || ')' END
FROM (SELECT i, step, sess, src, odd, grp, etype, vmn, http,
        CASE WHEN i % 50 = 7 THEN 'vm-hard' WHEN vmu < CASE k WHEN 2 THEN .6 ELSE .08 END THEN NULL ELSE 'vm-' || vmn END AS vm,
        CASE WHEN nouser THEN NULL ELSE floor(exp(h(sess, 31) * ln(10001)))::bigint END AS uid,
        CASE WHEN i % 50 = 7 THEN CASE WHEN i IN (507, 1007, 1507, 2007, 2507) THEN 'failure' ELSE 'success' END
             WHEN su < .0612 THEN 'failure' WHEN su < .0728 AND k <> 3 THEN 'denied' ELSE 'success' END AS status
      FROM (SELECT i, step, sess, g.k, g.grp, g.types[1 + width_bucket(h(i, 32), g.cum)] AS etype,
              (ARRAY['api','api','api','api','ui','ui','worker','scheduler'])[1 + (h(i, 33) * 8)::int % 8] AS src,
              h(i, 34) < .01 AS odd, floor(exp(h(i, 35) * ln(5001)))::int AS vmn, h(i, 36) AS vmu, h(i, 37) AS su,
              h(i, 38) < .05 AS nouser, h(i, 39) < .85 AS http
            FROM (SELECT i, 7776000000000 / :rows AS step, i / 4000 * 100 + floor(h(i, 40) * 100)::bigint AS sess, -- 100 sessions at a time, 40 rows each
                    1 + width_bucket(h(i, 41), ARRAY[.36793, .55190, .67454, .76653, .84011, .90144, .95400]::float8[]) AS gk
                  FROM generate_series(:first, :last) i OFFSET 0) a JOIN gen_type g ON g.k = a.gk OFFSET 0) b OFFSET 0) c;
