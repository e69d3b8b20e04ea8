# words.sh: the words of the project and of the licences on this machine, the most frequent first.
set -eu
export LC_ALL=C
mkdir -p report
find project /usr/share/common-licenses -type f -exec cat {} + |
  tr -cs 'A-Za-z' '\n' | tr 'A-Z' 'a-z' | awk 'length > 4' |
  sort | uniq -c | sort -k1,1nr -k2 | awk '{ print $2, $1 }' >report/words.txt
