#!/usr/bin/env bash
# Installs what lint and tests need beside Go, where it is missing, from Debian's packages.
# Usage: prerequisites.sh [FOLDER...]: only what these folders need; without an argument, what any folder needs.
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin"

# program, package, and the folder that needs it: what is not in the tree is not asked for.
needed="
gcc             gcc                  internal
shellcheck      shellcheck           hack
cloud-init      cloud-init           internal/userdata
systemd-analyze systemd              internal/userdata
sshd            openssh-server       internal/userdata
ssh-keygen      openssh-client       internal/userdata
curl            curl                 internal/userdata
mariadbd        mariadb-server-core  lab/database
chromium        chromium             app/browser
node            nodejs               app/browser
npm             npm                  app/browser
ip              iproute2             lab/network
nft             nftables             lab/network
sysctl          procps               lab/network
systemd-nspawn  systemd-container    lab/nspawn
mmdebstrap      mmdebstrap           lab/nspawn
unshare         util-linux           lab/nspawn
nsenter         util-linux           lab/nspawn
ssh             openssh-client       test/e2e
ssh-keygen      openssh-client       test/e2e
"

asked_for() { # FOLDER WANTED...
  local folder=$1
  shift
  (($# == 0)) && return 0
  [[ " $* " == *" $folder "* ]]
}

missing=()
while read -r program package folder; do
  [[ -n $program && -d $folder ]] || continue
  asked_for "$folder" "$@" || continue
  command -v "$program" >/dev/null || missing+=("$package")
done <<<"$needed"

if ((${#missing[@]} == 0)); then
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo "prerequisites: install these with your own package manager (the names are Debian's): ${missing[*]}" >&2
  exit 1
fi
as_root=()
if [[ $(id -u) != 0 ]]; then
  command -v sudo >/dev/null || { echo "prerequisites: as root, run: apt-get install --no-install-recommends ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "prerequisites: installing ${missing[*]}"
install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --quiet --no-install-recommends "${missing[@]}")
"${install[@]}" >/dev/null || { "${as_root[@]}" apt-get update --quiet --quiet && "${install[@]}" >/dev/null; }
