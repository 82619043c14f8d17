#!/bin/sh
# Boots a machine; runs as `sh -c`, as the first process of a PID and a mount namespace of its own: when it ends, however it
# ends, the kernel ends all of the machine's processes and takes its mounts away. systemd-nspawn alone does not see to that.
# Arguments: name, image, folder with upper/ work/ root/, network namespace, cgroups to enter (a list), further arguments.
set -eu
name=$1 image=$2 folder=$3 network=$4 cgroups=$5
shift 5
for cgroup in $cgroups; do
	mkdir -p "$cgroup"
	echo 0 >"$cgroup/cgroup.procs"
done
mount -t overlay overlay -o "lowerdir=$image,upperdir=$folder/upper,workdir=$folder/work" "$folder/root" || {
	echo "lab: cannot put an overlay into $folder: its file system has to be one that overlays can lie on, such as ext4 or xfs" >&2
	exit 1
}
reboot=133 # how systemd-nspawn ends when its machine wants to boot again
code=$reboot
trap 'kill -TERM "$container" 2>/dev/null || true' TERM
while [ "$code" = "$reboot" ]; do
	systemd-nspawn --quiet --boot --directory="$folder/root" --machine="$name" --register=no --console=read-only \
		--network-namespace-path="$network" --resolv-conf=off --timezone=off --link-journal=no "$@" &
	container=$!
	while kill -0 "$container" 2>/dev/null; do
		code=0
		wait "$container" || code=$? # the trap ends it early
	done
done
