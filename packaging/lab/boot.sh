#!/bin/sh
# The package in a fresh Debian 12 that is booted with its own systemd (systemd-nspawn) and a Samba server: start,
# reload, watchdog, shares, upgrade, purge. As root; about three minutes, the first time a minute more.
# Usage: boot.sh FOLDER   (where the package is that "make deb" left)
set -eu
folder=$(readlink -f "$1")
cd "$(dirname "$0")/../.."
version=$(dpkg-parsechangelog -l packaging/debian/changelog -S Version)
package="$folder/parlograph_${version}_$(dpkg --print-architecture).deb"
work=$(mktemp -d "${TMPDIR:-/tmp}/parlograph-lab.XXXXXX")
root="$work/root"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

sh packaging/lab/root.sh "$root" systemd-sysv dbus procps samba samba-vfs-modules smbclient acl ffmpeg flite
mkdir "$work/host"
cp "$package" "$work/host/parlograph.deb"
cp packaging/lab/inside.sh "$work/host/"
cp -R etc/examples "$work/host/examples"
cp -R packaging/debian/tests "$work/host/tests"
dpkg-deb -R "$package" "$work/older"
sed -i "s/^Version: .*/Version: $version~previous/" "$work/older/DEBIAN/control"
sed -i '1i # The previous version.' "$work/older/etc/parlograph/parlograph.toml"
(cd "$work/older" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | xargs -0 md5sum >DEBIAN/md5sums)
dpkg-deb -Znone -b "$work/older" "$work/host/previous.deb" >/dev/null
rm -rf "$work/older"
flite -voice slt -o "$work/host/talk.wav" -t "the committee will meet on monday morning to discuss the budget"
# A minute and a half: long enough to be met at work.
sox "$work/host/talk.wav" "$work/host/long.wav" repeat 30
chmod -R a+rX "$work/host"

# What the packages need is installed before the system is booted: inside there is no network.
mkdir -p "$root/lab"
cp "$package" "$root/lab/"
inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
inside apt-get update -q >/dev/null
# shellcheck disable=SC2046
inside apt-get install -y -qq $(inside apt-get install -s -y "/lab/${package##*/}" |
  sed -n 's/^Inst \([^ ]*\) .*/\1/p' | grep -v '^parlograph$') >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
rm -rf "$root/lab"
rm -f "$root/etc/resolv.conf"

cat >"$root/etc/systemd/system/lab.service" <<'UNIT'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c '/bin/sh /host/inside.sh >/host/log 2>&1; echo $? >/host/status'
ExecStartPost=/bin/systemctl --no-block poweroff
UNIT
# It would wait for a network, and the boot for it.
ln -s /dev/null "$root/etc/systemd/system/nmbd.service"
mkdir -p "$root/etc/systemd/system/default.target.wants"
ln -s ../lab.service "$root/etc/systemd/system/default.target.wants/lab.service"

: >"$work/host/log"
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
