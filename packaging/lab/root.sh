#!/bin/sh
# Makes a fresh Debian 12 in a folder. The packages come from where this machine gets its own; an archive of the fresh
# system is kept in .build-lab for a day.
# Usage: root.sh FOLDER [PACKAGE...]
set -eu
target=$1
shift
[ "$(id -u)" -eq 0 ] || { echo "The laboratory needs root: it makes a system in a folder and runs it." >&2; exit 77; }
cd "$(dirname "$0")/../.."
mkdir -p .build-lab
# One archive for each set of packages.
archive=".build-lab/bookworm-$(echo "$*" | cksum | cut -d ' ' -f 1).tar"
if [ -z "$(find "$archive" -mmin -1440 2>/dev/null)" ]; then
  sources=$(mktemp)
  trap 'rm -f "$sources"' EXIT
  list() {
    apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
      sort -u | while read -r origin address name component; do
        [ "$origin" = Debian ] || continue
        case $name in bookworm | bookworm-updates | bookworm-security) echo "deb $address $name $component" ;; esac
      done >"$sources"
  }
  list
  [ -s "$sources" ] || { apt-get update -qq; list; }
  [ -s "$sources" ] || { echo "This machine has no Debian 12 (bookworm) among its package sources." >&2; exit 77; }
  proxy=$(apt-config dump --format '%v%n' Acquire::http::Proxy)
  mmdebstrap --quiet --format=tar --variant=minbase ${1:+--include="$(echo "$*" | tr ' ' ,)"} \
    ${proxy:+--aptopt="Acquire::http::Proxy \"$proxy\""} bookworm "$archive.$$" - <"$sources"
  mv "$archive.$$" "$archive"
fi
mkdir -p "$target"
tar -xf "$archive" -C "$target"
cp /etc/resolv.conf "$target/etc/resolv.conf"
