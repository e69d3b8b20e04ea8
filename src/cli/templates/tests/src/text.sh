# upper TEXT: the text in capital letters.
upper() { printf '%s\n' "$1" | tr '[:lower:]' '[:upper:]'; }

# words TEXT: how many words it has.
words() { printf '%s\n' "$1" | wc -w | tr -d ' '; }
