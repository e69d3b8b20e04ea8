#!/bin/sh
# Packages the binary, and looks at what came of it: `package.sh SOURCE BINARY`. 77: not where there is no dpkg-deb.
set -eu
for program in dpkg-deb dpkg-query ldd objdump strip; do
  command -v "$program" >/dev/null || { echo "skipped: no $program here"; exit 77; }
done
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT INT TERM
# Libraries that no package has (a sanitizer's build, one's own) cannot be named as dependencies.
PACKAGE_QUICKLY=1 "$1/tools/package" "$2" "$place/out" >"$place/said" 2>&1 || {
  cat "$place/said"
  grep -q 'no package has' "$place/said" && exit 77
  exit 1
}
cd "$place"
dpkg-deb -x out/*.deb deb
dpkg-deb -f out/*.deb Depends | grep -q 'libc6 (>= '
gzip -dc deb/usr/share/man/man1/interlock.1.gz | grep -q 'SS interlock report'
for file in usr/bin/interlock usr/share/doc/interlock/copyright usr/share/bash-completion/completions/interlock; do
  [ -s "deb/$file" ] || { echo "missing: $file"; exit 1; }
done
grep -q 'Jason Miller' deb/usr/share/doc/interlock/copyright
tar xzf out/*.tar.gz
mv interlock-* moved
# From wherever it lies, with an environment that says nothing, it uses its own libraries.
[ "$(env -i moved/bin/interlock --version)" = "$("$2" --version)" ]
env -i ldd moved/bin/interlock | grep 'libcurl' | grep -q "$place/moved/bin/../lib/interlock/" ||
  { env -i ldd moved/bin/interlock; exit 1; }
