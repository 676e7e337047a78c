#!/bin/sh
# Builds the Debian packages from an export of this tree, so that nothing is left in it.
# Usage: build-package.sh PROGRAM FOLDER [VERSION]
#   PROGRAM   the release program, built with the Swift runtime in it
#   FOLDER    where the packages go
#   VERSION   instead of the newest one in packaging/debian/changelog (for trying upgrades)
set -eu
program=$(readlink -f "$1")
mkdir -p "$2"
target=$(readlink -f "$2")
cd "$(dirname "$0")/.."
engine=$(readlink -f .build-engine)
version=$(dpkg-parsechangelog -l packaging/debian/changelog -S Version)
told=$("$program" --version)
if [ "$told" != "$version" ]; then
  echo "The program says that it is $told, packaging/debian/changelog says $version." >&2
  exit 1
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/parlograph-package.XXXXXX")
trap 'rm -rf "$work"' EXIT
# One path for all builds, or the packages would differ: see packaging/debian/rules.
tree="$work/parlograph"
mkdir "$tree"
tar --exclude='./.git' --exclude='./.build*' --exclude='./*.deb' --exclude='./Benchmarks' -cf - . | tar -xf - -C "$tree"
cp -R packaging/debian "$tree/debian"
cd "$tree"
if [ -n "${3:-}" ]; then
  sed -i "1s/(.*)/($3)/" debian/changelog
  version=$3
fi
SOURCE_DATE_EPOCH=$(dpkg-parsechangelog -S Timestamp)
export SOURCE_DATE_EPOCH PARLOGRAPH_PROGRAM="$program" PARLOGRAPH_ENGINE="$engine"
export LC_ALL=C.UTF-8 TZ=UTC
umask 022
dpkg-buildpackage --build=binary --unsigned-changes --no-check-builddeps -nc >"$work/log" 2>&1 || {
  cat "$work/log" >&2
  exit 1
}
for package in "$work"/*.deb "$work"/*.buildinfo "$work"/*.changes; do
  cp "$package" "$target/"
done
cd "$target"
ls -l ./parlograph*_"$version"_*.deb
