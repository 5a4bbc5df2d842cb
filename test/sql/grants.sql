-- Who may do what: nothing by default; readers read, writers write, the front end serves; policies hold everywhere.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_nobody, regress_reader, regress_writer, regress_frontend;
RESET client_min_messages;
CREATE ROLE regress_nobody;
CREATE ROLE regress_reader;
CREATE ROLE regress_writer;
CREATE ROLE regress_frontend;
INSERT INTO audit_events (event_group, event_type, user_id) VALUES ('mine', 't', 1), ('other', 't', 2);
SELECT audit_grant_reader('regress_reader');
SELECT audit_grant_writer('regress_writer');
SELECT audit_grant_frontend('regress_frontend');

SET ROLE regress_nobody;
SELECT count(*) FROM audit_list();
SELECT audit_list_json();
SELECT audit_get_json(gen_random_uuid());
SELECT audit_log('g', 't');
SELECT count(*) FROM audit_events;
SELECT count(*) FROM audit_users;
SELECT count(*) FROM audit_api_keys;
SELECT * FROM audit_authenticate_password('a', 'b');
SELECT * FROM audit_authenticate_certificate('a');
SELECT audit_password_salt('a');
SELECT * FROM audit_authenticate_proof('a', 'b');
SELECT audit_create_user('a', 'long enough');
SELECT audit_grant_reader('regress_nobody');
SELECT audit_hash_password('x');

SET ROLE regress_reader;
SELECT event_group FROM audit_list();
SELECT json_array_length(audit_list_json() -> 'items');
SELECT audit_get_json(id) ->> 'event_group' FROM audit_list(user_id => 2);
SELECT audit_log('g', 't');
INSERT INTO audit_events (event_group, event_type) VALUES ('g', 't');
DELETE FROM audit_events;
SELECT count(*) FROM audit_events_default;
SELECT count(*) FROM audit_users;
SELECT count(*) FROM audit_authenticate_api_key('x');

SET ROLE regress_writer;
SELECT audit_log('written', 't', user_id => 1) IS NOT NULL AS logged;
INSERT INTO audit_events (event_group, event_type) VALUES ('written', 't');
COPY audit_events (event_group, event_type) FROM STDIN;
written	t
\.
SELECT count(*) FROM audit_events;
SELECT count(*) FROM audit_list();
UPDATE audit_events SET status = 'x';
DELETE FROM audit_events;
TRUNCATE audit_events;

SET ROLE regress_frontend;
SELECT json_array_length(audit_list_json() -> 'items');
SELECT count(*) FROM audit_authenticate_password('a', 'b');
SELECT count(*) FROM audit_authenticate_token('a', 1);
SELECT count(*) FROM audit_authenticate_certificate('a');
SELECT length(audit_password_salt('a'));
SELECT count(*) FROM audit_authenticate_proof('a', 'b');
SELECT count(*) FROM audit_authenticate_api_key('x');
SELECT count(*) FROM audit_users;
SELECT password_hash FROM audit_users;
SELECT audit_log('g', 't');
SELECT audit_create_api_key('mine');
RESET ROLE;
SELECT rolconfig FROM pg_roles WHERE rolname = 'regress_frontend';

-- column rights: what the list shows must all be readable
REVOKE SELECT ON audit_events FROM regress_reader;
GRANT SELECT (id, created_at, event_group) ON audit_events TO regress_reader;
SET ROLE regress_reader;
SELECT count(*) FROM audit_list();
RESET ROLE;
GRANT SELECT ON audit_events TO regress_reader;

-- row-level security
ALTER TABLE audit_events ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_events ON audit_events FOR SELECT TO regress_reader USING (user_id = 1);
SET ROLE regress_reader;
SELECT event_group FROM audit_list();
SELECT event_group FROM audit_list(event_group => 'other');
SELECT json_array_length(audit_list_json() -> 'items');
RESET ROLE;
SELECT id AS others_id FROM audit_events WHERE event_group = 'other' \gset
SET ROLE regress_reader;
SELECT count(*) FROM audit_get(:'others_id');
SET ROLE regress_frontend;  -- no policy for it: nothing
SELECT json_array_length(audit_list_json() -> 'items');
RESET ROLE;
-- the same session, the same saved plan, another role
SELECT count(*) FROM audit_list();
DROP POLICY own_events ON audit_events;
ALTER TABLE audit_events DISABLE ROW LEVEL SECURITY;

SELECT audit_grant_reader('no such role');
\echo :SQLSTATE
SELECT audit_grant_reader(NULL);
SET audit_ext.allow_changes = on;
DROP EXTENSION audit_ext;
CREATE EXTENSION audit_ext;
DROP OWNED BY regress_nobody, regress_reader, regress_writer, regress_frontend;
DROP ROLE regress_nobody, regress_reader, regress_writer, regress_frontend;
-- what was recorded of the policies goes
SET audit_ext.allow_changes = on;
DROP EXTENSION audit_ext;
CREATE EXTENSION audit_ext;
