#!/bin/bash
# The versions of PostgreSQL that documents and META.json name are those that pg_compat.hpp knows.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$(realpath -- "${BASH_SOURCE[0]}")")/lib.sh"
cd -- "$repository"
failed=0
expect() { # expect FILE TEXT
  grep -qF -- "$2" "$1" || {
    echo "$1 does not say: $2"
    failed=1
  }
}
[[ $oldest_server =~ ^[0-9]+$ && $newest_server =~ ^[0-9]+$ ]] || die "pg_compat.hpp has not the two constants."
expect README.md "PostgreSQL $oldest_server to $newest_server."
expect docs/operations.md "PostgreSQL $oldest_server to $newest_server."
expect docs/posting_engine.md "the server's version is not $oldest_server to $newest_server"
expect docs/design.md "PostgreSQL $oldest_server and $newest_server"
expect META.json "\"PostgreSQL\": \"$oldest_server.0.0\""
exit "$failed"
