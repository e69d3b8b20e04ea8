. suites/harness.sh
put "$TMPDIR/store" colour red
expect red "$(get "$TMPDIR/store" colour)"
put "$TMPDIR/store" colour blue
expect blue "$(get "$TMPDIR/store" colour)"
report
