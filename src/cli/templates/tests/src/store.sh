# put FOLDER KEY VALUE, get FOLDER KEY: a store with a file for each key.
put() { mkdir -p "$1" && printf '%s\n' "$3" >"$1/$2"; }
get() { cat "$1/$2"; }
