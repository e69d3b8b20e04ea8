# note.sh TITLE FILE: puts the first lines of FILE under a heading into report/notes.md. An attempt that was killed is
# done again, so what an earlier one left under the heading is taken out first.
set -eu
title=$1
file=$2
touch report/notes.md
{
  awk -v title="## $title" '/^## / { mine = $0 == title } !mine' report/notes.md
  printf '## %s\n\n' "$title"
  head -n 5 "$file" | sed 's/^/- /'
  echo
} >"$TMPDIR/notes.md"
mv "$TMPDIR/notes.md" report/notes.md
