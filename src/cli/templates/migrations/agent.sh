#!/bin/sh
# Plays the agent: takes a prompt on standard input and answers with JSON on standard output.
set -eu

migration=$(sed -n 's/^Migration: //p')
statements=$(grep -c ';' "$migration")
loses_data=false
if grep -qiE '(drop|delete|truncate)' "$migration"; then loses_data=true; fi
printf '[{"migration": "%s", "statements": %d, "loses_data": %s}]\n' "$migration" "$statements" "$loses_data"
