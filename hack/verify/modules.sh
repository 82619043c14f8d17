#!/usr/bin/env bash
# Every module of the repository, the tools' among them, is tidy.
set -euo pipefail
untidy=0
while IFS= read -r module; do
  if ! (cd "$(dirname "$module")" && go mod tidy -diff); then
    echo "verify-modules: $module is not tidy; run there: go mod tidy (after a merge of go.sum: rm go.sum first)" >&2
    untidy=1
  fi
done < <(git ls-files --cached --others --exclude-standard '*go.mod')
[[ $untidy == 0 ]]
echo "verify-modules: every go.mod is tidy"
