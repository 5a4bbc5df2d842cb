-- Users and API keys: made, checked, revoked; only hashes are stored.
\pset null NULL
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_tenant;
RESET client_min_messages;
CREATE ROLE regress_tenant;
BEGIN;
SELECT audit_create_user('alice', 'correct horse', user_id => 7, scopes => '{audit:read:self}', db_role => 'regress_tenant');
SELECT audit_create_user('bob', 'battery staple');
SELECT username, scopes, user_id, db_role, password_hash LIKE '$2a$10$%' AS bcrypt FROM audit_users ORDER BY 1;
SELECT principal, user_id, scope, db_role, token_epoch = (SELECT token_epoch FROM audit_users WHERE username = 'alice') AS epoch
FROM audit_authenticate_password('alice', 'correct horse');
SELECT count(*) FROM audit_authenticate_password('alice', 'Correct horse');
SELECT count(*) FROM audit_authenticate_password('Alice', 'correct horse');
SELECT count(*) FROM audit_authenticate_password('carol', 'correct horse');
SELECT count(*) FROM audit_authenticate_password('alice', '');
SELECT count(*) FROM audit_authenticate_password('alice', NULL);
-- bcrypt reads 72 bytes; a longer password that begins alike is another one
SELECT audit_create_user('long', repeat('x', 72));
SELECT count(*) FROM audit_authenticate_password('long', repeat('x', 72));
SELECT count(*) FROM audit_authenticate_password('long', repeat('x', 73));
-- a proof instead of the password: SHA-256 of the hash that it has with the user's salt
SELECT audit_password_salt('alice') = left(password_hash, 29) AS salt FROM audit_users WHERE username = 'alice';
SELECT audit_password_salt('nobody') ~ '^\$2a\$10\$[./A-Za-z0-9]{22}$' AS salt, audit_password_salt('nobody') <> audit_password_salt('nobody') AS another;
SELECT principal, user_id, scope, db_role FROM audit_authenticate_proof('alice', sha256(crypt('correct horse', audit_password_salt('alice'))::bytea));
SELECT count(*) FROM audit_authenticate_proof('alice', sha256(crypt('Correct horse', audit_password_salt('alice'))::bytea));
SELECT count(*) FROM audit_authenticate_proof('bob', sha256(crypt('correct horse', audit_password_salt('alice'))::bytea));
SELECT count(*) FROM audit_users u, audit_authenticate_proof(u.username, u.password_hash::bytea);
SELECT count(*) FROM audit_authenticate_proof('nobody', sha256(''));
SELECT count(*) FROM audit_authenticate_proof('alice', NULL);
-- a hash instead of the password: all three names of bcrypt
SELECT audit_create_user('hash ' || name, '$2' || name || substr(crypt('made elsewhere', gen_salt('bf', cost)), 4))
FROM (VALUES ('a', 10), ('b', 11), ('y', 12)) v (name, cost);
SELECT u.username, count(principal), u.password_hash LIKE '$2a$%' AS stored
FROM audit_users u LEFT JOIN audit_authenticate_password(u.username, 'made elsewhere') ON true WHERE u.username LIKE 'hash%' GROUP BY u.username, u.password_hash ORDER BY 1;
SELECT audit_set_password('hash a', crypt('another', gen_salt('bf', 10)));
SELECT count(*) FROM audit_authenticate_password('hash a', 'another');
-- tokens: good until revoked
SELECT token_epoch AS epoch FROM audit_users WHERE username = 'bob' \gset
SELECT * FROM audit_authenticate_token('bob', :epoch);
SELECT count(*) FROM audit_authenticate_token('alice', :epoch);
SELECT * FROM audit_authenticate_certificate('bob');
SELECT count(*) FROM audit_authenticate_certificate('nobody');
SELECT audit_revoke_tokens('bob');
SELECT count(*) FROM audit_authenticate_token('bob', :epoch);
SELECT token_epoch AS epoch FROM audit_users WHERE username = 'bob' \gset
SELECT audit_set_password('bob', 'another one');
SELECT count(*) FROM audit_authenticate_token('bob', :epoch);
SELECT count(*) FROM audit_authenticate_password('bob', 'battery staple');
SELECT count(*) FROM audit_authenticate_password('bob', 'another one');
SELECT audit_drop_user('bob');
SELECT count(*) FROM audit_authenticate_password('bob', 'another one');
-- keys
SELECT audit_create_api_key('ci', user_id => 9) AS key \gset
SELECT :'key' ~ '^ak_[A-Za-z0-9_-]{43}$' AS form;
SELECT count(*) FROM audit_api_keys WHERE audit_api_keys::text LIKE '%' || :'key' || '%';
SELECT * FROM audit_authenticate_api_key(sha256(:'key'));
SELECT count(*) FROM audit_authenticate_api_key(sha256('x'));
SELECT count(*) FROM audit_authenticate_api_key(NULL);
SELECT audit_revoke_api_key('ci');
SELECT count(*) FROM audit_authenticate_api_key(sha256(:'key'));
SELECT audit_create_api_key('ci', expires_at => now() + interval '1 hour') <> :'key' AS another_key;
SELECT count(*), count(revoked_at) FROM audit_api_keys;
SELECT audit_create_api_key('old', expires_at => now()) AS key \gset
SELECT count(*) FROM audit_authenticate_api_key(sha256(:'key'));
ROLLBACK;
-- refused
SELECT audit_create_user('', 'long enough');
SELECT audit_create_user(NULL, 'long enough');
SELECT audit_create_user('u', 'short');
\echo :SQLSTATE
SELECT audit_create_user('u', NULL);
SELECT audit_create_user('u', repeat('ä', 37));
-- what begins like a hash and is none that can be used: too cheap, too dear, cut, another character, another function
\set hash abcdefghijklmnopqrstuuYRGjyvzj1HFK02sK5zCMhQ6N2Z1kYRi
SELECT audit_create_user('u', '$2b$09$' || :'hash');
\echo :SQLSTATE
SELECT audit_create_user('u', '$2b$31$' || :'hash');
SELECT audit_create_user('u', '$2b$10$' || left(:'hash', -1));
SELECT audit_create_user('u', '$2b$10$' || :'hash' || 'x');
SELECT audit_create_user('u', '$2b$10$' || :'hash' || E'\n');
SELECT audit_create_user('u', '$2b$10$' || replace(:'hash', 'j', '='));
SELECT audit_create_user('u', '$2x$10$' || :'hash');
SELECT audit_set_password('u', '$2$10$' || :'hash');
SELECT audit_create_user('u', 'long enough', scopes => '{}');
SELECT audit_create_user('u', 'long enough', scopes => '{audit:raed}');
SELECT audit_create_user('u', 'long enough', scopes => NULL);
SELECT audit_create_user('u', 'long enough', scopes => '{audit:read:self}');
SELECT audit_create_user('u', 'long enough', db_role => 'no such role');
\echo :SQLSTATE
ALTER ROLE regress_tenant SUPERUSER;
SELECT audit_create_api_key('k', db_role => 'regress_tenant');
ALTER ROLE regress_tenant NOSUPERUSER;
SELECT audit_create_api_key('');
SELECT audit_revoke_api_key('no such key');
\echo :SQLSTATE
SELECT audit_set_password('nobody', 'long enough');
SELECT audit_revoke_tokens('nobody');
SELECT audit_drop_user('nobody');
BEGIN;
SELECT audit_create_user('twice', 'long enough');
SELECT audit_create_user('twice', 'long enough');
\echo :SQLSTATE
ROLLBACK;
BEGIN;
SELECT length(audit_create_api_key('twice'));
SELECT length(audit_create_api_key('twice'));
ROLLBACK;
SELECT count(*) FROM audit_users;
DROP ROLE regress_tenant;
