# packages.sh: how many packages this machine has and how large they are. Fails at its first try, on purpose.
set -eu
if [ ! -e tried ]; then
  touch tried
  echo 'the package database is busy' >&2
  exit 75
fi
dpkg-query -W -f '${Installed-Size}\n' |
  awk '{ kib += $1 } END { printf "{\"packages\": %d, \"packages_mib\": %d}\n", NR, kib / 1024 }'
