"""What the cases share: which clients were chosen, scripts that several use, and the world of each."""

import json
import unittest

from world import World

CHOSEN = []

EDIT = "echo edited by the client >> notes.txt"
SCHEMA = json.dumps({"type": "object", "required": ["answer"], "additionalProperties": False,
                     "properties": {"answer": {"type": "integer"}}})
AFTER_TOOL = {"after_tool": True, "steps": [{"text": "Done: the note is there."}]}


def edits(prompt="edit", shell=EDIT):
    """A command through the client's own tool, and words when its result is there."""
    return [{"prompt": prompt, "after_tool": False, "has_tools": True,
             "steps": [{"text": "I will.", "shell": shell}], "loop": True}, AFTER_TOOL]


def prompt_of(client, body):
    """What a model reads, in the order in which providers cache it: ids of items are none of it."""
    body = json.loads(body["body"])
    parts = {"anthropic": ("tools", "system", "messages"), "openai-chat": ("tools", "messages"),
             "openai-responses": ("tools", "instructions", "input"),
             "gemini": ("tools", "systemInstruction", "contents")}[client.api]
    chosen = [body.get(part) for part in parts]
    if client.api == "openai-responses":
        chosen[2] = [{key: value for key, value in item.items() if key != "id"} for item in chosen[2]]
    return json.dumps(chosen)


def each_client(test, able=lambda client: True):
    def run(self):
        for client in filter(able, CHOSEN):
            with self.subTest(client=client.name):
                test(self, client)
    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


def each_that_resumes(test):
    return each_client(test, lambda client: client.resumes)


def each_that_records(test):
    return each_client(test, lambda client: client.repeats_requests)


def each_that_writes(test):
    return each_client(test, lambda client: client.writes_by)


def each_that_can_be_bound(test):
    return each_client(test, lambda client: client.takes_schema)


class Case(unittest.TestCase):
    maxDiff = None

    def world(self, script):
        world = World(script)
        self.addCleanup(world.end)
        return world
