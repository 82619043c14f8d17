#!/usr/bin/env bash
# Builds a release of the web app for every architecture that hosts may have, with its checksums, and prints what to put
# into spec.app. The same commit built by the same Go is the same file. Usage: app-release.sh VERSION URL
set -euo pipefail

version=$1 url=${2%/}
# What the API server takes, so that a mistake shows before hours of upload.
if ! [[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?([+][0-9A-Za-z.-]+)?$ ]]; then
  echo "app-release: APP_VERSION=$version is not a version such as 1.5.0 (commit, tag it, or set it)" >&2
  exit 1
fi
if ! [[ $url =~ ^https?:// ]]; then
  echo "app-release: RELEASE_URL=$url is not an address hosts can fetch from" >&2
  exit 1
fi

folder=dist/app/$version
rm -rf "$folder"
mkdir -p "$folder"
for architecture in amd64 arm64; do
  CGO_ENABLED=0 GOOS=linux GOARCH=$architecture "${GO:-go}" build -p 2 -trimpath -ldflags "-s -w -X main.version=$version" \
    -o "$folder/app-linux-$architecture" ./cmd/app
done
(cd "$folder" && sha256sum app-linux-* >SHA256SUMS)

echo "In $folder; put its files under $url and release them with"
echo
echo "spec:"
echo "  app:"
echo "    version: $version"
echo "    artifacts:"
while read -r sum file; do
  echo "      - {architecture: ${file##*-}, url: $url/$file, sha256: $sum}"
done <"$folder/SHA256SUMS"
