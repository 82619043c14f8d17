#!/usr/bin/env bash
# What the documents promise is there: every relative link leads to a file, every `make x` is a target, every metric is
# described, and no path is that of somebody's own machine.
set -euo pipefail
status=0
complain() { echo "verify-docs: $*" >&2; status=1; }

mapfile -t documents < <(git ls-files --cached --others --exclude-standard '*.md' | while read -r file; do
  if [[ -f $file ]]; then echo "$file"; fi
done)
targets=$(grep -hoE '^[a-z][a-z0-9-]*:' Makefile hack/make/*.mk)

# Targets of links and images, in Markdown and in HTML, but for those that lead out of the repository or stay on the page.
# A pattern that prose quotes may look like one.
# shellcheck disable=SC2016 # no command is meant
while read -r document link; do
  [[ -e $(dirname "$document")/$link ]] || complain "$document: the link to $link leads nowhere"
done < <(for document in "${documents[@]}"; do
  sed -E 's/`[^`]*`//g' "$document" | grep -oE '(\]\(|(src|srcset|href)=")[^)" #]+' | sed "s|^|$document:|" || true
done | sed -E 's/:(\]\(|[a-z]+=")/ /' | grep -vE ' [a-z]+:' || true)

# Commands in blocks of code, and those that prose quotes.
while read -r document target; do
  grep -qx "$target:" <<<"$targets" || complain "$document: there is no make $target"
done < <(awk '
  FNR == 1 { code = 0 }
  /^ *```/ { code = !code; next }
  code { print FILENAME, $0; next }
  { while (match($0, /`[^`]*`/)) { print FILENAME, substr($0, RSTART + 1, RLENGTH - 2); $0 = substr($0, RSTART + RLENGTH) } }
  ' "${documents[@]}" | sed -nE 's/^([^ ]+)[ $]+make ([a-z][a-z0-9-]*).*/\1 \2/p' | sort -u)

while read -r metric; do
  grep -q "^| \`$metric\`" docs/reference/metrics.md || complain "docs/reference/metrics.md does not tell of $metric"
done < <(grep -rhoE --include='*.go' --exclude='*_test.go' '"ums_[a-z]+_[a-z_]+"' controllers internal app | tr -d '"' | sort -u)

while IFS= read -r path; do
  complain "a path of one machine: $path"
done < <(grep -onHE '(^|[^[:alnum:]_.-])/(home|root|work|Users)/[[:alnum:]][^ )`"]*' "${documents[@]}" || true)

((status == 0)) && echo "verify-docs: links and make targets in the documents are there"
exit $status
