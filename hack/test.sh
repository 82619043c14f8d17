#!/usr/bin/env bash
# Runs the tests of packages as one stream of go test's JSON, for gotestsum: those in which much happens at once with the
# race detector, the others without. Usage: test.sh PACKAGE...
# RACE=0 leaves the race detector out, RACE=all has it also where half of Kubernetes has to be compiled once more for it and
# where tests run control planes and browsers, which it makes three times as slow; GO_TEST_FLAGS adds flags.
set -euo pipefail

# Two packages at a time, because several of them run an etcd and an API server of their own. Every wait of a test has a
# bound of its own; the limit is for what should never happen.
flags=(-json -p "${TEST_PACKAGES_AT_ONCE:-2}" -timeout 30m -shuffle on)
read -r -a more <<<"${GO_TEST_FLAGS:-}"

raced=() plain=()
while IFS= read -r package; do
  case "${RACE:-some}:$package" in
    0:*) plain+=("$package") ;;
    all:*/internal/* | all:*/controllers* | all:*/lab/* | all:*/app/* | all:*/test/integration*) raced+=("$package") ;;
    *:*/app/browser*) plain+=("$package") ;;
    *:*/app/* | *:*/internal/probe* | *:*/lab/cloud* | *:*/lab/balancer*) raced+=("$package") ;;
    *) plain+=("$package") ;;
  esac
done < <(go list "$@")

race=(-race)
if ! command -v "$(go env CC)" >/dev/null; then
  echo "test: no C compiler, so no race detector (apt-get install gcc)" >&2
  race=()
fi

failed=0
if ((${#raced[@]})); then go test "${flags[@]}" "${race[@]}" "${more[@]}" "${raced[@]}" || failed=1; fi
if ((${#plain[@]})); then go test "${flags[@]}" "${more[@]}" "${plain[@]}" || failed=1; fi
exit $failed
