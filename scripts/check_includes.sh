#!/bin/bash
# Keeps the borders between the parts (docs/design.md, "The borders"): who may include what.
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

# falls ROOT WING...: a file of a wing includes nothing of a wing that stands before its own. Files beside the wings include all.
falls() {
  local root=$1 above='' wing found
  shift
  for wing in "$@"; do
    if [ -n "$above" ]; then
      found=$(grep -rnE --include='*.hpp' --include='*.cpp' "^[[:space:]]*#[[:space:]]*include \"($above)/" "$root/$wing" || true)
      if [ -n "$found" ]; then
        printf '%s/%s must not include %s, but:\n%s\n' "$root" "$wing" "$above" "$found"
        failed=1
      fi
    fi
    above+=${above:+|}$wing
  done
}

falls http_frontend endpoints settings watch auth db http base
falls src/pg guarding maintaining writing reading engine partitions base

only 'postgres\.h' 'src/pg/base/postgres_api\.hpp'
only '(.*/)?postgres_api\.hpp' 'src/pg/.*'
only 'access/gin_private\.h' 'src/pg/engine/gin_entries\.hpp'
only '(.*/)?gin_entries\.hpp' 'src/pg/engine/(gin_entries|pending_list|posting_reader)\.cpp'
only 'access/nbtree\.h' 'src/pg/engine/key_walk\.cpp'
only '(access|catalog|commands|executor|fmgr|funcapi|miscadmin|nodes|parser|storage|tcop|utils)[/.].*' 'src/pg/.*'
only '(.*/)?pg/.*\.hpp|(partitions|engine|reading|writing|maintaining|guarding)/.*' 'src/pg/.*'
only 'microhttpd\.h' 'http_frontend/http/(http_(server|connection)\.cpp|mhd_[a-z_]*\.hpp)'
only 'prometheus/.*' 'http_frontend/watch/metrics\.cpp'
only 'gnutls/.*' 'http_frontend/http/tls_credentials\.cpp' 'http_frontend/auth/.*' 'test/unit/signing_key\.hpp'
only 'libpq-fe\.h|libpq/.*' 'http_frontend/db/pg_[a-z]*\.cpp'
only 'systemd/.*' 'http_frontend/watch/service_manager\.cpp'
only '(.*/)?http_frontend/.*' 'http_frontend/.*' 'test/unit/.*'
exit "$failed"
