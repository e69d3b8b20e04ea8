# What every suite begins with: `. suites/harness.sh`, then `expect WANTED GOT` for each case, then `report`.
set -eu
. build/library.sh
passed=0 failed=0

expect() {
  if [ "$1" = "$2" ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "expected \`$1\`, got \`$2\`" >&2
  fi
}

# Results go to standard output as a row of JSON, everything else to standard error.
report() {
  printf '[{"suite": "%s", "passed": %d, "failed": %d}]\n' "$(basename "$0" .sh)" "$passed" "$failed"
  [ "$failed" -eq 0 ]
}
