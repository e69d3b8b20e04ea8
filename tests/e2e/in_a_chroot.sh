#!/bin/sh
# Runs the demo, and the core of the tests of views and of workers, in a chroot made of this host's own files: as root, where views are
# possible, and as an ordinary user, where no namespace is to be had, as in a container without privileges.
#     in_a_chroot.sh SOURCES INTERLOCK E2E_TEST ENCLOSURE_TEST
# All mounts are in a namespace of their own, and go with it. 77: not possible here.
set -eu

if [ "${1:-}" != --inside ]; then
  [ "$(id -u)" = 0 ] || { echo 'this needs root'; exit 77; }
  place=$(mktemp -d)
  trap 'rmdir "$place"' EXIT
  unshare -m true 2>/dev/null || { echo 'this needs a mount namespace'; exit 77; }
  unshare -m sh "$0" --inside "$place" "$@"
  exit
fi

place=$2 sources=$3 interlock=$4 e2e=$5 enclosure=$6
mount --make-rprivate /
mount -t tmpfs none "$place"
# Not the mount itself, so that `/` of the chroot is none.
root=$place/root
mkdir "$root"
mkdir "$root/var"
for folder in bin sbin lib lib32 lib64 libx32 usr etc opt var/lib; do
  if [ -L "/$folder" ]; then
    cp -P "/$folder" "$root/$folder"
  elif [ -d "/$folder" ]; then
    mkdir "$root/$folder"
    mount --rbind "/$folder" "$root/$folder"
  fi
done
mkdir -p "$root/proc" "$root/dev" "$root/sys" "$root/root" "$root/home" "$root/var/tmp" "$root/tmp" "$root$sources"
for folder in proc dev sys; do mount --rbind "/$folder" "$root/$folder"; done
chmod 1777 "$root/tmp" "$root/var/tmp"
mount --rbind "$sources" "$root$sources"
unset TMPDIR XDG_STATE_HOME XDG_CONFIG_HOME

inside() { chroot "$root" "$@"; }

echo '--- views as root'
# Not in `/` itself, in which folders of the host are mounted.
inside sh -c "cd /var/tmp && '$interlock' doctor" | grep -E '^  yes  view ' || { echo 'error: no views in a chroot'; exit 1; }
inside sh -c "cd /var/tmp && '$interlock' doctor" | grep -E '^  yes  observer ' || { echo 'error: not observed in a chroot'; exit 1; }
inside sh -c "cd '$sources' && '$enclosure' --gtest_filter='Who/Observed.*/root' --gtest_brief=1"
inside sh -c "cd '$sources' && '$e2e' --gtest_filter='View.*:WithWorkers.a_run_comes*' --gtest_brief=1"

echo '--- reads by a relative path'
inside sh -euc "
  mkdir -p /tmp/reads/ws/project && cd /tmp/reads && printf 'a\nb\n' >ws/project/R
  cat >plan.yaml <<'Y'
interlock: 1
workspace: ws
tasks: [{id: count, isolation: view, run: cd project && wc -l <R >LINES}]
Y
  '$interlock' run plan.yaml --quiet --state /tmp/reads/state >/dev/null
  '$interlock' show last --json --state /tmp/reads/state | grep '\"reads_from\": \"observed\"'
  '$interlock' show last --suggest --state /tmp/reads/state | grep project/R
"

echo '--- the demo as root'
inside env NO_COLOR=1 "$sources/tools/demo" "$interlock" >"$place/out" 2>&1 || { cat "$place/out"; exit 1; }
grep 'Equal, byte for byte' "$place/out"

echo '--- the demo without privileges'
chmod 755 "$place"
inside setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs env NO_COLOR=1 HOME=/tmp \
  "$sources/tools/demo" "$interlock" >"$place/out" 2>&1 || { cat "$place/out"; exit 1; }
grep -E 'Equal, byte for byte|views are not available on this host' "$place/out"
