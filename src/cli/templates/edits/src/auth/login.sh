#!/bin/sh
login() { printf 'user %s\n' "$1"; }
logout() { printf 'bye %s\n' "$1"; }
