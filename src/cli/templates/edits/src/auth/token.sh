#!/bin/sh
token() { printf '%s' "$1" | cksum | cut -d ' ' -f 1; }
