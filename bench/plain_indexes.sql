-- As a good application developer would: a primary key, the page order, and each filter followed by the page order.
ALTER TABLE :t ADD PRIMARY KEY (id:more_key);
CREATE INDEX ON :t (created_at DESC, id DESC);
CREATE INDEX ON :t (event_group, created_at DESC, id DESC);
CREATE INDEX ON :t (event_type, created_at DESC, id DESC);
CREATE INDEX ON :t (status, created_at DESC, id DESC);
CREATE INDEX ON :t (user_id, created_at DESC, id DESC);
CREATE INDEX ON :t (vm_id, created_at DESC, id DESC);
CREATE INDEX ON :t (session_id, created_at DESC, id DESC);
