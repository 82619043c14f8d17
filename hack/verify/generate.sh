#!/usr/bin/env bash
# Generates everything anew in a copy of the tree and compares.
set -euo pipefail
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

# What git knows and what it would take up; the copy needs no history.
git ls-files --cached --others --exclude-standard -z |
  while IFS= read -r -d '' file; do if [[ -e $file ]]; then printf '%s\0' "$file"; fi; done |
  tar --null --files-from=- --create --file=- | tar --extract --file=- --directory="$copy"
cp -r "$copy" "$copy.before"
mkdir -p bin && ln -s "$PWD/bin" "$copy/bin" # the tools that are built already
trap 'rm -rf "$copy" "$copy.before"' EXIT

make -C "$copy" generate >"$copy.log" 2>&1 || { cat "$copy.log"; rm -f "$copy.log"; exit 1; }
rm -f "$copy.log"
if ! diff --recursive --unified --new-file --exclude=bin "$copy.before" "$copy"; then
  echo "verify-generate: these files are not what the generators write; run: make generate" >&2
  exit 1
fi
echo "verify-generate: generated files are current"
