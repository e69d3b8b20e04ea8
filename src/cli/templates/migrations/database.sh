#!/bin/sh
# Plays the database: a folder with a file for each table, whose lines are its columns.
#   sh database.sh backup          copies it to backup/
#   sh database.sh apply FILE.sql  carries out CREATE TABLE, ALTER TABLE ... ADD and DROP TABLE
set -eu

case $1 in
  backup)
    mkdir -p database
    rm -rf backup
    cp -R database backup
    ;;
  apply)
    mkdir -p database
    tr -d '(),;' <"$2" | while read -r verb noun table rest; do
      case "$verb $noun" in
        'CREATE TABLE') printf '%s\n' $rest >"database/$table" ;;
        'ALTER TABLE') printf '%s\n' "${rest#ADD }" >>"database/$table" ;;
        'DROP TABLE') rm "database/$table" ;;
        ' ' | '-- '*) ;;
        *) echo "no such statement: $verb $noun" >&2; exit 1 ;;
      esac
      [ -z "$verb" ] || echo "$verb $noun $table"
    done
    ;;
esac
