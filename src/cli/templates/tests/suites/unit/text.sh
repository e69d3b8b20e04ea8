. suites/harness.sh
expect ABC "$(upper abc)"
expect 'A B' "$(upper 'a b')"
expect 3 "$(words 'one two three')"
expect 0 "$(words '')"
report
