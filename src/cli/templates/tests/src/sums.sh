# sum NUMBER...: their sum.
sum() {
  total=0
  for number in "$@"; do total=$((total + number)); done
  printf '%s\n' "$total"
}
