#!/bin/sh
# The build: one library of shell functions made from its parts.
set -eu
mkdir -p build
cat src/*.sh >build/library.sh
sh -n build/library.sh
