/* audit_ext: the audit trail's tables, functions and rights. docs/sql_api.md is the manual.
   make joins the parts in sql/ into this script, in the order that the Makefile names them in. */
\echo Use "CREATE EXTENSION audit_ext CASCADE" to load this file. \quit

-- Bodies in BEGIN ATOMIC are bound to what their names mean now. Another role's object of the same name must not be
-- found first.
SET LOCAL search_path = pg_catalog, pg_temp;

-- What callers send is Unicode: in another encoding it could not be recorded, nor be looked for.
DO $$
BEGIN
  IF current_setting('server_encoding') <> 'UTF8' THEN
    RAISE EXCEPTION 'audit_ext needs a database with encoding UTF8' USING ERRCODE = 'feature_not_supported',
      DETAIL = format('The encoding of database "%s" is %s.', current_database(), current_setting('server_encoding')),
      HINT = 'Create the database with ENCODING ''UTF8'' TEMPLATE template0.';
  END IF;
END
$$;
