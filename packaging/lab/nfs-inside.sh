#!/bin/sh
# What nfs.sh runs in the booted system, as root. /host holds the package and recordings.
# $unit is for what checks.sh has.
# shellcheck disable=SC2034
set -u
. /host/checks.sh
for user in anna berta nas; do useradd -m "$user"; done
transcribed() { # FOLDER NAME
  grep -qi -e committee -e monday "$1/outbox/$2.txt"
}

say "the folders exported as the example says, mounted by a client"
check "the package" install_package /host/parlograph.deb /host/model.deb
check "the service" is ActiveState active
sed -e 's|192\.0\.2\.0/24|127.0.0.1|' -e "s/anonuid=999,anongid=999/anonuid=$(id -u parlograph),anongid=$(id -g parlograph)/" \
  /host/examples/exports >/etc/exports
# The lines of the example, as they stand in its comment.
sed -n 's/^#   \(\[nfsd\]\|vers3=n\)$/\1/p' /host/examples/exports >/tmp/nfsd.conf
check "the example has two lines for nfs.conf" sh -c '[ "$(wc -l </tmp/nfsd.conf)" -eq 2 ]'
mkdir -p /etc/nfs.conf.d
cp /tmp/nfsd.conf /etc/nfs.conf.d/parlograph.conf
check "the server" systemctl restart nfs-server
check "exportfs -ra has nothing to say" sh -c 'exportfs -ra 2>&1 | tee /dev/stderr | { ! grep -q .; }'
mkdir -p /mnt/inbox /mnt/outbox
check "the inbox" mount -t nfs4 127.0.0.1:/srv/parlograph/inbox /mnt/inbox
check "the outbox" mount -t nfs4 127.0.0.1:/srv/parlograph/outbox /mnt/outbox
check "version 3 is off" sh -c '! timeout 20 mount -t nfs -o vers=3,nolock,retry=0 127.0.0.1:/srv/parlograph/inbox /media'
check "anna copies a recording" as anna cp /host/talk.wav /mnt/inbox/office.wav
check "its transcript" within 90 test -e /mnt/outbox/office.json
check "berta reads it" as berta grep -qi -e committee -e monday /mnt/outbox/office.txt
check "berta deletes it" as berta rm /mnt/outbox/office.txt
check "the recording is in done" within 10 test -e /srv/parlograph/done/office.wav
check "a folder" as anna sh -c 'mkdir /mnt/inbox/Büro && cp /host/talk.wav "/mnt/inbox/Büro/Sitzung Montag.wav"'
check "its transcript" within 90 test -e "/mnt/outbox/Büro/Sitzung Montag.json"
check "and its recording" within 10 test -e "/srv/parlograph/done/Büro/Sitzung Montag.wav"
# Raw MP3 does not tell its length.
check "a copy that pauses for 15 s is not taken meanwhile" as anna sh -c '
  exec 3>/mnt/inbox/slow.mp3
  head -c 100000 /host/long.mp3 >&3
  sleep 15
  [ -e /mnt/inbox/slow.mp3 ] && [ ! -e /mnt/outbox/slow.json ] || exit 1
  tail -c +100001 /host/long.mp3 >&3'
check "but at once when it is closed" within 120 test -e /srv/parlograph/done/slow.mp3
check "as a whole" cmp /host/long.mp3 /srv/parlograph/done/slow.mp3
umount /mnt/inbox /mnt/outbox
systemctl stop parlograph

say "the service on a client of an NFS server"
mkdir -p /export/recordings /mnt/recordings
for folder in inbox outbox 'done' failed; do mkdir "/export/recordings/$folder"; done
chown -R nas:nas /export/recordings
echo "/export/recordings 127.0.0.1(rw,sync,no_subtree_check,all_squash,anonuid=$(id -u nas),anongid=$(id -g nas))" >/etc/exports
exportfs -ra
sed -n 's/^#   server:/127.0.0.1:\/export/p' /host/examples/client-of-a-share.conf >>/etc/fstab
check "the example's line for fstab" mount /mnt/recordings
cat >/etc/parlograph/nas.toml <<'TOML'
state_directory = "/var/lib/parlograph/nas"
cache_directory = "/var/cache/parlograph/nas"
[[inbox]]
path = "/mnt/recordings/inbox"
outbox = "/mnt/recordings/outbox"
done = "/mnt/recordings/done"
failed = "/mnt/recordings/failed"
TOML
unit=parlograph@nas
check "without the drop-in it does not start" sh -c '! systemctl start parlograph@nas'
check "and says why" logged '/mnt/recordings/inbox is read-only here'
systemctl reset-failed parlograph@nas
mkdir -p /etc/systemd/system/parlograph@nas.service.d
cp /host/examples/client-of-a-share.conf /etc/systemd/system/parlograph@nas.service.d/share.conf
systemctl daemon-reload
check "with it, it does" systemctl start parlograph@nas
check "check tells what it is" sh -c \
  'cd / && runuser -u parlograph -- parlograph check --config /etc/parlograph/nas.toml | tee /dev/stderr | grep "inbox /mnt/recordings/inbox: writable, NFS, .*changes made on other machines give no events here"'
as nas cp /host/talk.wav /export/recordings/inbox/one.wav
check "a recording that another machine puts there" within 90 transcribed /export/recordings one
check "is moved to done" within 10 test -e /export/recordings/done/one.wav
check "and belongs to whom the server says" sh -c '[ "$(stat -c %U /export/recordings/outbox/one.txt)" = nas ]'
as nas sh -c 'head -c 100000 /host/long.mp3 >/export/recordings/inbox/two.mp3; sleep 20; tail -c +100001 /host/long.mp3 >>/export/recordings/inbox/two.mp3'
check "one that pauses for 20 s is taken as a whole" within 180 cmp /host/long.mp3 /export/recordings/done/two.mp3
check "and once" sh -c '[ "$(journalctl -u parlograph@nas -o cat | grep -c "recording delivered.*two.mp3")" -eq 1 ]'

say "the server goes and comes"
pid=$(property MainPID)
systemctl stop nfs-server
as nas cp /host/talk.wav /export/recordings/inbox/three.wav
sleep 20
systemctl start nfs-server
check "what came meanwhile" within 180 transcribed /export/recordings three
check "by the same process" is MainPID "$pid"
check "unmounted while the service runs" umount /mnt/recordings
as nas cp /host/talk.wav /export/recordings/inbox/four.wav
check "one warning" within 30 logged 'inbox.*/mnt/recordings/inbox'
sleep 15
check "nothing was made below the mount point" sh -c '! find /mnt/recordings -mindepth 1 | grep .'
check "mounted again" mount /mnt/recordings
check "what came meanwhile" within 120 transcribed /export/recordings four
check "by the same process" is MainPID "$pid"
check "no recording is left, none was delivered twice" sh -c '
  [ -z "$(ls /export/recordings/inbox)" ] && [ "$(ls /export/recordings/done | wc -l)" -eq 4 ] &&
  [ "$(journalctl -u parlograph@nas -o cat | grep -c "recording delivered")" -eq 4 ]'
journalctl -u parlograph@nas -o cat | grep -i -e warning -e "inbox" | sed 's/^/      /' | cut -c 1-160
systemctl stop parlograph@nas
umount /mnt/recordings

say "the service on a client of a Samba server"
cat >/etc/samba/smb.conf <<'CONF'
[global]
  workgroup = OFFICE
[recordings]
  path = /export/recordings
  read only = no
CONF
printf 'secret\nsecret\n' | smbpasswd -s -a nas >/dev/null
systemctl restart smbd
printf 'username=nas\npassword=secret\n' >/root/cifs
sed -i '/recordings/d' /etc/fstab
sed -n 's|^#   //server|//127.0.0.1|p' /host/examples/client-of-a-share.conf >>/etc/fstab
check "the example's line for fstab" mount /mnt/recordings
systemctl daemon-reload
check "the service" systemctl start parlograph@nas
as nas cp /host/talk.wav /export/recordings/inbox/five.wav
check "a recording that another machine puts there" within 120 transcribed /export/recordings five
check "is moved to done" within 15 test -e /export/recordings/done/five.wav
systemctl stop parlograph@nas
umount /mnt/recordings
finish
