#!/bin/sh
# Makes WORK/root, a fresh Debian 12 with everything but the package itself, which runs /host/inside.sh when it is booted
# and powers off; and WORK/host, which becomes /host there: packages, examples, recordings. For boot.sh and nfs.sh.
# Usage: ready.sh WORK FOLDER SCRIPT PACKAGE...   (FOLDER: where the package is that "make deb" left)
set -eu
work=$1
folder=$(readlink -f "$2")
script=$3
shift 3
cd "$(dirname "$0")/../.."
version=$(dpkg-parsechangelog -l packaging/debian/changelog -S Version)
package="$folder/parlograph_${version}_$(dpkg --print-architecture).deb"
root="$work/root"

sh packaging/lab/root.sh "$root" "$@"
mkdir "$work/host"
cp "$package" "$work/host/parlograph.deb"
cp "$folder/parlograph-model-moonshine-tiny-en_${version}_all.deb" "$work/host/model.deb"
cp "packaging/lab/$script" "$work/host/inside.sh"
cp packaging/lab/checks.sh "$work/host/"
cp -R etc/examples "$work/host/examples"
flite -voice slt -o "$work/host/talk.wav" -t "the committee will meet on monday morning to discuss the budget"
# A minute and a half: long enough to be met at work.
sox "$work/host/talk.wav" "$work/host/long.wav" repeat 30

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

mkdir -p "$root/host"
cat >"$root/etc/systemd/system/lab.service" <<'UNIT'
[Unit]
After=multi-user.target
RequiresMountsFor=/host
[Service]
Type=oneshot
ExecStart=/bin/sh -c '/bin/sh /host/inside.sh >/host/log 2>&1; echo $? >/host/status'
ExecStartPost=/bin/systemctl --no-block poweroff
UNIT
mkdir -p "$root/etc/systemd/system/default.target.wants"
ln -s ../lab.service "$root/etc/systemd/system/default.target.wants/lab.service"
: >"$work/host/log"
