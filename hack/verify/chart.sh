#!/usr/bin/env bash
# The chart passes helm's own checks with every set of values that ci/ holds; the kustomize base and each part of it can
# be built. Usage: chart.sh HELM KUSTOMIZE
set -euo pipefail
helm=$1 kustomize=$2
chart=charts/user-management-stack

for values in "$chart"/values.yaml "$chart"/ci/*.yaml; do
  if ! report=$("$helm" lint --strict --quiet "$chart" --values "$values" 2>&1); then
    echo "verify-chart: helm lint with $values:" >&2
    echo "$report" >&2
    exit 1
  fi
done
for base in crd rbac manager default; do
  "$kustomize" build "config/$base" >/dev/null
done
echo "verify-chart: chart and kustomize base are sound"
