#!/bin/sh
# Plays the agents: takes a prompt on standard input and answers on standard output, as a client would.
#   sh agent.sh read   lists the claims of the source that the prompt names
#   sh agent.sh join   writes a report of the findings that the prompt holds
set -eu

case $1 in
  read)
    source=$(sed -n 's/^Source: //p')
    awk -v source="$source" '
      BEGIN { printf "{\"source\": \"%s\", \"findings\": [", source }
      /^- / {
        claim = substr($0, 3)
        gsub(/[\\"]/, "\047", claim)
        printf "%s\n  {\"line\": %d, \"claim\": \"%s\"}", count++ ? "," : "", NR, claim
      }
      END { print "\n]}" }' "$source"
    ;;
  join)
    awk '
      BEGIN { print "# Findings" }
      /^## read-/ { printf "\n## %s\n\n", substr($0, 9) }
      /"claim": "/ { sub(/.*"claim": "/, ""); sub(/"}.*/, ""); print "- " $0; count++ }
      END { printf "\n%d claims in all.\n", count }'
    ;;
esac
