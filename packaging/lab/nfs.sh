#!/bin/sh
# The package in a fresh Debian 12 with a kernel of its own (user-mode Linux), since NFS needs one: an NFS server that
# exports the folders as the example says, its clients, and the service on a client of an NFS and of an SMB server. As
# root; about seven minutes, the first time two more.
# Usage: nfs.sh FOLDER   (where the package is that "make deb" left)
set -eu
folder=$(readlink -f "$1")
cd "$(dirname "$0")/../.."
work=$(mktemp -d "${TMPDIR:-/tmp}/parlograph-lab.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

sh packaging/lab/ready.sh "$work" "$folder" nfs-inside.sh systemd-sysv dbus procps acl kmod nfs-kernel-server samba smbclient cifs-utils
# Without the frame that tells the length.
lame --quiet -t --cbr -b 32 "$work/host/long.wav" "$work/host/long.mp3"
chmod -R a+rX "$work/host"
mkdir -p "$work/root/usr/lib/modules"
cp -a /usr/lib/uml/modules/. "$work/root/usr/lib/modules/"
echo "none /host hostfs sync,$work/host 0 0" >"$work/root/etc/fstab"
# It would wait for a network, and the boot for it.
ln -s /dev/null "$work/root/etc/systemd/system/nmbd.service"
mke2fs -q -t ext4 -d "$work/root" "$work/root.img" 3G
rm -rf "$work/root"

tail -f "$work/host/log" &
tail=$!
timeout --foreground -k 10 2400 linux.uml "ubd0=$work/root.img" root=/dev/ubda rw mem=1G "uml_dir=$work/uml" con0=null,fd:2 \
  con=null ssl=null >"$work/console" 2>&1 </dev/null || true
sleep 1
kill "$tail" 2>/dev/null || true
wait "$tail" 2>/dev/null || true
if [ ! -e "$work/host/status" ]; then
  echo "The system did not boot, or did not finish:"
  tail -n 30 "$work/console"
  exit 1
fi
exit "$(cat "$work/host/status")"
