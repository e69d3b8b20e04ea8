#!/usr/bin/env python3
"""Real agent clients against the model endpoint: by hand, and under Interlock. Started by
tools/test-clients, in a network of its own that has nothing but loopback."""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
import unittest

import known
import outcomes
from by_hand import call_of, make_files
from cases import (AFTER_TOOL, CHOSEN, SCHEMA, Case, each_client, each_that_can_be_bound, each_that_records,
                   each_that_resumes, each_that_writes, edits, prompt_of)
from first_use import FirstUse
from table import Table
from world import PATIENCE_S, Endpoint, Place


class ByHand(Case):
    """Without Interlock: that the endpoint speaks as these clients want it."""

    def run_client(self, world, client, prompt):
        arguments, variables, files = call_of(client, world.endpoint.url, world.home)
        make_files(world.home, files)
        process = world.start([known.program(Place.clients, client), *arguments], variables,
                              stdin=subprocess.PIPE)
        out, err = process.communicate(prompt, timeout=PATIENCE_S)
        return process.returncode, out, err

    @each_client
    def test_a_text_arrives(self, client):
        world = self.world({"otherwise": {"text": "The answer is forty-two."}})
        status, out, err = self.run_client(world, client, "What is it? [[task:text]]")
        self.assertEqual(status, 0, err + out)
        self.assertIn("The answer is forty-two.", out, err)
        books = world.endpoint.books()
        self.assertGreaterEqual(books["tasks"]["text"]["complete"], 1)
        self.assertEqual({call["key"] for call in books["calls"]}, {"sk-test"})

    @each_client
    def test_a_tool_edits_a_file(self, client):
        world = self.world({"rules": edits()})
        status, out, err = self.run_client(world, client, "edit the note [[task:edit]]")
        self.assertEqual(status, 0, err + out)
        self.assertEqual(world.read("notes.txt"), "first line\nedited by the client\n", out)
        self.assertIn("Done: the note is there.", out)

    @each_client
    def test_a_rate_limit_is_waited_for(self, client):
        world = self.world({"rules": [{"steps": [{"status": 429, "retry_after": 1, "times": 2},
                                                 {"text": "After waiting."}], "together": True}]})
        status, out, err = self.run_client(world, client, "Hello [[task:limited]]")
        self.assertEqual(status, 0, err + out)
        self.assertIn("After waiting.", out)
        self.assertEqual(world.endpoint.books()["tasks"]["limited"]["statuses"]["429"], 2)

    @each_client
    def test_nothing_of_outside_leaks(self, client):
        os.environ["OUTSIDE_MARK"] = "must-not-be-seen"
        world = self.world({"rules": edits("environment", "env > seen.txt")})
        self.run_client(world, client, "show the environment [[task:env]]")
        seen = world.read("seen.txt")
        self.assertIsNotNone(seen)
        self.assertNotIn("OUTSIDE_MARK", seen)
        books = world.endpoint.books()
        for call in books["calls"]:
            kept = json.dumps(world.endpoint.get(f"/books/{call['n']}"))
            self.assertNotIn("must-not-be-seen", kept)


NINE = "".join(f"{line}\n" for line in range(1, 10))


class Reaching(Case):
    """From inside a client: its model asks Interlock through the server that `init --for` set up."""

    TOOL = {"claude-code": "mcp__interlock__{}", "codex": "mcp__interlock/{}",
            "gemini": "mcp_interlock_{}", "opencode": "interlock_{}"}
    SUB_AGENT = {"claude-code": ("Agent", {"description": "look", "subagent_type": "general-purpose"}),
                 "gemini": ("invoke_agent", {"agent_name": "generalist"}),
                 "opencode": ("task", {"description": "look", "subagent_type": "general"})}
    TASKS = {"tasks": [{"id": name, "run": f"echo {name} >{name}.txt", "reads": [], "writes": [f"{name}.txt"]}
                       for name in ("one", "two")]}

    def start(self, client, rules, prompt, *options):
        """Set up by `init --for`, and asked once; the world, all that its models were told, what it said."""
        if client.name not in self.TOOL:
            self.skipTest(f"{client.name} has no `init --for`")
        world = self.world({"rules": rules, "otherwise": {"text": "Looked."}})
        subprocess.run(["git", "init", "-q", world.workspace], check=True, env=world.environment)
        if prompt.startswith("seq it"):
            world.write("notes.txt", NINE)
        status, out, err = world.interlock("init", "--for", client.name, *options)
        self.assertEqual(status, 0, err + out)
        arguments, variables, files = call_of(client, world.endpoint.url, world.home)
        if client.name == "codex":
            files["codex/config.toml"] += f'[projects."{world.workspace}"]\ntrust_level = "trusted"\n'
        make_files(world.home, files)
        variables = {**variables, "ENABLE_TOOL_SEARCH": "false", "GEMINI_CLI_TRUST_WORKSPACE": "true"}
        if client.name == "claude-code":
            arguments = [*arguments, "--mcp-config", ".mcp.json"]
        process = world.start([known.program(Place.clients, client), *arguments], variables, stdin=subprocess.PIPE)
        out, err = process.communicate(f"{prompt} [[task:reach]]", timeout=PATIENCE_S)
        self.assertEqual(process.returncode, 0, err + out)
        return world, json.dumps(world.bodies_of("reach")), err + out

    def talk(self, client, tool, arguments):
        """One call of a tool by the client's model."""
        name = self.TOOL.get(client.name, "").format(tool)
        return self.start(client, [
            {"prompt": "plan it", "after_tool": False, "has_tools": True, "loop": True,
             "steps": [{"text": "I ask.", "tools": [{"name": name, "input": arguments}]}]},
            AFTER_TOOL], "plan it")

    def fan_out(self, client, *options):
        """Three sub-agents in one message."""
        if client.name not in self.SUB_AGENT:
            self.skipTest(f"{client.name} starts sub-agents in another way")
        name, kind = self.SUB_AGENT[client.name]
        agents = [{"name": name, "input": {**kind, "prompt": f"look at {part}"}} for part in "abc"]
        return self.start(client, [
            {"prompt": "fan out", "after_tool": False, "has_tools": True, "loop": True,
             "steps": [{"text": "I start three.", "tools": agents}]}, AFTER_TOOL], "fan out", *options)

    @each_client
    def test_three_sub_agents_at_once_are_advised_on(self, client):
        world, told, out = self.fan_out(client)
        # Where one may end before the last begins, it is of those that ran then.
        self.assertRegex(told, "Interlock on these [23] sub-agents: sequential", out)

    @each_client
    def test_three_sub_agents_at_once_are_denied_where_that_is_asked_for(self, client):
        world, told, out = self.fan_out(client, "--enforce")
        self.assertRegex(told, "Interlock on these [23] sub-agents: sequential", out)
        if client.name != "claude-code":
            return  # There the first is let through: nobody knows yet of those to come.
        for call in world.endpoint.books()["calls"]:
            body = json.loads(world.endpoint.get(f"/books/{call['n']}")["body"])
            self.assertNotIn("look at", json.dumps(body["messages"][0]), "no sub-agent was started")

    def edit_at_once(self, client, edits, background, *rules):
        """Two sub-agents with worktrees, each with one edit of the nine lines of notes.txt."""
        if client.name != "claude-code":
            self.skipTest(f"{client.name} gives its sub-agents no worktrees")
        agents = [{"name": "Agent", "input": {"description": "edit", "prompt": f"edit {name} [[task:{name}]]",
                                              "subagent_type": "general-purpose", "isolation": "worktree",
                                              "run_in_background": background}} for name in edits]
        steps = [{"prompt": f"task:{name}", "after_tool": False, "has_tools": True, "steps": [{"shell": edit}]}
                 for name, edit in edits.items()]
        return self.start(client, [
            {"prompt": "edit at once", "after_tool": False, "has_tools": True,
             "steps": [{"text": "I start two.", "tools": agents}, {"text": "All done."}]},
            *rules, *steps, AFTER_TOOL], "seq it: edit at once")

    @each_client
    def test_edits_of_one_file_by_its_own_sub_agents_both_survive(self, client):
        for background in (False, True):
            world, told, out = self.edit_at_once(client, {"one": "seq 9 >new.txt; sed -i 1s/^/one:/ notes.txt",
                                                          "two": "echo two >>notes.txt"}, background)
            self.assertEqual(world.read("notes.txt"), NINE.replace("1", "one:1", 1) + "two\n", out)
            self.assertIn("Do not merge or copy its worktree", told, out)

    @each_client
    def test_a_conflict_is_told_to_the_sub_agent_that_came_second(self, client):
        mend = {"body": "Nothing of your work is in the workspace", "after_tool": False,
                "steps": [{"shell": "echo both >notes.txt"}, {"text": "Mended."}]}
        world, _, out = self.edit_at_once(client, {name: f"echo {name} >notes.txt" for name in ("one", "two")},
                                          False, mend)
        self.assertEqual(world.read("notes.txt"), "both\n", out)

    @each_client
    def test_a_model_is_told_the_decision(self, client):
        world, told, out = self.talk(client, "plan", {**self.TASKS, "pattern": "parallel"})
        self.assertIn("touch nothing in common", told, out)

    @each_client
    def test_a_model_starts_a_run_that_outlives_its_client(self, client):
        world, told, out = self.talk(client, "run", self.TASKS)
        self.assertIn("r-20", told, out)
        world.interlock("log", "-f", "last")
        self.assertEqual(world.show()["state"], "finished")
        self.assertEqual((world.read("one.txt"), world.read("two.txt")), ("one\n", "two\n"))


def agent_yaml(client, url, extra=""):
    key = {"anthropic": "ANTHROPIC_API_KEY", "gemini": "GEMINI_API_KEY"}.get(client.api, "OPENAI_API_KEY")
    lines = [f"kind: {client.kind}", f"bin: {json.dumps(known.program(Place.clients, client))}",
             f"model: {json.dumps(client.model)}", f"base_url: {json.dumps(url)}"]
    if Place.gateway:
        lines.append("key: TEST_KEY")
    else:
        lines += ["gateway: false", f"pass_env: [{key}]"]
    return "{" + ", ".join(lines) + extra + "}"


class Dispatched(Case):
    """Under `interlock run`, in views."""

    def plan(self, world, tasks, clients, resources="", limits="parallel: 8"):
        """`tasks`: (id, client's name, prompt, more keys)."""
        text = "interlock: 1\nname: clients\n"
        text += "defaults: {isolation: view, retries: 0, timeout: 3m}\n"
        text += f"limits: {{{limits}}}\n{resources}agents:\n"
        for client in clients:
            text += f"  {client.name}: {agent_yaml(client, world.endpoint.url)}\n"
        text += "tasks:\n"
        for name, agent, prompt, more in tasks:
            text += f"  - id: {name}\n    agent: {agent}\n"
            text += f"    prompt: {json.dumps(prompt + f' [[task:{name}]]')}\n"
            for line in more:
                text += f"    {line}\n"
        world.write("plan.yaml", text)

    @each_client
    def test_a_log_in_is_passed_on_and_its_windows_are_noted(self, client):
        if client.name != "claude-code" or not Place.gateway:
            self.skipTest("Claude Code alone lets its log-in be used, and the gateway hears of windows")
        resets = int(time.time()) + 7200
        world = self.world({"otherwise": {"text": "Done.", "headers": {
            "anthropic-ratelimit-unified-5h-utilization": "0.42",
            "anthropic-ratelimit-unified-5h-reset": str(resets)}}})
        world.write("plan.yaml", "interlock: 1\nagents: {c: {kind: claude-code, login: true, "
                    f"bin: {json.dumps(known.program(Place.clients, client))}, model: {json.dumps(client.model)}, "
                    f"base_url: {json.dumps(world.endpoint.url)}}}}}\n"
                    "tasks: [{id: look, agent: c, prompt: Look., reads: [], writes: []}]\n")
        token = {"CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat01-made-up"}
        status, out, err = world.interlock("run", "plan.yaml", environment=token)
        self.assertEqual(status, 0, err + out)
        self.assertEqual({call["key"] for call in world.endpoint.books()["calls"]}, {"sk-ant-oat01-made-up"})
        status, out, err = world.interlock("plan", "plan.yaml", "--full", environment=token)
        self.assertIn("has used 42 % of its 5h", out, err)
        kept = subprocess.run(["grep", "-rl", "made-up", world.home], stdout=subprocess.PIPE, text=True, check=False)
        self.assertEqual(kept.stdout, "", "the log-in is kept nowhere")

    def keys(self):
        return {name: "sk-test" for name in ("TEST_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY",
                                             "OPENAI_API_KEY", "INTERLOCK_AGENT_KEY")}

    def run_plan(self, world, *options):
        status, out, err = world.interlock("run", "plan.yaml", *options, environment=self.keys())
        return status, out + err

    def one(self, client, script, prompt, more=("writes: [\"notes.txt\"]",)):
        world = self.world(script)
        self.plan(world, [("only", client.name, prompt, more)], [client])
        status, said = self.run_plan(world)
        return world, status, said

    def assert_state(self, world, said, name, state):
        task = next(task for task in world.show()["tasks"] if task["id"] == name)
        self.assertEqual(task["state"], state, said)
        return task

    def assert_books_agree(self, world, name):
        """The tokens of a task, to the token; only through the gateway is everything counted."""
        task = next(task for task in world.show()["tasks"] if task["id"] == name)
        used = world.endpoint.books()["tasks"][name]["usage"]
        if Place.gateway:
            self.assertEqual(task["tokens"], {k: used[k] for k in
                                              ("input", "output", "cache_read", "cache_write")})

    @each_client
    def test_a_text_is_a_success(self, client):
        world, status, said = self.one(client, {"otherwise": {"text": "The answer is forty-two."}},
                                       "What is it?", ("output: text",))
        self.assertEqual(status, 0, said)
        self.assert_state(world, said, "only", "done")
        self.assert_books_agree(world, "only")
        self.assertIn("forty-two", world.interlock("output", "last", "only")[1])

    @each_client
    def test_the_gateway_can_be_its_only_network(self, client):
        if not Place.gateway:
            self.skipTest("it takes the gateway")
        world, status, said = self.one(client, {"otherwise": {"text": "The answer is forty-two."}},
                                       "What is it?", ("output: text", "network: gateway"))
        self.assertEqual(status, 0, said)
        self.assert_books_agree(world, "only")
        self.assertIn("forty-two", world.interlock("output", "last", "only")[1])

    @each_client
    def test_a_tool_edits_a_file_in_a_view(self, client):
        world, status, said = self.one(client, {"rules": edits()}, "edit the note")
        self.assertEqual(status, 0, said)
        self.assertEqual(world.read("notes.txt"), "first line\nedited by the client\n", said)
        self.assert_books_agree(world, "only")

    @each_client
    def test_a_recorded_run_replays_offline(self, client):
        """Every answer out of the recording: the endpoint sees no call, and the result is the same."""
        if not Place.gateway:
            self.skipTest("what is recorded passes the gateway")
        world = self.world({"rules": edits()})
        self.plan(world, [("only", client.name, "edit the note", ("writes: [\"notes.txt\"]", "output: text"))],
                  [client])
        status, said = self.run_plan(world, "--record")
        self.assertEqual(status, 0, said)
        first = world.show()
        seen = len(world.endpoint.books()["calls"])
        world.write("notes.txt", "first line\n")
        status, said = self.run_plan(world, "--fresh", "--replay", first["run"])
        self.assertEqual(status, 0, said)
        self.assertEqual(world.show()["digest"], first["digest"])
        self.assertEqual(world.read("notes.txt"), "first line\nedited by the client\n", said)
        self.assertEqual(len(world.endpoint.books()["calls"]), seen, "no call left the machine")

    @each_that_writes
    def test_a_guard_with_exact_writes_lets_a_client_write_its_file(self, client):
        """Its own temporary file beside it, and what it leaves in a repository, are no breach."""
        world = self.world({})
        tool, key = client.writes_by
        world.endpoint.end()
        world.endpoint = Endpoint({"keep_bodies": True, "rules": [
            {"after_tool": False, "has_tools": True, "loop": True, "steps": [{"tools": [{
                "name": tool, "input": {key: f"{world.workspace}/hello.txt", "content": "written\n"}}]}]},
            AFTER_TOOL]}, world.folder)
        for arguments in (["init", "-q"], ["add", "."],
                          ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "begun"]):
            subprocess.run(["git", *arguments], cwd=world.workspace, check=True, env=world.environment)
        self.plan(world, [("only", client.name, "write it",
                           ("isolation: guard", "reads: [\"**\"]", "writes: [hello.txt]", "output: none"))], [client])
        status, said = self.run_plan(world)
        self.assertEqual(status, 0, said)
        self.assertEqual(world.read("hello.txt"), "written\n", said)
        left = set(os.listdir(world.workspace)) - {".git", "hello.txt", "notes.txt", "plan.yaml"}
        self.assertEqual(left, set())

    @each_client
    def test_each_fault_has_its_outcome(self, client):
        """All at once, in one run; what of it is said in docs/agents.md."""
        if not Place.gateway:
            self.skipTest("without the gateway clients say what they like")
        world = self.world({"rules": [
            {"body": f"the fault is {name}\\b", "steps": [answer]} for name, _, answer, _ in outcomes.FAULTS]})
        self.plan(world, [(name, client.name, f"the fault is {name}",
                           ("reads: []", "writes: []" if "shell" not in answer else "writes: [notes.txt]",
                            "output: text", f"timeout: {outcomes.TIMEOUTS.get(name, '3m')}")) for name, _, answer, _ in outcomes.FAULTS], [client])
        process = world.start([Place.interlock, "run", "plan.yaml", "--pattern", "parallel", "--parallel", "4"],
                              self.keys())
        seen = self.first_outcomes(world, process)
        # Nobody asks without end, whatever comes back; one that is told to wait is asked again by the gateway.
        calls = {name: of["calls"] for name, of in world.endpoint.books()["tasks"].items()}
        for name in {fault[0] for fault in outcomes.FAULTS} - {"limited", "overloaded"}:
            self.assertLessEqual(calls.get(name, 0), 40, name)
        # A limited one would begin again and again.
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)
        self.assertEqual(seen, {fault[0]: outcomes.expected(fault, client) for fault in outcomes.FAULTS})

    def first_outcomes(self, world, process):
        """Of each task, as soon as all have one."""
        end = time.monotonic() + 4 * PATIENCE_S
        seen = {}
        while time.monotonic() < end:
            time.sleep(1)
            status, out, err = world.interlock("show", "last", "--json")
            tasks = json.loads(out)["tasks"] if status in (0, 1) and out else []
            seen = {task["id"]: task["history"][0].get("outcome") for task in tasks if task["history"]}
            if process.poll() is not None or (len(seen) == len(outcomes.FAULTS) and all(seen.values())):
                break
        return seen

    @each_that_records
    def test_paid_answers_come_back_after_a_crash(self, client):
        """The dispatcher dies in the second call; what the first answered is not asked again."""
        if not Place.gateway:
            self.skipTest("what is recorded passes the gateway")
        world = self.world({"rules": [
            {"after_tool": False, "has_tools": True, "loop": True, "steps": [{"shell": "true"}]},
            {"after_tool": True, "steps": [{"hang": True}, {"text": "Done."}]}]})
        self.plan(world, [("only", client.name, "go on", ("writes: [notes.txt]", "output: text"))], [client])
        process = world.start([Place.interlock, "run", "plan.yaml", "--record"], self.keys())
        world.endpoint.wait_for(lambda books: any(
            call["end"] == "running" and call["rule"] == "1" for call in books["calls"]), "the second call")
        os.kill(process.pid, signal.SIGKILL)
        process.wait(timeout=PATIENCE_S)
        status, out, err = world.interlock("resume", "last", environment=self.keys())
        self.assertEqual(status, 0, out + err)
        first = [call for call in world.endpoint.books()["calls"] if call["rule"] == "0"]
        self.assertEqual(len(first), 1, out + err)

    @each_that_records
    def test_at_the_runs_limit_nothing_is_paid_for_twice(self, client):
        """Four at work meet it, for they take more than the plan says. They are parked before the call that would pass
        it, and go on in their sessions, or with the answers that were recorded."""
        if not Place.gateway:
            self.skipTest("it takes the gateway")
        paid = {"usage": {"input": 17500, "output": 500}}
        world = self.world({"rules": [{"has_tools": True, "steps": [
            {"shell": "true", "times": 4, **paid}, {"text": "Done.", **paid}]}]})
        names = ("a", "b", "c", "d")
        self.plan(world, [(name, client.name, "go on until you are done",
                           (f"writes: [out-{name}.txt]", "output: text", "estimate: {tokens: 50k}")) for name in names],
                  [client], limits="parallel: 4, tokens: 250k")
        status, said = self.run_plan(world, "--pattern", "parallel", *([] if client.resumes else ["--record"]))
        self.assertEqual(status, 3, said)
        self.assertIn("parked at the run's limit of 250k tokens", said)
        self.assertLessEqual(world.show()["totals"]["tokens"], 250000)
        self.assertGreaterEqual(world.show()["totals"]["tokens"], 214000, "what is left is used")
        status, out, err = world.interlock("resume", "last", "--tokens", "900k", environment=self.keys())
        self.assertEqual(status, 0, out + err)
        asked = {name: sum(call["task"] == name and call["tools"] > 0 for call in world.endpoint.books()["calls"])
                 for name in names}
        self.assertEqual(asked, {name: 5 for name in names}, out + err)
        if client.resumes:
            for task in world.show()["tasks"]:
                self.assertEqual(len({attempt["session"] for attempt in task["history"]}), 1)

    @each_client
    def test_siblings_prompts_begin_alike_and_share_a_cache(self, client):
        """Up to what each was asked; and who comes second waits until the first has filled the cache."""
        if not Place.gateway and client.name == "claude-code":
            self.skipTest("its line for billing comes first, and is left out behind the gateway only")
        world = self.world({"otherwise": {"text": "Said.", "wait": 4}})
        names = ("one", "two")
        self.plan(world, [(name, client.name, "What is it?", ("reads: []", "output: text")) for name in names],
                  [client])
        status, said = self.run_plan(world, "--pattern", "parallel")
        self.assertEqual(status, 0, said)
        one, two = (prompt_of(client, world.bodies_of(name)[0]) for name in names)
        asked = one.index("[[task:one]]")
        alike = len(os.path.commonprefix([one, two]))
        self.assertGreaterEqual(alike, 0.99 * asked, f"{one[alike - 80:alike + 80]}\n{two[alike - 80:alike + 80]}")
        if not Place.gateway:
            return
        calls = [call for call in world.endpoint.books()["calls"] if call["tools"]]
        lead, follower = sorted(calls, key=lambda call: call["started"])[:2]
        self.assertGreaterEqual(follower["started"], lead["began"])
        self.assertEqual((lead["usage"]["cache_read"] > 0, follower["usage"]["cache_read"] > 0), (False, True))
        if Place.figures:
            print(f"{client.name}: {100 * min(1, alike / asked):.1f} % of {asked} bytes; "
                  f"{1000 * (follower['started'] - lead['began']):.1f} ms", file=sys.stderr)

    @each_that_can_be_bound
    def test_an_answer_is_bound_to_a_schema(self, client):
        """Through the client's own option, or told in the prompt where it has none."""
        script = {"rules": [{"after_tool": False, "has_tools": True, "loop": True,
                             "steps": [{"structured": {"answer": 42}}]}, AFTER_TOOL]}
        world, status, said = self.one(client, script, "What is it?", (f"output: {{schema: {SCHEMA}}}",))
        self.assertEqual(status, 0, said)
        self.assertEqual(self.assert_state(world, said, "only", "done")["attempts"], 1)
        self.assertEqual(json.loads(world.interlock("output", "last", "only")[1]), {"answer": 42})
        self.assert_books_agree(world, "only")
        if client.schema_tool:
            self.assertIn(client.schema_tool, json.dumps(world.bodies_of("only")[0]))

    @each_that_resumes
    def test_a_broken_answer_is_corrected_in_its_session(self, client):
        # Claude Code itself asks once more, in the same attempt.
        script = {"rules": [{"after_tool": False, "has_tools": True, "steps": [
            {"text": "There is no JSON in this.", "times": 2 if client.schema_tool else 1}, {"structured": {"answer": 42}}]}, AFTER_TOOL]}
        world, status, said = self.one(client, script, "What is it?", (f"output: {{schema: {SCHEMA}}}",))
        self.assertEqual(status, 0, said)
        first, second = self.assert_state(world, said, "only", "done")["history"]
        self.assertEqual((first["outcome"], second["because"]), ("output-invalid", "correction"))
        self.assertTrue(first["session"])
        self.assertEqual(first["session"], second["session"])
        self.assertEqual(json.loads(world.interlock("output", "last", "only")[1]), {"answer": 42})
        self.assert_books_agree(world, "only")
        answered = [call for call in world.endpoint.books()["calls"] if call["end"] == "complete" and call["tools"]]
        self.assertGreaterEqual(len(answered), 2)
        if Place.gateway:
            self.assertEqual(first["calls"]["answered"] + second["calls"]["answered"],
                             world.endpoint.books()["tasks"]["only"]["complete"])
        self.assertIn("There is no JSON in this.", json.dumps(world.bodies_of("only")[-1]))

    @each_that_resumes
    def test_the_loser_of_two_is_mended_in_its_session(self, client):
        edit = "cat notes.txt; read line < ../go; echo by {} >> notes.txt"
        world = self.world({"rules": [
            {"prompt": "others changed", "after_tool": False, "has_tools": True,
             "steps": [{"shell": "echo by second, mended >> notes.txt"}], "loop": True},
            *(edits(f"the {who} edit", edit.format(who))[0] for who in ("first", "second")), AFTER_TOOL]})
        self.plan(world, [(who, client.name, f"the {who} edit", ("output: none",))
                          for who in ("first", "second")], [client])
        go = world.fifo("go")
        process = world.start([Place.interlock, "run", "plan.yaml", "--pattern", "parallel"], self.keys())
        world.endpoint.wait_for(lambda books: all(
            any(call["task"] == who and call["tools"] and call["end"] == "complete" for call in books["calls"])
            for who in ("first", "second")), "both at their edit")
        os.write(go, b"go\n" * 8)
        out, err = process.communicate(timeout=PATIENCE_S)
        said = out + err
        self.assertEqual(process.returncode, 0, said)
        self.assertEqual(world.read("notes.txt"), "first line\nby first\nby second, mended\n", said)
        self.assertEqual(self.assert_state(world, said, "first", "done")["attempts"], 1)
        lost, mended = self.assert_state(world, said, "second", "done")["history"]
        self.assertEqual(lost["conflict"]["by"], ["first"])
        self.assertEqual(mended["because"], "repair")
        self.assertEqual(lost["session"], mended["session"])
        self.assertIn("+by first", json.dumps(world.bodies_of("second")[-1]))
        self.assertIn("`notes.txt` was changed meanwhile by `first`",
                      world.interlock("why", "last", "second")[1])
        for who in ("first", "second"):
            self.assert_books_agree(world, who)

    @each_client
    def test_a_rate_limit_is_no_failure(self, client):
        script = {"rules": [{"together": True, "steps": [
            {"status": 429, "retry_after": 1, "times": 2}, {"text": "After waiting."}]}]}
        world, status, said = self.one(client, script, "Hello", ())
        self.assertEqual(status, 0, said)
        self.assert_state(world, said, "only", "done")

    @each_client
    def test_a_wrong_key_fails_as_such(self, client):
        world, status, said = self.one(client, {"otherwise": {"status": 401, "message": "wrong key sk-test"}},
                                       "Hello", ())
        self.assertEqual(status, 1, said)
        if Place.gateway:
            self.assertNotIn("sk-test", said)
            self.assertEqual(self.files_with(world, b"sk-test"), [], "the key is kept nowhere")
        self.assert_state(world, said, "only", "failed")
        self.assertRegex(world.interlock("why", "last", "only")[1], "auth|key")

    @each_client
    def test_a_hang_ends_by_the_idle_clock(self, client):
        world, status, said = self.one(client, {"otherwise": {"hang": True}}, "Hello",
                                       ("idle_timeout: 8s",))
        self.assertEqual(status, 1, said)
        self.assert_state(world, said, "only", "failed")
        world.endpoint.wait_for(lambda books: books["total"]["running"] == 0, "the client's end")

    @each_client
    def test_a_cut_stream_is_no_success(self, client):
        script = {"otherwise": {"text": "This will never be whole, whoever asks for it.", "cut_after": 2}}
        world, status, said = self.one(client, script, "Hello", ("timeout: 45s",))
        self.assertEqual(status, 1, said)
        self.assert_state(world, said, "only", "failed")

    @each_client
    def test_a_killed_dispatcher_leaves_nobody_behind_for_long(self, client):
        """What of a client outlives its dispatcher is gone before the run goes on."""
        world = self.world({"rules": [{"has_tools": True, "steps": [
            {"hang": True}, {"text": "The second time it went well."}]}]})
        self.plan(world, [("only", client.name, "Hello", ())], [client])
        process = world.start([Place.interlock, "run", "plan.yaml"], self.keys())
        world.endpoint.wait_for(  # Not one of the small calls some make for a title.
            lambda books: any(call["end"] == "running" and call["tools"] for call in books["calls"]), "a call")
        os.kill(process.pid, signal.SIGKILL)
        process.wait(timeout=PATIENCE_S)
        status, out, err = world.interlock("resume", "last", environment=self.keys())
        self.assertEqual(status, 0, out + err)
        self.assertEqual(world.endpoint.books()["total"]["running"], 0)
        self.assertEqual(self.left_running(world), [])

    def files_with(self, world, text):
        """Of what Interlock and the client left, those that hold the text."""
        found = []
        for folder, _, names in os.walk(world.folder):
            for name in names:
                path = os.path.join(folder, name)
                if name == "script.json" or not os.path.isfile(path):
                    continue
                with open(path, "rb") as file:
                    if text in file.read():
                        found.append(path)
        return found

    def left_running(self, world):
        """Command lines of all processes but this one and the endpoint that know the case's folder."""
        left = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as file:
                    known_folder = world.folder.encode() in file.read()
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    line = file.read().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if known_folder and int(pid) not in (os.getpid(), world.endpoint.process.pid):
                left.append(line)
        return left

    @each_client
    def test_nothing_of_outside_leaks(self, client):
        world = self.world({"rules": edits("environment", "env > notes.txt")})
        self.plan(world, [("only", client.name, "show the environment", ("writes: [notes.txt]",))], [client])
        status, out, err = world.interlock("run", "plan.yaml", environment={
            **self.keys(), "OUTSIDE_MARK": "must-not-be-seen"})
        self.assertEqual(status, 0, out + err)
        seen = world.read("notes.txt")
        self.assertIn("INTERLOCK_ATTEMPT=", seen)
        self.assertNotIn("must-not-be-seen", seen)
        if Place.gateway:
            self.assertNotIn("sk-test", seen, "the key itself stays with the gateway")

    def test_eight_at_once_each_do_their_own(self):
        clients = [CHOSEN[i % len(CHOSEN)] for i in range(8)]
        rules = [{"prompt": f"edit number {i}\\b", "after_tool": False, "has_tools": True, "loop": True,
                  "steps": [{"shell": f"echo number {i} > out-{i}.txt", "wait": 0.5}]} for i in range(8)]
        world = self.world({"rules": rules + [AFTER_TOOL]})
        for i in range(8):  # There already: all these clients list the folder, and a new name would be news.
            world.write(f"out-{i}.txt", "before\n")
        tasks = [(f"t{i}", clients[i].name, f"edit number {i}", (f"writes: [out-{i}.txt]", "output: none"))
                 for i in range(8)]
        self.plan(world, tasks, CHOSEN)
        status, said = self.run_plan(world, "--pattern", "parallel")
        self.assertEqual(status, 0, said)
        for i in range(8):
            self.assertEqual(world.read(f"out-{i}.txt"), f"number {i}\n", said)
            self.assert_books_agree(world, f"t{i}")
        self.assertGreater(world.endpoint.books()["in_flight_most"], 1)

    def test_eight_share_a_quota_and_none_sees_a_429(self):
        able = [client for client in CHOSEN if client.name in ("claude-code", "codex")]
        if not Place.gateway or not able:
            self.skipTest("it takes the gateway, and Claude Code or Codex")
        # Five at once and one a second: what the provider grants, and what the plan says of it.
        world = self.world({"rules": [
            {"after_tool": False, "has_tools": True, "loop": True, "steps": [{"shell": "true"}]}, AFTER_TOOL],
            "quota": {"requests": {"capacity": 5, "per": 5}, "tells_a_minute": True}})
        tasks = [(f"t{i}", able[i % len(able)].name, "go", ("reads: []", "uses: [account]")) for i in range(8)]
        self.plan(world, tasks, able, "resources:\n  account: {kind: quota, requests: 60/min, burst: 5s}\n")
        status, said = self.run_plan(world, "--pattern", "parallel")
        self.assertEqual(status, 0, said)
        quota = world.endpoint.books()["quota"]
        self.assertEqual(quota["refused"], 0, said)
        self.assertGreaterEqual(quota["admitted"], 16)
        self.assertGreater(quota["span_s"], 10, "the quota did hold them back")
        for i in range(8):
            self.assert_books_agree(world, f"t{i}")


def run_all(names, with_gateway):
    Place.gateway = with_gateway
    chosen = names or (["ByHand", "Reaching", "FirstUse", "Dispatched"] if with_gateway else ["Dispatched"])
    suite = unittest.defaultTestLoader.loadTestsFromNames(chosen, sys.modules[__name__])
    return unittest.TextTestRunner(resultclass=Table, verbosity=2).run(suite)


def main():
    parser = argparse.ArgumentParser()
    for name in ("interlock", "endpoint", "clients", "scratch"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--node", default="")
    parser.add_argument("--only", default="", help="names of clients, with commas")
    parser.add_argument("--missing", default="", help="names of clients that are not installed")
    parser.add_argument("--gateway", action="store_true", help="only with the gateway")
    parser.add_argument("--no-gateway", action="store_true", help="only without it")
    parser.add_argument("--figures", action="store_true", help="print what was measured")
    parser.add_argument("tests", nargs="*", help="names of tests")
    options = parser.parse_args()
    for name in ("interlock", "endpoint", "clients", "scratch", "node"):
        setattr(Place, name, getattr(options, name))
    Place.figures = options.figures
    wanted = [name for name in options.only.split(",") if name]
    missing = options.missing.split(",")
    CHOSEN.extend(client for client in known.CLIENTS
                  if client.name not in missing and (not wanted or client.name in wanted))
    ways = [way for way, left_out in ((True, options.no_gateway), (False, options.gateway)) if not left_out]
    # A test by its name is one that is looked into: as it is, with the gateway.
    if options.tests and not options.no_gateway:
        ways = [True]
    results = [(way, run_all(options.tests, way)) for way in ways]
    for way, result in results:
        print(f"\n{'with' if way else 'without'} the gateway", *result.lines([client.name for client in CHOSEN]), sep="\n", file=sys.stderr)
    for name in filter(None, missing):
        print(f"not installed: {name}", file=sys.stderr)
    sys.exit(0 if all(result.wasSuccessful() for _, result in results) else 1)


if __name__ == "__main__":
    main()
