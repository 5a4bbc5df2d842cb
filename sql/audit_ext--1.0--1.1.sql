/* audit_ext 1.0 to 1.1: writing in batches, partitions and retention, the append-only guards. Each section is a part of
   its own, in the order of docs/sql_api.md. Version 1.0's script is never changed. */
\echo Use "ALTER EXTENSION audit_ext UPDATE TO '1.1'" to load this file. \quit
