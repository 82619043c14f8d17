#!/bin/sh
# Puts this host's release in place before each start of usermanagement.service, which gives the variables. What is
# there already is only checked, so that it may run any number of times.
set -eu
umask 022
binary=$RELEASE_ROOT/releases/$RELEASE_VERSION-$RELEASE_SHA256/app

fail() {
	echo "usermanagement: host not installed: $*" >&2
	{ echo "usermanagement: host not installed: $*" >/dev/console; } 2>/dev/null || true
	sleep "$RETRY_DELAY" # systemd tries again for ever, and a release server shall not mind
	exit 1
}

fetch() { # url file
	if command -v curl >/dev/null; then
		curl --fail --silent --show-error --location --proto '=http,https' --retry 5 --retry-connrefused --retry-delay 2 \
			--retry-max-time 600 --connect-timeout 10 --max-time 240 --output "$2" "$1"
	elif command -v wget >/dev/null; then
		wget --quiet --tries=6 --waitretry=4 --timeout=30 --output-document="$2" "$1"
	else
		fail "the image has neither curl nor wget"
	fi
}

genuine() { echo "$RELEASE_SHA256  $1" | sha256sum --check --status 2>/dev/null; }

if ! genuine "$binary"; then
	mkdir -p "${binary%/*}"
	fetch "$RELEASE_URL" "$binary.part" || fail "cannot fetch release $RELEASE_VERSION from $RELEASE_URL"
	if ! genuine "$binary.part"; then
		found=$(sha256sum "$binary.part" | cut -d' ' -f1)
		rm -f "$binary.part"
		fail "release $RELEASE_VERSION has checksum $found, wanted $RELEASE_SHA256"
	fi
	chmod 0755 "$binary.part"
	sync "$binary.part"
	mv "$binary.part" "$binary"
fi
ln -sfn "${binary%/*}" "$RELEASE_ROOT/.current"
mv -T "$RELEASE_ROOT/.current" "$RELEASE_ROOT/current"

if ! [ -s "$CA_FILE" ]; then
	fetch "$CA_URL" "$CA_FILE.part" || fail "cannot fetch the database's certificate authorities from $CA_URL"
	grep -q 'BEGIN CERTIFICATE' "$CA_FILE.part" || fail "what is at $CA_URL is not a list of certificates"
	mv "$CA_FILE.part" "$CA_FILE"
fi

instance=$(cloud-init query instance_id) || fail "cloud-init does not know the instance's id"
mkdir -p "${HOST_FILE%/*}"
printf 'UMS_HOST_ID=%s\n' "$(printf %s "$instance" | sha256sum | cut -c1-12)" >"$HOST_FILE"
echo "usermanagement: release $RELEASE_VERSION is in place" >&2
