#!/bin/bash
# A test that is never run passes forever, and so does one without an answer. The Makefile runs every pg_regress input and
# every isolation spec: so each has an answer and each answer an input. Every unit test is built.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
failed=0
complain() {
  echo "$1"
  failed=1
}

# have_answers INPUTS SUFFIX ANSWERS: pg_regress takes NAME_1.out and so on as other right answers.
have_answers() {
  diff <(basename -s ".$2" "$1"/*."$2" | sort) <(basename -s .out "$3"/*.out | sed 's/_[0-9]$//' | sort -u) ||
    complain "The files in $1 are not those that have an answer in $3."
}
have_answers test/sql sql expected
have_answers test/isolation/specs spec test/isolation/expected

built=$(make -C test/unit -nB 2>/dev/null || true)
for test in test/unit/*_test.cpp; do
  [ -e "$test" ] || { complain "test/unit has no test."; break; }
  grep -qwF -- "$(basename "$test")" <<<"$built" || complain "$test is not built by make unit."
done
exit "$failed"
