# compile.sh FILE: compiles it by itself and says how large what comes of it is.
set -eu
object=$TMPDIR/object.o
g++ -std=c++23 -O1 -I project/src -c "$1" -o "$object"
printf '[{"file": "%s", "lines": %d, "functions": %d, "bytes": %d}]\n' \
  "${1#project/}" "$(wc -l <"$1")" "$(nm --defined-only "$object" | grep -c ' [TtW] ')" \
  "$(size "$object" | awk 'NR == 2 { print $1 }')"
