-- Databases of another encoding than UTF8 are refused; sessions of another are not.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SELECT current_database() AS tested \gset
\set VERBOSITY default
CREATE DATABASE audit_latin1 TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C';
CREATE DATABASE audit_sql_ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C';
CREATE DATABASE audit_euc_jp TEMPLATE template0 ENCODING 'EUC_JP' LOCALE 'C';
\c audit_latin1
SET client_min_messages = warning;
CREATE EXTENSION audit_ext CASCADE;
\echo :SQLSTATE
SELECT count(*) FROM pg_class WHERE relname LIKE 'audit%';
\c audit_sql_ascii
SET client_min_messages = warning;
CREATE EXTENSION audit_ext CASCADE;
\c audit_euc_jp
SET client_min_messages = warning;
CREATE EXTENSION audit_ext CASCADE;
\c :tested
DROP DATABASE audit_latin1;
DROP DATABASE audit_sql_ascii;
DROP DATABASE audit_euc_jp;
-- a session in LATIN1 (its bytes written as octal escapes of psql's) writes and reads what it can show
BEGIN;
SET client_encoding = 'LATIN1';
SELECT audit_log('encodings', U&'gr\00FC\00DFe', event_payload => '{"a": "\u00fc\u65e5"}') IS NOT NULL AS logged;
INSERT INTO audit_events (event_group, event_type) VALUES ('encodings', U&'\65E5');
SELECT count(*) FROM audit_list(event_type => U&'gr\00FC\00DFe');
SELECT octet_length(event_type) FROM audit_events WHERE event_group = 'encodings' ORDER BY 1;
-- what it cannot show is an error, and is there all the same
SAVEPOINT before;
SELECT event_type FROM audit_list(event_group => 'encodings', page_size => 1);
\echo :SQLSTATE
ROLLBACK TO before;
SELECT audit_list_json(event_group => 'encodings');
\echo :SQLSTATE
ROLLBACK TO before;
SET client_encoding = 'UTF8';
SELECT event_type, event_payload FROM audit_list(event_group => 'encodings') ORDER BY created_at;
ROLLBACK;
