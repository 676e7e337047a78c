# shellcheck shell=sh
# What the scripts share that run in a booted system. They name the service they look at in $unit.
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
failures=0
unit=parlograph
say() { echo "== $1 ($(($(date +%s) - $(stat -c %Y /proc/1))) s)"; }
check() { # WHAT COMMAND...
  what=$1
  shift
  if "$@" >/tmp/out 2>&1; then
    echo "ok    $what"
  else
    echo "FAIL  $what"
    tail -n 20 /tmp/out | sed 's/^/        /'
    failures=$((failures + 1))
  fi
}
within() { # SECONDS COMMAND...
  end=$(($(date +%s) + $1))
  shift
  until "$@" >/tmp/within 2>&1; do
    [ "$(date +%s)" -le "$end" ] || { cat /tmp/within; journalctl -u "$unit" --no-pager -n 15; return 1; }
    sleep 0.2
  done
}
property() { systemctl show -p "$1" --value "$unit"; }
is() { [ "$(property "$1")" = "$2" ] || { echo "$1 is $(property "$1"), not $2"; return 1; }; }
as() { user=$1; shift; setpriv --reuid "$user" --regid "$user" --init-groups "$@"; }
logged() { journalctl -u "$unit" --no-pager -o cat | grep -qe "$1"; }
install_package() {
  apt-get install -y -q --allow-downgrades -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}
finish() {
  [ "$failures" -eq 0 ] || { echo "$failures failed"; exit 1; }
  echo "all is well"
}
