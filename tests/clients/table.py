"""A table of what was seen: tests by clients."""

import unittest


class Table(unittest.TextTestResult):
    """Also remembers what was seen of which client, for one table at the end."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.seen = {}

    def note(self, test, client, word):
        key = (test.id().split(".", 1)[-1].replace(".test_", ": ").replace("_", " "), client)
        if self.seen.get(key) != "FAILED":
            self.seen[key] = word

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        self.note(test, subtest.params.get("client", ""), "ok" if error is None else "FAILED")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        parent = getattr(test, "test_case", test)
        self.note(parent, getattr(test, "params", {}).get("client", ""), "-")

    def addSuccess(self, test):
        super().addSuccess(test)
        self.note(test, "", "ok")

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.note(test, "", "FAILED")

    def addError(self, test, error):
        super().addError(test, error)
        self.note(getattr(test, "test_case", test), "", "FAILED")

    def lines(self, clients):
        tests = list(dict.fromkeys(test for test, _ in self.seen))
        width = max(map(len, tests), default=0)
        yield " " * width + "  " + "  ".join(clients)
        for test in tests:
            # One that is of no client in particular has one word.
            each = [self.seen.get((test, client)) for client in clients]
            words = [word or "" for word in each] if any(each) else [self.seen.get((test, ""), "")]
            cells = [word.ljust(len(client)) for word, client in zip(words, clients)]
            yield f"{test:<{width}}  " + "  ".join(cells).rstrip()
