#!/bin/sh
# Plays the agents: takes a prompt on standard input and answers on standard output, as a client would.
#   sh agent.sh review   reads change.diff in the role that the prompt gives it
#   sh agent.sh join     joins the remarks that the prompt holds
set -eu

case $1 in
  review)
    role=$(sed -n 's/^Role: //p')
    awk -v role="$role" '
      function remark(text) {
        printf "%s\n  {\"role\": \"%s\", \"line\": %d, \"remark\": \"%s\"}", count++ ? "," : "", role, NR, text
      }
      BEGIN { printf "[" }
      /^\+\+\+ / { file = $2; if (file ~ /test/) tested = 1; next }
      role == "correctness" && /^\+.*open\(/ && !/with / { remark("the file is opened and never closed") }
      role == "correctness" && /^\+.*except:/ { remark("a bare except hides every mistake") }
      role == "security" && /^\+.*shell=True/ { remark("a shell reads what a user typed") }
      role == "security" && /^\+.*log.*password/ { remark("the password goes to the log") }
      END {
        if (role == "tests" && !tested) remark("no test comes with the change")
        print "\n]"
      }' change.diff
    ;;
  join)
    awk '
      /^## / { role = $2 }
      /"remark": "/ {
        sub(/.*"remark": "/, ""); sub(/"}.*/, "")
        print "- " role ": " $0
        count++
      }
      END { print count ? "change" : "approve" }'
    ;;
esac
