#!/bin/sh
# What boot.sh runs in the booted system, as root. /host holds the packages and a recording.
# $unit is for what checks.sh has.
# shellcheck disable=SC2034
set -u
. /host/checks.sh
files() {
  find / -xdev \( -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/cache/apt -o -path /var/log -o -path /tmp \
    -o -path /run -o -path /proc -o -path /sys -o -path /host -o -path /var/lib/samba -o -path /var/cache/samba \
    -o -path /var/lib/systemd -o -path /var/tmp \) -prune -o \
    \( -type f -printf '%p %y %U:%G %m %s\n' -o -printf '%p %y %U:%G %m %l\n' \) | sort
}
for user in anna berta; do useradd -m "$user"; done
cp /etc/samba/smb.conf /tmp/smb.conf.before
files >/tmp/before

say "the previous version, then the new one"
check "installation starts the service" install_package /host/previous.deb /host/model.deb
check "it runs" is ActiveState active
sed -i 's/^settle_seconds = 2$/settle_seconds = 1/' /etc/parlograph/parlograph.toml
old=$(property MainPID)
check "the upgrade" install_package /host/parlograph.deb
check "it runs" is ActiveState active
check "as a new process" sh -c '[ "$1" != "$2" ]' sh "$old" "$(property MainPID)"
check "with the edited configuration" grep -q '^settle_seconds = 1$' /etc/parlograph/parlograph.toml
check "systemd-analyze verify" sh -c \
  'systemd-analyze verify --man=no parlograph.service parlograph@x.service 2>&1 | tee /dev/stderr | { ! grep -i parlograph; }'
echo "      $(systemd-analyze security parlograph.service | tail -n 1)"

say "a recording by a member of the group, another by a real smbd"
adduser --quiet anna parlograph 2>/dev/null || usermod -aG parlograph anna
usermod -aG parlograph berta
{ printf '[global]\n  workgroup = OFFICE\n  map to guest = never\n'; cat /host/examples/smb.conf; } >/etc/samba/smb.conf
check "testparm" testparm -s
printf 'secret\nsecret\n' | smbpasswd -s -a anna >/dev/null
printf 'secret\nsecret\n' | smbpasswd -s -a berta >/dev/null
ip link set lo up 2>/dev/null
systemctl restart smbd
check "smbd" within 30 smbclient -U anna%secret //127.0.0.1/parlograph-inbox -c ls
check "anna copies a recording into the inbox" as anna cp /host/talk.wav /srv/parlograph/inbox/local.wav
check "its transcript" within 60 test -e /srv/parlograph/outbox/local.json
check "berta reads it" as berta grep -qi -e committee -e monday /srv/parlograph/outbox/local.txt
check "berta deletes it" as berta rm /srv/parlograph/outbox/local.txt
check "the recording is in done" within 10 test -e /srv/parlograph/done/local.wav
check "anna copies one to the share, in a folder" smbclient -U anna%secret //127.0.0.1/parlograph-inbox \
  -c 'mkdir "Büro"; cd "Büro"; put /host/talk.wav "Sitzung Montag.wav"'
check "its transcript" within 60 test -e "/srv/parlograph/outbox/Büro/Sitzung Montag.json"
check "the recording is in done" within 10 test -e "/srv/parlograph/done/Büro/Sitzung Montag.wav"
check "berta reads it over the share" smbclient -U berta%secret //127.0.0.1/parlograph-outbox \
  -c 'cd "Büro"; get "Sitzung Montag.txt" /tmp/got.txt'
check "there is text in it" grep -qi -e committee -e monday /tmp/got.txt
check "berta deletes it over the share" smbclient -U berta%secret //127.0.0.1/parlograph-outbox \
  -c 'cd "Büro"; del "Sitzung Montag.txt"'
check "it is gone, to the recycle folder" test ! -e "/srv/parlograph/outbox/Büro/Sitzung Montag.txt" \
  -a -e "/srv/parlograph/outbox/.recycle/berta/Büro/Sitzung Montag.txt"
check "what macOS leaves is refused" sh -c \
  '! smbclient -U anna%secret //127.0.0.1/parlograph-inbox -c "put /host/talk.wav ._talk.wav" | tee /dev/stderr | grep -q putting;
   test ! -e /srv/parlograph/inbox/._talk.wav'
check "nobody else gets in" sh -c '! setpriv --reuid 65534 --regid 65534 --clear-groups touch /srv/parlograph/inbox/no.wav'

say "confinement, with all of its work"
pid=$(property MainPID)
check "it runs as parlograph" sh -c '[ "$(stat -c %U "/proc/$1")" = parlograph ]' sh "$pid"
check "with CAP_LEASE alone" grep -q '^CapEff:.*0000000010000000$' "/proc/$pid/status"
check "the decoders have all of their limits" sh -c '! journalctl -u parlograph -o cat | grep -i "limits"'
check "the runtime has nothing to say" sh -c '! journalctl _SYSTEMD_UNIT=parlograph.service -o cat | grep -i -e errno -e "failed to"'
check "with no way to new privileges, and a filter" sh -c 'grep -q "NoNewPrivs:.1" "$1" && grep -q "Seccomp:.2" "$1"' sh "/proc/$pid/status"
check "what a decoder must not do is refused" sh -c \
  'runuser -u parlograph -- parlograph __decode try decoder </dev/null >/tmp/tried; result=$?; grep -v ": refused$" /tmp/tried; exit $result'
# A container of systemd-nspawn has no landlock, which is what keeps ffmpeg from reading.
check "nor what ffmpeg must not" sh -c \
  'runuser -u parlograph -- parlograph __decode try ffmpeg </dev/null >/tmp/tried; [ -s /tmp/tried ] &&
   ! grep -v -e ": refused$" -e "^open: read: " -e "^openat: read: " /tmp/tried'
check "recordings that others are still writing wait" sh -c '
  exec 3>/srv/parlograph/inbox/slow.wav
  chown anna:parlograph /srv/parlograph/inbox/slow.wav
  cat /host/talk.wav >&3
  sleep 4
  [ -e /srv/parlograph/inbox/slow.wav ] && [ ! -e /srv/parlograph/outbox/slow.json ]
  result=$?
  exec 3>&-
  exit $result'
check "and are taken at once afterwards" within 20 test -e /srv/parlograph/outbox/slow.json
if command -v ffmpeg >/dev/null 2>&1; then
  ffmpeg -v error -i /host/talk.wav -c:a aac /tmp/talk.m4a && chmod 644 /tmp/talk.m4a
  check "a format that ffmpeg decodes" as anna cp /tmp/talk.m4a /srv/parlograph/inbox/phone.m4a
  check "its transcript" within 60 test -e /srv/parlograph/outbox/phone.json
fi

say "reload"
pid=$(property MainPID)
cp /etc/parlograph/parlograph.toml /tmp/good.toml
echo 'nonsense = 1' >>/etc/parlograph/parlograph.toml
check "a broken file makes the reload fail" sh -c '! systemctl reload parlograph'
check "and keeps it running" within 10 is ActiveState active
check "with the same process" is MainPID "$pid"
check "and the log says why" within 10 logged nonsense
cp /tmp/good.toml /etc/parlograph/parlograph.toml
check "a good file" systemctl reload parlograph
check "keeps it running" within 10 is ActiveState active
check "with the same process" is MainPID "$pid"

say "watchdog"
mkdir -p /etc/systemd/system/parlograph.service.d
printf '[Service]\nWatchdogSec=6\n' >/etc/systemd/system/parlograph.service.d/lab.conf
systemctl daemon-reload
systemctl restart parlograph
sleep 15
check "it is fed: the same process after 15 s" is NRestarts 0
pid=$(property MainPID)
as anna cp /host/long.wav /srv/parlograph/inbox/watched.wav
check "the recording is in work" within 20 sh -c 'systemctl show -p StatusText --value parlograph | grep -q "1 running"'
kill -STOP "$pid"
check "a stopped process is killed" within 40 sh -c '[ "$(systemctl show -p MainPID --value parlograph)" != "$1" ]' sh "$pid"
check "and started again" within 30 is ActiveState active
check "the log says that it was the watchdog" logged 'atchdog timeout'
check "the work is finished" within 120 test -e /srv/parlograph/outbox/watched.json
check "and the recording in done" within 10 test -e /srv/parlograph/done/watched.wav
rm -r /etc/systemd/system/parlograph.service.d
systemctl daemon-reload
systemctl reset-failed parlograph

say "the package's own tests"
mkdir -m 777 /tmp/autopkgtest
check "debian/tests/command-line" as anna env AUTOPKGTEST_TMP=/tmp/autopkgtest sh /host/tests/command-line
check "debian/tests/service" sh /host/tests/service
userdel --remove tester 2>/dev/null

say "keys, and a service of its own"
printf 'key-of-the-cloud' >/etc/parlograph/credentials/cloud
chmod 600 /etc/parlograph/credentials/cloud
cat >/etc/parlograph/nas.toml <<'TOML'
state_directory = "/var/lib/parlograph/nas"
cache_directory = "/var/cache/parlograph/nas"
[[inbox]]
path = "/srv/parlograph/nas/inbox"
outbox = "/srv/parlograph/nas/outbox"
done = "/srv/parlograph/nas/done"
failed = "/srv/parlograph/nas/failed"
[engines.cloud]
kind = "openai"
base_url = "http://127.0.0.1:9/v1"
model = "m"
TOML
install -d -m 755 /srv/parlograph/nas
install -d -o parlograph -g parlograph -m 2775 /srv/parlograph/nas/inbox /srv/parlograph/nas/outbox \
  /srv/parlograph/nas/done /srv/parlograph/nas/failed
check "an instance" systemctl start parlograph@nas
check "check as the service's user finds no fault" as parlograph parlograph check --config /etc/parlograph/nas.toml
printf 'another-key' >/etc/parlograph/credentials/cloud
check "check tells of a key that only a restart takes up" sh -c \
  'parlograph check --config /etc/parlograph/nas.toml | grep "has another key"'
printf 'key-of-the-cloud' >/etc/parlograph/credentials/cloud
check "it has the key" sh -c 'grep -qz key-of-the-cloud "/proc/$(systemctl show -p MainPID --value parlograph@nas)/root/run/credentials/parlograph@nas.service/engine_cloud"'
as anna cp /host/talk.wav /srv/parlograph/nas/inbox/ 2>/tmp/out
check "it works" within 60 test -e /srv/parlograph/nas/outbox/talk.json
install -d -m 700 /etc/credstore
printf 'key-of-the-store' >/etc/credstore/engine_stored
install -d /etc/systemd/system/parlograph@nas.service.d
printf '[Service]\nLoadCredential=engine_stored\nImportCredential=engine_*\n' >/etc/systemd/system/parlograph@nas.service.d/store.conf
printf '[engines.stored]\nkind = "openai"\nbase_url = "http://127.0.0.1:9/v1"\nmodel = "m"\n' >>/etc/parlograph/nas.toml
systemctl daemon-reload
check "it starts with a key from systemd's credential store" systemctl restart parlograph@nas
check "and has it beside those of its folder" sh -c 'cd "/proc/$(systemctl show -p MainPID --value parlograph@nas)/root/run/credentials/parlograph@nas.service" && grep -qz key-of-the-store engine_stored && grep -qz key-of-the-cloud engine_cloud'
printf 'newer-key' >/etc/credstore/engine_stored
printf 'changed-key' >/etc/parlograph/credentials/cloud
check "a reload of it" systemctl reload parlograph@nas
check "hands out no changed key of the folder (single credentials are, by systemd 252)" sh -c 'grep -qz key-of-the-cloud "/proc/$(systemctl show -p MainPID --value parlograph@nas)/root/run/credentials/parlograph@nas.service/engine_cloud"'
printf 'key-of-the-cloud' >/etc/parlograph/credentials/cloud
check "a restart takes the new one" sh -c 'systemctl restart parlograph@nas && grep -qz newer-key "/proc/$(systemctl show -p MainPID --value parlograph@nas)/root/run/credentials/parlograph@nas.service/engine_stored"'
if [ "$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')" -lt 254 ]; then
  check "ImportCredential is newer than this systemd, which says so" sh -c \
    'journalctl | grep "store.conf.*ImportCredential.*ignoring"'
fi
rm -r /etc/systemd/system/parlograph@nas.service.d /etc/credstore/engine_stored
rmdir --ignore-fail-on-non-empty /etc/credstore
sed -i '/^\[engines.stored\]/,$d' /etc/parlograph/nas.toml
systemctl daemon-reload
systemctl stop parlograph@nas
check "it stops" sh -c '[ "$(systemctl is-active parlograph@nas)" = inactive ]'

say "what people do wrong, and what docs/operating.md has them do then"
as anna sh -c 'umask 077; cp /host/talk.wav /srv/parlograph/inbox/private.wav'
check "a recording with mode 0600 is named in the log" within 20 logged 'cannot be read.*private.wav'
chmod g+r /srv/parlograph/inbox/private.wav
check "and taken once it can be read" within 90 test -e /srv/parlograph/outbox/private.json
as anna sh -c 'umask 022; mkdir /srv/parlograph/inbox/mine; cp /host/talk.wav /srv/parlograph/inbox/mine/one.wav'
check "a sub-folder with umask 022 is transcribed" within 60 test -e /srv/parlograph/outbox/mine/one.json
check "and the log says that the recording stays" within 20 logged 'cannot be taken out of the inbox.*one.wav'
check "and names the folder and the remedy" logged 'The folder /srv/parlograph/inbox/mine does not let .*chmod g+w or setfacl'
check "and so does parlograph jobs" sh -c \
  'runuser -u parlograph -- parlograph jobs | grep "still in the inbox: The folder /srv/parlograph/inbox/mine does not let"'
setfacl -R -m d:g::rwx,g::rwx /srv/parlograph/inbox
systemctl restart parlograph
check "after setfacl and a restart it is moved away" within 20 test -e /srv/parlograph/done/mine/one.wav
as anna sh -c 'umask 022; mkdir /srv/parlograph/inbox/next; cp /host/talk.wav /srv/parlograph/inbox/next/two.wav'
check "and the next one at once" within 60 test -e /srv/parlograph/done/next/two.wav
mv /etc/parlograph/credentials /tmp/credentials
systemctl restart parlograph >/dev/null 2>&1
check "without the folder of keys" within 10 logged 'Failed to set up credentials'
mv /tmp/credentials /etc/parlograph/credentials
install -d -o parlograph -g parlograph -m 2775 /data /data/inbox
cp /etc/parlograph/parlograph.toml /tmp/good.toml
sed -i 's|^path = .*|path = "/data/inbox"|' /etc/parlograph/parlograph.toml
systemctl restart parlograph >/dev/null 2>&1
check "an inbox elsewhere" within 10 logged '/data/inbox is read-only here'
check "is not tried over and over" within 10 is ActiveState failed
mkdir -p /etc/systemd/system/parlograph.service.d
sed 's|/data/dictation|/nowhere|' /host/examples/other-folders.conf >/etc/systemd/system/parlograph.service.d/folders.conf
systemctl daemon-reload
systemctl restart parlograph >/dev/null 2>&1
check "ReadWritePaths= of what is not there" within 10 logged 'Failed to set up mount namespacing: .*/nowhere: No such file or directory'
sed 's|/data/dictation|/data|' /host/examples/other-folders.conf >/etc/systemd/system/parlograph.service.d/folders.conf
systemctl daemon-reload
check "with the drop-in of the examples it starts" systemctl restart parlograph
as anna cp /host/talk.wav /data/inbox/elsewhere.wav
check "and works" within 60 test -e /srv/parlograph/outbox/elsewhere.json
cp /host/examples/offline-only.conf /etc/systemd/system/parlograph.service.d/offline.conf
systemctl daemon-reload
systemctl restart parlograph
as anna cp /host/talk.wav /data/inbox/alone.wav
check "without a network it works, too" within 60 test -e /srv/parlograph/outbox/alone.json
cp /host/examples/private-recordings.conf /etc/systemd/system/parlograph.service.d/private.conf
systemctl daemon-reload
systemctl restart parlograph
as anna sh -c 'umask 077; cp /host/talk.wav /data/inbox/secret.wav'
check "what only its owner may read, where that is wanted" within 60 test -e /srv/parlograph/outbox/secret.json
rm -r /etc/systemd/system/parlograph.service.d
cp /tmp/good.toml /etc/parlograph/parlograph.toml
systemctl daemon-reload
systemctl reset-failed parlograph
check "as before" systemctl restart parlograph
rm -r /data

say "a recogniser that is a program, and needs what the unit denies"
mkdir -p /usr/local/bin
cat >/usr/local/bin/recogniser <<'SH'
#!/bin/sh
# Binds itself to a processor and counts the graphics card's devices: both are denied without the drop-in.
taskset -p 1 $$ >/dev/null || exit 3
[ -r /proc/cpuinfo ] || exit 4
[ -r "$1" ] || exit 5
echo "spoken words"
SH
chmod 755 /usr/local/bin/recogniser
cp /etc/parlograph/parlograph.toml /tmp/good.toml
sed -i 's/^engine = "offline"$/engine = "stt"/' /etc/parlograph/parlograph.toml
printf '\n[engines.stt]\nkind = "command"\ncommand = ["/usr/local/bin/recogniser", "{file}"]\n' >>/etc/parlograph/parlograph.toml
check "such an engine" systemctl restart parlograph
as anna cp /host/talk.wav /srv/parlograph/inbox/denied.wav
check "fails without the drop-in" within 60 logged 'recogniser.*status 3'
mkdir -p /etc/systemd/system/parlograph.service.d
sed 's/^#\([A-Z]\)/\1/' /host/examples/command-engine.conf >/etc/systemd/system/parlograph.service.d/engine.conf
systemctl daemon-reload
check "with every line of the example the service starts" systemctl restart parlograph
check "systemd knows them all" sh -c '! journalctl -b -o cat _PID=1 | grep -i "engine.conf.*\(unknown\|invalid\|ignoring\)"'
as anna cp /host/talk.wav /srv/parlograph/inbox/allowed.wav
check "a transcript" within 60 grep -q "spoken words" /srv/parlograph/outbox/allowed.txt
rm -r /etc/systemd/system/parlograph.service.d
rm /usr/local/bin/recogniser
cp /tmp/good.toml /etc/parlograph/parlograph.toml
systemctl daemon-reload
systemctl reset-failed parlograph
check "as before" systemctl restart parlograph

say "an instance through upgrade, removal and purge"
unit=parlograph@nas
check "it is enabled and started" systemctl enable --now parlograph@nas
check "two services on one inbox" sh -c '
  sed "s|/var/lib/parlograph/nas|/var/lib/parlograph/two|" /etc/parlograph/nas.toml >/etc/parlograph/two.toml
  ! systemctl start parlograph@two && journalctl -u parlograph@two -o cat | grep "serves the inbox /srv/parlograph/nas/inbox already"'
rm /etc/parlograph/two.toml
systemctl reset-failed parlograph@two 2>/dev/null
old=$(property MainPID)
check "the same version once more" install_package --reinstall /host/parlograph.deb
check "the instance runs" is ActiveState active
check "as a new process" sh -c '[ "$1" != "$2" ] && [ "$2" != 0 ]' sh "$old" "$(property MainPID)"
as anna cp /host/talk.wav /srv/parlograph/nas/inbox/upgraded.wav
check "and works" within 60 test -e /srv/parlograph/nas/outbox/upgraded.json
check "removal" apt-get remove -y -q parlograph
check "the instance is stopped" is ActiveState inactive
check "its configuration and its jobs are kept" test -e /etc/parlograph/nas.toml -a -e /var/lib/parlograph/nas/jobs.sqlite
check "installed again" install_package /host/parlograph.deb
check "the instance starts as it was" systemctl start parlograph@nas
as anna cp /host/talk.wav /srv/parlograph/nas/inbox/again.wav
check "and works" within 60 test -e /srv/parlograph/nas/outbox/again.json
unit=parlograph

say "figures"
systemctl restart parlograph
sleep 3
pid=$(property MainPID)
started=$(property ExecMainStartTimestampMonotonic)
ready=$(property ActiveEnterTimestampMonotonic)
echo "      from start to ready: $(((ready - started) / 1000)) ms"
echo "      idle memory: $(sed -n 's/^VmRSS:[[:space:]]*//p' "/proc/$pid/status") resident, $(sed -n 's/^RssAnon:[[:space:]]*//p' "/proc/$pid/status") of its own"
begin=$(date +%s%N)
systemctl stop parlograph
echo "      stop: $((($(date +%s%N) - begin) / 1000000)) ms"
systemctl start parlograph

say "purge"
check "purge" apt-get purge -y -q parlograph "parlograph-model-*"
check "the service is gone" sh -c '[ "$(systemctl is-active parlograph)" = inactive ]'
check "and the instance" sh -c '[ "$(systemctl is-active parlograph@nas)" = inactive ] && ! find /etc/systemd -name "parlograph*" | grep .'
cp /tmp/smb.conf.before /etc/samba/smb.conf
files >/tmp/after
diff /tmp/before /tmp/after >/tmp/difference
grep '^[<>]' /tmp/difference | grep -v -E -e '^> /srv/parlograph( |/)' -e '^[<>] /srv d' \
  -e '^[<>] /etc/((passwd|group|shadow|gshadow)-?|sub[ug]id-) ' -e '^[<>] /etc/\.pwd\.lock' >/tmp/left
# The lines of the members of this laboratory, and of the system user, which stays.
check "it leaves recordings and transcripts, and the user to whom they belong" sh -c 'cat /tmp/left; [ ! -s /tmp/left ]'
check "nothing else below /srv/parlograph" sh -c \
  'find /srv/parlograph -type f | grep -v -E "\.(wav|m4a|txt|srt|json)$" | tee /dev/stderr | { ! grep -q .; }'

finish
