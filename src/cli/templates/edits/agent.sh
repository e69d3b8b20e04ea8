#!/bin/sh
# Plays the agent: takes a prompt on standard input, makes the edit it asks for, and answers with JSON.
set -eu

make_strict() {
  for file in "$@"; do
    grep -q '^set -eu' "$file" && continue
    sed '1a\
set -eu' "$file" >"$TMPDIR/edited"
    cat "$TMPDIR/edited" >"$file"
  done
  answer $# 'scripts stop at the first command that fails'
}

answer() { printf '[{"task": "%s", "files": %d, "summary": "%s"}]\n' "$task" "$1" "$2"; }

task=$(sed -n 's/^Task: //p')
case $task in
  strict-auth) make_strict src/auth/*.sh ;;
  strict-api) make_strict src/api/*.sh ;;
  describe)
    {
      echo '# Functions'
      echo
      grep -n '^[a-z_]*()' src/*/*.sh | sed 's/^\(.*\):\([0-9]*\):\([a-z_]*\)().*/- `\3` in \1, line \2/'
    } >docs/functions.md
    answer 1 'every function is listed'
    ;;
  changelog)
    echo '- Scripts stop at the first command that fails.' >>docs/changelog.md
    answer 1 'the change is noted'
    ;;
esac
