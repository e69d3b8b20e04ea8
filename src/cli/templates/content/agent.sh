#!/bin/sh
# Plays the agent: takes a prompt on standard input, writes the text it asks for, and answers with JSON.
set -eu

prompt=$(cat)
brief=$(printf '%s\n' "$prompt" | sed -n 's/^Brief: //p')
text=$(printf '%s\n' "$prompt" | sed -n 's/^Text: //p')
title=$(sed -n 's/^# //p' "$brief" | tr -d '"\\')

mkdir -p "$(dirname "$text")"
{
  printf '# %s\n\n' "$title"
  sed -n 's/^- \(.*\)/This text is about the following point: \1/p' "$brief"
} >"$text"

printf '[{"title": "%s", "words": %d, "file": "%s"}]\n' "$title" "$(wc -w <"$text")" "$text"
