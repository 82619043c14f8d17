#!/usr/bin/env bash
# Unpacks a MySQL server into the user's cache and prints the folder: the app runs on RDS for MySQL, and Debian's stable
# release has MariaDB only. Debian's unstable one has MySQL; its packages are fetched and checked by an apt with lists of
# its own, and nothing of them is installed on this machine. They bring the C library that they were made for.
set -euo pipefail

suite=sid
package=mysql-server-core
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
cache=${XDG_CACHE_HOME:-$HOME/.cache}/user-management-stack/mysql

stop() { echo "mysql: $*" >&2; exit 1; }

[[ $(uname -m) == x86_64 ]] || stop "this is $(uname -m); only x86_64 was tried"
for program in apt-get dpkg-deb flock; do
  command -v "$program" >/dev/null || stop "$program is missing: this works on Debian and what is made from it"
done
[[ -r $keyring ]] || stop "$keyring is missing: install debian-archive-keyring"

mkdir -p "$cache"
exec 9>"$cache/lock" # two test runs that begin at once unpack it once
flock 9
if [[ -x $cache/root/usr/sbin/mysqld ]]; then
  echo "$cache/root"
  exit 0
fi

work=$(mktemp -d "$cache/unfinished.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{lists/partial,archives/partial,parts,root}
touch "$work/status"
echo "deb [arch=amd64 signed-by=$keyring check-valid-until=no] http://deb.debian.org/debian $suite main" >"$work/sources.list"
cat >"$work/apt.conf" <<CONF
Dir::State "$work";
Dir::State::lists "$work/lists";
Dir::State::status "$work/status";
Dir::Cache "$work";
Dir::Cache::archives "$work/archives";
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "$work/parts";
Dir::Etc::preferences "$work/preferences";
Dir::Etc::preferencesparts "$work/parts";
APT::Architecture "amd64";
APT::Architectures "amd64";
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::http::Timeout "30";
CONF
export APT_CONFIG=$work/apt.conf
{
  apt-get --quiet --quiet update
  apt-get --quiet --quiet --yes --download-only install "$package"
} >&2 || stop "$package could not be fetched from Debian's $suite"
for archive in "$work"/archives/*.deb; do
  dpkg-deb --extract "$archive" "$work/root"
done
rm -rf "$cache/root"
mv "$work/root" "$cache/root"
echo "$cache/root"
