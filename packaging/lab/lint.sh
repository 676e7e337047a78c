#!/bin/sh
# What the package's own checkers say: manual pages, unit, examples, scripts, lintian, sameness of two builds.
# Usage: lint.sh FOLDER   (where the packages are that "make deb" left)
set -eu
folder=$(readlink -f "$1")
cd "$(dirname "$0")/../.."
version=$(dpkg-parsechangelog -l packaging/debian/changelog -S Version)
architecture=$(dpkg --print-architecture)
work=$(mktemp -d "${TMPDIR:-/tmp}/parlograph-lint.XXXXXX")
trap 'rm -rf "$work"' EXIT
failures=0
fail() {
  echo "FAIL  $1"
  [ ! -s "$work/out" ] || sed 's/^/        /' "$work/out"
  failures=$((failures + 1))
}
pass() { echo "ok    $1"; }

dpkg-deb -x "$folder/parlograph_${version}_$architecture.deb" "$work/root"

# References to manual pages that this machine lacks are not faults of the page.
mandoc -T lint man/parlograph.1 man/parlograph.toml.5 man/parlograph.8 2>"$work/errors" >"$work/all" || true
grep -hv -e 'referenced manual not found' -e 'outdated mandoc.db' "$work/all" >"$work/out" || true
if [ -s "$work/out" ]; then fail "mandoc -T lint"; else pass "mandoc -T lint: three pages, nothing to say"; fi

# Completions: each shell takes its own.
for shell in bash zsh fish; do
  case $shell in
    bash) script=bash-completion/completions/parlograph ;;
    zsh) script=zsh/vendor-completions/_parlograph ;;
    fish) script=fish/vendor_completions.d/parlograph.fish ;;
  esac
  if "$shell" -n "$work/root/usr/share/$script" >"$work/out" 2>&1; then
    pass "$shell takes its completions"
  else
    fail "$shell: completions"
  fi
done

# The most exposure that is allowed is 1.5 of 10.
for unit in parlograph.service parlograph@.service; do
  if systemd-analyze security --offline=true --threshold=15 "$work/root/lib/systemd/system/$unit" >"$work/out" 2>&1
  then
    pass "systemd-analyze security $unit: $(tail -n 1 "$work/out")"
  else
    fail "systemd-analyze security $unit"
  fi
done

{ printf '[global]\n'; cat etc/examples/smb.conf; } >"$work/smb.conf"
testparm -s "$work/smb.conf" >"$work/parsed" 2>"$work/all" || true
grep -i -e warning -e error -e unknown -e ignor -e invalid "$work/all" "$work/parsed" >"$work/out" || true
if [ -s "$work/out" ] || [ "$(grep -c '^\[parlograph-' "$work/parsed")" -ne 2 ]; then
  fail "testparm: etc/examples/smb.conf"
else
  pass "testparm: etc/examples/smb.conf"
fi

find packaging .ci -name '*.sh' -exec shellcheck --severity=warning {} + >"$work/out" 2>&1 \
  && shellcheck --severity=warning packaging/debian/parlograph.postinst packaging/debian/parlograph.prerm packaging/debian/parlograph.postrm \
    packaging/debian/tests/service packaging/debian/tests/command-line .ci/run >>"$work/out" 2>&1 \
  && pass "shellcheck" || fail "shellcheck"

lintian --allow-root --pedantic --display-info --fail-on error,warning,info,pedantic --tag-display-limit 0 \
  "$folder/parlograph_${version}_$architecture.changes" >"$work/out" 2>&1 \
  && pass "lintian --pedantic --display-info ($(grep -c '^parlograph' packaging/debian/parlograph.lintian-overrides) overrides, each with its reason)" \
  || fail "lintian"

# A second package from the same program.
sh packaging/build-package.sh "${PROGRAM_READY:-.build-program/release/parlograph}" "$work/again" >"$work/out" 2>&1 \
  || fail "second build"
for name in "parlograph_${version}_$architecture.deb" "parlograph-dbgsym_${version}_$architecture.deb" \
  "parlograph-model-moonshine-tiny-en_${version}_all.deb"; do
  if cmp "$folder/$name" "$work/again/$name" >"$work/out" 2>&1; then
    pass "two builds of $name are the same bytes"
  else
    fail "two builds of $name differ"
  fi
done

[ "$failures" -eq 0 ] || { echo "$failures failed"; exit 1; }
