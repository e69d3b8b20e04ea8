. suites/harness.sh
expect 6 "$(sum 1 2 3)"
expect 0 "$(sum)"
expect -1 "$(sum 1 -2)"
report
