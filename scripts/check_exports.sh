#!/bin/bash
# The extension's library may export what PostgreSQL looks up and nothing else. If two extensions share a C++ symbol, a
# backend crashes far from the cause. Also: every C function of the SQL scripts is there.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
library=${1:-audit_ext.so}
[ -e "$library" ] || { echo "There is no $library: run make first."; exit 1; }
failed=0

symbols=$(nm -D --defined-only -- "$library" | awk '{ print $NF }')
functions=$(sed -n 's/^pg_finfo_//p' <<<"$symbols")
for symbol in $symbols; do
  case $symbol in
    Pg_magic_func | _PG_init | pg_finfo_*) ;;
    audit_maintenance_main) ;; # the background worker's, by its name
    _ZSt* | _ZNSt* | _ZNKSt* | _ZZNSt* | _ZZNKSt* | _ZT?St* | _ZT?NSt* | _ZGVZNSt*) ;; # of the standard library: the same in every library
    *)
      if ! grep -qxF -- "$symbol" <<<"$functions"; then
        echo "$library exports $(c++filt "$symbol"), which no SQL function is made of."
        failed=1
      fi
      ;;
  esac
done

# The statement before AS 'MODULE_PATHNAME' begins with the function's name, which is also the C function's
# unless AS names another.
declared=$(cat sql/*.sql | tr '\n' ' ' | sed 's/;/;\n/g' | grep MODULE_PATHNAME |
  sed -E "s/.*MODULE_PATHNAME', *'([a-z_0-9]+)'.*/\1/; s/.*(FUNCTION|PROCEDURE) @extschema@\.([a-z_0-9]+)\(.*/\2/" | sort -u)
for name in $declared; do
  if ! grep -qxF -- "$name" <<<"$functions"; then
    echo "The SQL scripts name the C function $name, which $library has not."
    failed=1
  fi
done
[ -n "$declared" ] || { echo "No C function found in sql/: this check is broken."; failed=1; }
exit "$failed"
