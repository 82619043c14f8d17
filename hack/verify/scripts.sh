#!/usr/bin/env bash
# Shell scripts parse, are bash that stops at the first error, and pass shellcheck.
set -euo pipefail
status=0
mapfile -t scripts < <(git ls-files --cached --others --exclude-standard '*.sh' .ci/run)
for script in "${scripts[@]}"; do
  [[ -f $script ]] || continue
  bash -n "$script" || status=1
  grep -q '^#!' "$script" || { echo "lint: $script: no line says what runs it" >&2; status=1; }
  grep -Eq '^set -e' "$script" || { echo "lint: $script: set -euo pipefail is missing: it would go on after an error" >&2; status=1; }
done
if command -v shellcheck >/dev/null; then
  shellcheck "${scripts[@]}" || status=1
else
  echo "lint: shellcheck is not installed (make prerequisites installs it): scripts were parsed only"
fi
exit $status
