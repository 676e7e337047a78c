#!/bin/sh
# The package in a fresh Debian 12 that is booted with its own systemd (systemd-nspawn) and a Samba server: start,
# reload, watchdog, shares, instances, upgrade, purge. As root; about five minutes, the first time a minute more.
# Usage: boot.sh FOLDER [SCRIPT]   (where the package is that "make deb" left; what runs there, inside.sh by default)
set -eu
folder=$(readlink -f "$1")
script=${2:-inside.sh}
cd "$(dirname "$0")/../.."
work=$(mktemp -d "${TMPDIR:-/tmp}/parlograph-lab.XXXXXX")
root="$work/root"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

sh packaging/lab/ready.sh "$work" "$folder" "$script" systemd-sysv dbus procps samba samba-vfs-modules smbclient acl \
  ffmpeg flite python3
cp packaging/lab/stops-inside.py "$work/host/"
cp -R packaging/debian/tests "$work/host/tests"
dpkg-deb -R "$work/host/parlograph.deb" "$work/older"
sed -i '/^Version: /s/$/~previous/' "$work/older/DEBIAN/control"
sed -i '1i # The previous version.' "$work/older/etc/parlograph/parlograph.toml"
(cd "$work/older" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | xargs -0 md5sum >DEBIAN/md5sums)
dpkg-deb -Znone -b "$work/older" "$work/host/previous.deb" >/dev/null
rm -rf "$work/older"
chmod -R a+rX "$work/host"

# It would wait for a network, and the boot for it.
ln -s /dev/null "$root/etc/systemd/system/nmbd.service"

tail -f "$work/host/log" &
tail=$!
systemd-nspawn --quiet -D "$root" --boot --register=no --keep-unit --private-network --resolv-conf=off \
  --timezone=off --console=pipe --bind="$work/host:/host" >"$work/console" 2>&1 </dev/null || true
sleep 1
kill "$tail" 2>/dev/null || true
wait "$tail" 2>/dev/null || true
if [ ! -e "$work/host/status" ]; then
  echo "The system did not boot:"
  tail -n 30 "$work/console"
  exit 1
fi
exit "$(cat "$work/host/status")"
