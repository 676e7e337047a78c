#!/bin/sh
# Installs the Debian packages named as arguments that are not there yet, as root or through sudo.
set -eu
missing=""
for package in "$@"; do
  status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
  [ "$status" = "install ok installed" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" -eq 0 ]; then
  as_root=""
elif command -v sudo >/dev/null 2>&1; then
  as_root="sudo"
else
  echo "These packages are missing and installing them needs root or sudo:$missing" >&2
  echo "Ask an administrator to run: apt-get install$missing" >&2
  exit 1
fi
echo "Installing:$missing"
# A fresh machine has no package lists; a machine that has them may have old ones.
# shellcheck disable=SC2086
$as_root apt-get update -qq
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
