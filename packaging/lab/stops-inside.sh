#!/bin/sh
# What "boot.sh . stops-inside.sh" runs in the booted system, as root: the unit restarted, its decoders and ffmpeg killed or
# stopped, at random moments of decoding. About a quarter of an hour.
# shellcheck disable=SC2034
set -u
. /host/checks.sh
say "the package, with an engine that costs nothing"
check "installation" install_package /host/parlograph.deb
mkdir -p /usr/local/bin
# As many words as people speak in that time, 2.5 a second of 16 bit at 16 kHz: fewer are doubted and become a gap.
cat >/usr/local/bin/recogniser <<'ENGINE'
#!/bin/sh
seq -f 'word%g' -s ' ' 1 $(($(stat -c %s "$1") / 12800 + 1))
ENGINE
chmod 755 /usr/local/bin/recogniser
sed -i 's/^engine = "offline"$/engine = "stt"/' /etc/parlograph/parlograph.toml
cat >>/etc/parlograph/parlograph.toml <<'TOML'

[engines.stt]
kind = "command"
command = ["/usr/local/bin/recogniser", "{file}"]
chunk_target_seconds = 120
chunk_max_seconds = 150
TOML
check "it starts" systemctl restart parlograph
check "it stops only the service itself" is KillMode mixed
say "stops at random moments"
python3 /host/stops-inside.py
[ $? -eq 0 ] || failures=$((failures + 1))
finish
