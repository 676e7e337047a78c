#!/bin/sh
# Installs, uses, upgrades, removes and purges the package in a fresh Debian 12 without a running systemd, and compares
# what is there before and after. As root; about two minutes, the first time a minute more.
# Usage: chroot.sh FOLDER   (where the package is that "make deb" left)
set -eu
folder=$(readlink -f "$1")
cd "$(dirname "$0")/../.."
version=$(dpkg-parsechangelog -l packaging/debian/changelog -S Version)
package="$folder/parlograph_${version}_$(dpkg --print-architecture).deb"
work=$(mktemp -d "${TMPDIR:-/tmp}/parlograph-lab.XXXXXX")
root="$work/root"
cleanup() {
  umount "$root/proc" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
failures=0
check() { # WHAT COMMAND...
  what=$1
  shift
  if "$@" >"$work/out" 2>&1; then
    echo "ok    $what"
  else
    echo "FAIL  $what"
    sed 's/^/        /' "$work/out" | tail -n 20
    failures=$((failures + 1))
  fi
}
inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
# An administrator who keeps the edited file where dpkg asks, which is also what happens without an answer.
install_package() {
  inside apt-get install -y -q -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}
as() { user=$1; shift; inside setpriv --reuid "$user" --regid "$user" --init-groups "$@"; }
rights() { inside stat -c '%U:%G %a' "$1"; }
have_rights() { [ "$(rights "$1")" = "$2" ] || { echo "$1: $(rights "$1"), not $2"; return 1; }; }
# Type, owner, rights, size of every file but what apt, dpkg and the system write by themselves.
files() {
  (cd "$root" && find . -xdev \( -path ./proc -o -path ./run -o -path ./var/lib/dpkg -o -path ./var/lib/apt -o -path ./var/cache/apt \
    -o -path ./var/log -o -path ./lab -o -path ./tmp -o -path ./var/cache/ldconfig \) -prune -o \
    \( -type f -printf '%p %y %U:%G %m %s\n' -o -printf '%p %y %U:%G %m %l\n' \) | LC_ALL=C sort)
}

# The one before: an older version, whose configuration file differed.
older() {
  dpkg-deb -R "$package" "$work/older"
  sed -i "s/^Version: .*/Version: $version~previous/" "$work/older/DEBIAN/control"
  sed -i '1i # The previous version.' "$work/older/etc/parlograph/parlograph.toml"
  (cd "$work/older" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | xargs -0 md5sum >DEBIAN/md5sums)
  dpkg-deb -Znone -b "$work/older" "$1" >/dev/null
}

sh packaging/lab/root.sh "$root"
mount -t proc proc "$root/proc"
mkdir -m 755 "$root/lab"
cp "$package" "$root/lab/parlograph.deb"
cp "$folder/parlograph-model-moonshine-tiny-en_${version}_all.deb" "$root/lab/model.deb"
older "$root/lab/previous.deb"
flite -voice slt -o "$root/lab/talk.wav" -t "the committee will meet on monday morning to discuss the budget"
lame --quiet "$root/lab/talk.wav" "$root/lab/talk.mp3"
chmod 644 "$root"/lab/*
inside apt-get update -q >/dev/null

echo "== a fresh system: what apt pulls, and what the packages take"
install_package -s /lab/parlograph.deb /lab/model.deb >"$work/plan"
pulled=$(sed -n 's/^Inst \([^ ]*\) .*/\1/p' "$work/plan" | grep -v '^parlograph' | tr '\n' ' ')
check "nothing of Swift is pulled" sh -c '! echo "$1" | grep -i swift' sh "$pulled"
check "the offline engine's model is installed with it" \
  grep -q "^Inst parlograph-model-moonshine-tiny-en " "$work/plan"
# shellcheck disable=SC2086
check "what it depends on can be installed: $(echo $pulled | wc -w) packages" install_package $pulled
inside useradd -m anna
inside useradd -m berta
files >"$work/before"

echo "== installation"
check "apt install" install_package /lab/parlograph.deb /lab/model.deb
check "the program starts: $(inside parlograph --version)" inside parlograph --version
check "/srv/parlograph" have_rights /srv/parlograph "root:root 755"
for name in /inbox /outbox /done /failed; do
  check "/srv/parlograph$name" have_rights "/srv/parlograph$name" "parlograph:parlograph 2775"
done
check "/var/lib/parlograph" have_rights /var/lib/parlograph "parlograph:parlograph 750"
check "/var/cache/parlograph" have_rights /var/cache/parlograph "parlograph:parlograph 750"
check "/etc/parlograph/credentials" have_rights /etc/parlograph/credentials "root:root 700"
check "the unit is enabled" test -L "$root/etc/systemd/system/multi-user.target.wants/parlograph.service"
check "nothing is linked to what is not there" sh -c '! chroot "$1" ldd /usr/bin/parlograph | grep "not found"' sh "$root"
check "systemd-analyze verify" sh -c \
  'chroot "$1" systemd-analyze verify --man=no /lib/systemd/system/parlograph.service "parlograph@x.service" 2>&1 |
   tee /dev/stderr | { ! grep -i parlograph; }' sh "$root"
check "the default configuration is good" as parlograph parlograph check
check "the maintainer script can run again" inside /var/lib/dpkg/info/parlograph.postinst configure "$version"

echo "== use: the office drops recordings in"
inside usermod -aG parlograph anna
inside usermod -aG parlograph berta
check "a member drops recordings in" as anna sh -c \
  'umask 002; cp /lab/talk.wav /srv/parlograph/inbox/ && mkdir /srv/parlograph/inbox/court &&
   cp /lab/talk.mp3 /srv/parlograph/inbox/court/trial.mp3'
check "the service empties the inbox" as parlograph sh -c 'umask 002; parlograph serve --once'
for name in talk court/trial; do
  check "another member reads $name.txt" as berta grep -qi -e committee -e monday "/srv/parlograph/outbox/$name.txt"
  check "and deletes it" as berta rm "/srv/parlograph/outbox/$name.txt"
done
check "the recordings are in done" test -e "$root/srv/parlograph/done/talk.wav" -a -e "$root/srv/parlograph/done/court/trial.mp3"
check "a member cannot put something else in a folder's place" sh -c '! chroot "$1" setpriv --reuid anna --regid anna \
  --init-groups mv /srv/parlograph/outbox /srv/parlograph/mine' sh "$root"
check "somebody else cannot drop one" sh -c '! setpriv --reuid 65534 --regid 65534 --clear-groups touch "$1"' sh \
  "$root/srv/parlograph/inbox/no.wav"

echo "== upgrade: what the administrator changed stays"
check "purge before it" inside apt-get purge -y -q parlograph
check "the previous version" install_package --allow-downgrades /lab/previous.deb
inside sed -i 's/^settle_seconds = 2$/settle_seconds = 3/' /etc/parlograph/parlograph.toml
inside chmod 2770 /srv/parlograph/outbox
# As the first version made it.
inside chown parlograph:parlograph /srv/parlograph
inside chmod 2775 /srv/parlograph
inside rmdir /srv/parlograph/failed
echo key >"$root/etc/parlograph/credentials/cloud"
as anna cp /lab/talk.wav /srv/parlograph/inbox/later.wav
check "the upgrade" install_package /lab/parlograph.deb
check "it is the new one" sh -c '[ "$(chroot "$1" dpkg-query -W -f "\${Version}" parlograph)" = "$2" ]' sh "$root" "$version"
check "the edited configuration" grep -q '^settle_seconds = 3$' "$root/etc/parlograph/parlograph.toml"
check "the new one beside it" grep -q '^settle_seconds = 2$' "$root/etc/parlograph/parlograph.toml.dpkg-dist"
check "/srv/parlograph is mended" have_rights /srv/parlograph "root:root 755"
check "changed rights of a folder" have_rights /srv/parlograph/outbox "parlograph:parlograph 2770"
check "a folder that was removed" test ! -e "$root/srv/parlograph/failed"
check "a key" test -s "$root/etc/parlograph/credentials/cloud"
inside install -d -o parlograph -g parlograph -m 2775 /srv/parlograph/failed
check "what waited is transcribed" as parlograph parlograph serve --once

echo "== removal and purge"
check "remove" inside apt-get remove -y -q parlograph
check "it keeps configuration, journal, cache, transcripts" test -e "$root/etc/parlograph/parlograph.toml" -a \
  -e "$root/var/lib/parlograph/jobs.sqlite" -a -e "$root/var/cache/parlograph/cache.sqlite" -a -e "$root/srv/parlograph/outbox/later.txt"
check "installed again" install_package /lab/parlograph.deb
check "it still knows its jobs" sh -c 'chroot "$1" parlograph jobs | grep later.wav' sh "$root"
check "purge" inside apt-get purge -y -q parlograph parlograph-model-moonshine-tiny-en
files >"$work/after"
diff "$work/before" "$work/after" >"$work/difference" || true
# The system user and group stay (with the lines that systemd-sysusers keeps beside them), and people's files.
grep '^[<>]' "$work/difference" | grep -v -E \
  -e '^> \./srv/parlograph( |/(inbox|outbox|done)( |/))' \
  -e '^[<>] \./srv d' \
  -e '^[<>] \./etc/(passwd|group|shadow|gshadow)-? ' >"$work/left" || true
check "purge leaves recordings and transcripts, and the user to whom they belong" sh -c \
  'cat "$1"; [ ! -s "$1" ]' sh "$work/left"
echo "      left below /srv/parlograph:"
(cd "$root/srv/parlograph" && find . -type f | LC_ALL=C sort | sed 's/^/        /')

echo "package $(stat -c %s "$package") bytes; installed $(dpkg-deb -f "$package" Installed-Size) KiB"
[ "$failures" -eq 0 ] || { echo "$failures failed"; exit 1; }
echo "all is well"
