. suites/harness.sh
put "$TMPDIR/store" size "$(sum 20 22)"
expect 42 "$(get "$TMPDIR/store" size)"
expect absent "$(get "$TMPDIR/store" weight 2>/dev/null || echo absent)"
report
