"""What becomes of an attempt, client by fault, through the gateway: the one table that the tests hold
clients to and that docs/agents.md shows. `outcomes.py FILE` says whether the file shows it;
`outcomes.py --write FILE` puts it there."""

import sys

import known

LONG = "one two three four five six seven eight nine ten eleven twelve"

# (name, what the documentation calls it, what the endpoint answers, what the attempt is).
# An outcome for all clients, or by client's name with "" for the others.
FAULTS = [
    ("mid-text", "ends cleanly in mid-text", {"text": LONG, "end_after": 3},
     {"claude-code": "succeeded", "": "cut-off"}),  # It asks again without a stream, and has all of it.
    ("no-last-event", "has no final event", {"text": LONG, "drop_last": 1}, "cut-off"),
    ("filtered", "is stopped by a filter after some text", {"text": "Part of", "finish": "refusal"}, "declined"),
    ("refused", "is a refusal that says nothing", {"text": "", "finish": "refusal"}, "declined"),
    ("paused", "ends with `pause_turn`", {"text": "I search", "ends_with": "pause_turn"}, "cut-off"),
    ("error-word", "ends with `error`", {"text": "I was", "ends_with": "error"},
     {"qwen": "api-failed", "": "cut-off"}),
    ("at-limit", "ends at the output limit", {"text": "Part of", "finish": "length"}, "cut-off"),
    ("reset", "is a connection that breaks", {"status": 0}, "api-failed"),
    ("limited", "is 429 to the end", {"status": 429, "retry_after": 1}, "rate-limited"),
    ("overloaded", "is 529 to the end", {"status": 529}, "api-failed"),
    ("empty", "is 200 and empty", {"raw": "\n"}, "cut-off"),
    ("html", "is 200 and HTML", {"raw": "<html><body>It works!</body></html>", "raw_type": "text/html"},
     "cut-off"),
    ("endless", "is a stream that never ends", {"text": LONG, "stall_after": 3}, "timed-out"),
    ("no-session", "is 400 and says that no session was found",
     {"status": 400, "message": "No conversation found with session ID 1234"}, "bad-request"),
    ("killed", "is a command that kills the client", {"shell": "kill -KILL $PPID"}, "crashed"),
]

# Of those that last as long as they may.
TIMEOUTS = {"limited": "1m", "endless": "1m"}

BEGIN, END = "<!-- outcomes: tests/clients/outcomes.py -->", "<!-- end -->"


def expected(fault, client):
    outcome = fault[3]
    return outcome if isinstance(outcome, str) else outcome.get(client.name, outcome.get(client.kind, outcome[""]))


def table():
    lines = ["| the model's answer | " + " | ".join(f"`{client.name}`" for client in known.CLIENTS) + " |",
             "|---" * (len(known.CLIENTS) + 1) + "|"]
    for fault in FAULTS:
        cells = [f"`{expected(fault, client)}`" for client in known.CLIENTS]
        lines.append(f"| {fault[1]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def documented(text):
    return text.split(BEGIN, 1)[-1].split(END, 1)[0].strip()


def main():
    path = sys.argv[-1]
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if BEGIN not in text:
        sys.exit(f"error: `{path}` has no line `{BEGIN}`")
    if "--write" in sys.argv:
        head, rest = text.split(BEGIN, 1)
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"{head}{BEGIN}\n{table()}\n{END}{rest.split(END, 1)[1]}")
    elif documented(text) != table():
        sys.exit(f"error: `{path}` shows another table of outcomes\n"
                 f"hint: tests/clients/outcomes.py --write {path}")


if __name__ == "__main__":
    main()
