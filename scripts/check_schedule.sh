#!/bin/bash
# A test that nobody runs passes forever. So: every pg_regress input is in REGRESS and has an answer, every answer has
# an input, the same for the isolation specs and ISOLATION, and every unit test is built.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
failed=0
complain() {
  echo "$1"
  failed=1
}

# make -q says by its exit status whether there is something to do, which does not matter here.
scheduled=$({ make -pnq 2>/dev/null || true; } | sed -n 's/^REGRESS := //p; s/^REGRESS = //p' | tr ' ' '\n' | sed '/^$/d')
[ -n "$scheduled" ] || complain "Makefile: REGRESS is empty."
for input in test/sql/*.sql; do
  name=$(basename "$input" .sql)
  grep -qxF -- "$name" <<<"$scheduled" || complain "$input is not in the Makefile's REGRESS."
  [ -e "expected/$name.out" ] || complain "$input has no expected/$name.out."
done
for name in $scheduled; do
  [ -e "test/sql/$name.sql" ] || complain "REGRESS has $name, but there is no test/sql/$name.sql."
done
for answer in expected/*.out; do
  # pg_regress takes name_1.out and so on as other right answers.
  name=$(basename "$answer" .out)
  [ -e "test/sql/$name.sql" ] || [ -e "test/sql/${name%_[0-9]}.sql" ] || complain "$answer has no input in test/sql."
done

specs=$({ make -pnq 2>/dev/null || true; } | sed -n 's/^ISOLATION := //p; s/^ISOLATION = //p' | tr ' ' '\n' | sed '/^$/d' | sort)
diff <(printf '%s\n' "$specs") <(basename -s .spec test/isolation/specs/*.spec | sort) || complain "ISOLATION is not the list of test/isolation/specs."
diff <(printf '%s\n' "$specs") <(basename -s .out test/isolation/expected/*.out | sort) || complain "ISOLATION is not the list of test/isolation/expected."

built=$(make -C test/unit -nB 2>/dev/null || true)
for test in test/unit/*_test.cpp; do
  [ -e "$test" ] || { complain "test/unit has no test."; break; }
  grep -qwF -- "$(basename "$test")" <<<"$built" || complain "$test is not built by make unit."
done
exit "$failed"
