#!/bin/bash
# Shell scripts are free of what shellcheck warns of.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
find . -name .git -prune -o -name build -prune -o -type f -print0 |
  xargs -0 grep -lEZ '^#!/bin/(ba)?sh|^# shellcheck shell=' | xargs -0 shellcheck -x
