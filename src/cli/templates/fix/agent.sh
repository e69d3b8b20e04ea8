#!/bin/sh
# Plays the agents: takes a prompt on standard input and answers on standard output, as a client would.
set -eu
prompt=$(cat)

case $prompt in
  'Do: split'*)
    awk 'BEGIN { printf "{\"parts\": [" } /^- / { printf "%s\"%s\"", n++ ? ", " : "", $2 } END { print "]}" }' brief.txt
    ;;
  'Do: write'*)
    part=$(printf %s "$prompt" | sed -n 's/.*Write the part \(.*\)\.$/\1/p')
    mkdir -p parts
    printf '# %s\n\nWhat there is to know of %s.\n' "$part" "$part" >"parts/$part.md"
    ;;
  'Do: review'*)
    # A part needs an example; the first of those without is what is found.
    for part in parts/*.md; do
      grep -q '^Example:' "$part" && continue
      printf '{"approved": false, "findings": ["%s has no example"]}\n' "$part"
      exit 0
    done
    echo '{"approved": true, "findings": []}'
    ;;
  'Do: fix'*)
    for part in parts/*.md; do
      grep -q '^Example:' "$part" && continue
      printf '\nExample: %s\n' "$(basename "$part" .md)" >>"$part"
    done
    echo 'every part has an example now'
    ;;
  'Do: join'*)
    cat parts/*.md
    ;;
esac
