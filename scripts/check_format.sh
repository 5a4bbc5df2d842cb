#!/bin/bash
# All C++ is as clang-format leaves it. Other versions format a little differently, so only Debian 12's counts.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
readonly wanted=14

tool=clang-format
if command -v "clang-format-$wanted" >/dev/null; then tool=clang-format-$wanted; fi
if ! command -v "$tool" >/dev/null || ! "$tool" --version | grep -q "version $wanted\."; then
  echo "No clang-format $wanted here: the format is not checked."
  exit 0
fi
failed=0
while IFS= read -r -d '' file; do
  if ! "$tool" "$file" | cmp -s - "$file"; then
    echo "$file is not formatted: run make format."
    failed=1
  fi
done < <(find src http_frontend test/unit test/fuzz \( -name '*.cpp' -o -name '*.hpp' \) -print0)
exit "$failed"
