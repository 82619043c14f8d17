#!/usr/bin/env bash
# The house's sizes: no file of our own over 500 lines. Nothing vendored, nothing binary. (Functions: see make lint.)
set -euo pipefail
export LC_ALL=C # files are bytes here
status=0
complain() { echo "verify-layout: $*" >&2; status=1; }

# search FILES GREP'S-ARGUMENTS... looks through what git knows and what it would take up, in one process: one per file
# takes minutes on a busy machine.
search() { git ls-files -z --cached --others --exclude-standard -- "$1" | xargs -0 grep --no-messages "${@:2}" || true; }

generated=$(search '*.go' -lE '^// Code generated .* DO NOT EDIT\.$')
while IFS=: read -r file lines; do
  grep -qxF "$file" <<<"$generated" || complain "$file has $lines lines; 500 is the most: split it by concern"
done < <(search '*.go' -c '' | awk -F: '$2 > 500')

while IFS= read -r path; do
  complain "$path: foreign code belongs into a go.mod, not into the tree"
done < <(git ls-files --cached --others --exclude-standard | grep -E '(^|/)(vendor|node_modules|third_party)/' || true)

while IFS= read -r file; do
  complain "$file is a program; build it instead"
done < <(search '*' -lUaP '^\x7fELF')

((status == 0)) && echo "verify-layout: files keep to the house's sizes"
exit $status
