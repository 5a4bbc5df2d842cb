#!/bin/bash
# Keeps the borders between the parts (docs/design.md, "Layout"): who may include what.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
failed=0

# only HEADERS WHERE...: an #include that matches HEADERS may stand in WHERE (path patterns) and nowhere else.
only() {
  local pattern=$1 allowed found
  shift
  allowed=$(IFS='|' && printf '%s' "$*")
  found=$(grep -rnE --include='*.hpp' --include='*.cpp' "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($pattern)[>\"]" \
    src http_frontend test/unit | grep -vE "^($allowed):" || true)
  if [ -n "$found" ]; then
    printf 'Only %s may include %s, but:\n%s\n' "$*" "$pattern" "$found"
    failed=1
  fi
}

only 'postgres\.h' 'src/pg/postgres_api\.hpp'
only '(.*/)?postgres_api\.hpp' 'src/pg/.*'
only 'access/gin_private\.h' 'src/pg/gin_entries\.hpp'
only '(.*/)?gin_entries\.hpp' 'src/pg/(gin_entries|pending_list|posting_reader)\.cpp'
only 'access/nbtree\.h' 'src/pg/key_walk\.cpp'
only '(access|catalog|commands|executor|fmgr|funcapi|miscadmin|nodes|parser|storage|tcop|utils)[/.].*' 'src/pg/.*'
only '(.*/)?pg/[a-z_0-9]+\.hpp' 'src/pg/.*'
only 'microhttpd\.h' 'http_frontend/(http_server\.cpp|mhd_exchange\.hpp)'
only 'prometheus/.*' 'http_frontend/metrics\.cpp'
only 'gnutls/.*' 'http_frontend/tls_credentials\.cpp' 'http_frontend/auth/.*' 'test/unit/signing_key\.hpp'
only 'libpq-fe\.h|libpq/.*' 'http_frontend/db/pg_(connection|session)\.(hpp|cpp)'
only 'systemd/.*' 'http_frontend/service_manager\.cpp'
only '(.*/)?http_frontend/.*' 'http_frontend/.*' 'test/unit/.*'
exit "$failed"
