-- Everything that the extension consists of, as text, sorted: the same after CREATE EXTENSION as after ALTER EXTENSION UPDATE.
SELECT 'function ' || pg_get_functiondef(p.oid) || ' ' || coalesce(obj_description(p.oid, 'pg_proc'), '') || ' ' || coalesce(p.proacl::text, '')
  FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid AND d.classid = 'pg_proc'::regclass
  WHERE d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'audit_ext')
UNION ALL
SELECT concat_ws(' ', 'relation', c.relname, c.relkind, c.relpersistence, c.relrowsecurity, c.reloptions, c.relacl, pg_get_userbyid(c.relowner),
                 pg_get_expr(c.relpartbound, c.oid), pg_get_partkeydef(c.oid), obj_description(c.oid, 'pg_class'),
                 CASE c.relkind WHEN 'v' THEN pg_get_viewdef(c.oid) WHEN 'i' THEN pg_get_indexdef(c.oid) END)
  FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
UNION ALL
SELECT concat_ws(' ', 'column', a.attrelid::regclass, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
                 pg_get_expr(f.adbin, f.adrelid), col_description(a.attrelid, a.attnum))
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
  WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0
UNION ALL
SELECT concat_ws(' ', 'constraint', r.conrelid::regclass, r.conname, pg_get_constraintdef(r.oid), r.convalidated)
  FROM pg_constraint r WHERE r.connamespace = 'public'::regnamespace
UNION ALL
SELECT concat_ws(' ', 'trigger', pg_get_triggerdef(t.oid), t.tgenabled) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
  WHERE c.relnamespace = 'public'::regnamespace
UNION ALL
SELECT concat_ws(' ', 'event trigger', e.evtname, e.evtevent, e.evtfoid::regproc, e.evtenabled, e.evttags) FROM pg_event_trigger e
UNION ALL
SELECT concat_ws(' ', 'dumped', c::regclass, e.extcondition) FROM pg_extension e, unnest(e.extconfig) c WHERE e.extname = 'audit_ext'
UNION ALL
SELECT concat_ws(' ', 'member', pg_describe_object(d.classid, d.objid, d.objsubid)) FROM pg_depend d
  WHERE d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'audit_ext')
ORDER BY 1;
