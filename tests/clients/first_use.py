"""As a new user would: an empty git repository, a real Claude Code and a real Codex whose models are the endpoint's
script, and what `init --for` gives them. Each part begins in a repository of its own."""

import json
import os
import subprocess
import time

import known
from by_hand import call_of, make_files
from cases import AFTER_TOOL, CHOSEN, Case
from world import PATIENCE_S, Endpoint, Place

# What a person has already, in forms that a rewrite would lose.
SETTINGS = {
    ".claude/settings.json": '{\n\t"permissions" : {"allow":["Bash(ls:*)"]},\n\n\t"hooks":{"PreToolUse":[ {"matcher":"Bash",'
                             '"hooks":[{"type":"command","command":"true"}]} ]}}',
    ".claude/settings.local.json": '{ "env": {"MINE": "1"} }\n',
    ".mcp.json": '{"mcpServers" : { }}\n',
    ".codex/config.toml": '# mine\nmodel_reasoning_effort = "low"   # as I like it\n',
    ".codex/hooks.json": '{"hooks": {"PreToolUse": []}}',
    "AGENTS.md": "Be brief.\n",
}
PARTS = ("alpha", "beta", "gamma")
FINDINGS = "\n".join(f"{part} is well." for part in PARTS)

# Six ways out other than to the model: each that works leaves its name.
TRIES = r"""
reached=; port=${ANTHROPIC_BASE_URL#http://127.0.0.1:}; port=${port%%/*}
try() { timeout 5 bash -c "$2" 2>/dev/null && reached="$reached $1"; }
ask() { echo "exec 3<>/dev/tcp/127.0.0.1/$port; printf 'CONNECT $1 HTTP/1.1\r\nHost: $1\r\n\r\n' >&3; read -r line <&3; [[ \$line = *' 200 '* ]]"; }
try this-machine 'exec 3<>/dev/tcp/127.0.0.1/@PORT@'
try an-address 'exec 3<>/dev/tcp/192.0.2.1/443'
try a-name 'exec 3<>/dev/tcp/example.com/443'
try a-datagram 'echo x >/dev/udp/192.0.2.1/53'
try a-name-by-the-gateway "$(ask example.com:443)"
try this-machine-by-the-gateway "$(ask 127.0.0.1:@PORT@)"
try the-gateway "exec 3<>/dev/tcp/127.0.0.1/$port"
echo "reached:$reached" >seen.txt
"""


def call(client, tool, arguments):
    name = {"claude-code": "mcp__interlock__{}", "codex": "mcp__interlock/{}"}[client.name].format(tool)
    return {"name": name, "input": arguments}


def sub_agents(client, prompts, **more):
    if client.name == "codex":
        return [{"name": "multi_agent_v1/spawn_agent", "input": {"message": prompt}}
                for prompt in prompts]
    return [{"name": "Agent", "input": {"description": "look", "prompt": prompt, "subagent_type": "general-purpose",
                                        "run_in_background": False, **more}} for prompt in prompts]


class FirstUse(Case):
    def setUp(self):
        if not Place.gateway:
            self.skipTest("it takes the gateway")

    def client(self, name):
        client = next((one for one in CHOSEN if one.name == name), None)
        if client is None:
            self.skipTest(f"it takes {name}")
        return client

    def repository(self, script, *names, options=()):
        world = self.world(script)
        os.remove(os.path.join(world.workspace, "notes.txt"))
        subprocess.run(["git", "init", "-q", world.workspace], check=True, env=world.environment)
        for name in names:
            status, out, err = world.interlock("init", "--for", name, *options)
            self.assertEqual(status, 0, err + out)
        return world

    def ask(self, world, client, prompt):
        """The client's whole conversation: all that its model was shown, and what it printed."""
        arguments, variables, files = call_of(client, world.endpoint.url, world.home)
        if client.name == "codex":
            files["codex/config.toml"] += f'[projects."{world.workspace}"]\ntrust_level = "trusted"\n'
            arguments = [*arguments[:-1], "--dangerously-bypass-hook-trust", arguments[-1]]
        else:
            arguments = [*arguments, "--mcp-config", ".mcp.json"]
        make_files(world.home, files)
        process = world.start([known.program(Place.clients, client), *arguments],
                              {**variables, "ENABLE_TOOL_SEARCH": "false"}, stdin=subprocess.PIPE)
        out, err = process.communicate(f"{prompt} [[task:person]]", timeout=2 * PATIENCE_S)
        self.assertEqual(process.returncode, 0, err + out)
        return "\n".join(body["body"] for body in world.bodies_of("person")), err + out

    def plans_runs_and_reads(self, client, tasks, agents):
        """Three at once; advised, its model plans them, has them run, waits, and reads what was joined."""
        given = {"plan": {"interlock": 1, "agents": agents, "tasks": tasks,
                          "merge": {"findings": {"from": list(PARTS), "with": "concat"}}}}
        wait = {"tools": [call(client, "wait", {"run": "last", "seconds": 45})]}
        world = self.repository({"rules": [
            {"body": "look at all three", "has_tools": True, "steps": [
                {"text": "I start three.", "tools": sub_agents(client, [f"look at {part}" for part in PARTS])},
                {"tools": [call(client, "plan", given)]}, {"tools": [call(client, "run", given)]}, wait, wait,
                {"tools": [call(client, "output", {"run": "last", "name": "findings"})]},
                {"text": "All three are well."}]},
            {"prompt": "look at", "steps": [{"text": "Looked."}]}]}, "claude-code", "codex")
        shown, out = self.ask(world, client, "look at all three")
        # The hook sees those of a message that have begun by then.
        self.assertRegex(shown, "Interlock on these [23] sub-agents: sequential", out)
        self.assertRegex(shown, r'decision\\*":{\\*"pattern\\*":\\*"(sequential|parallel|queue)', out)
        self.assertEqual(world.show()["state"], "finished", out)
        self.assertEqual(world.interlock("output", "last", "findings")[1].strip(), FINDINGS)
        joined = r"\\+n".join(f"{part} is well\\." for part in PARTS)
        self.assertRegex(world.bodies_of("person")[-1]["body"], joined, out)

    def test_claude_code_is_advised_and_plans_runs_waits_and_reads(self):
        client = self.client("claude-code")
        inner = Endpoint({"rules": [{"prompt": f"look at {part}", "steps": [{"text": f"{part} is well."}]}
                                    for part in PARTS]}, Place.scratch)
        self.addCleanup(inner.end)
        agent = {"kind": "claude-code", "bin": known.program(Place.clients, client), "model": client.model,
                 "base_url": inner.url, "key": "ANTHROPIC_API_KEY"}
        self.plans_runs_and_reads(client, [
            {"id": part, "agent": "c", "prompt": f"look at {part}", "reads": [], "writes": [], "output": "text"}
            for part in PARTS], {"c": agent})
        self.assertEqual(inner.books()["total"]["complete"], 3)

    def test_codex_is_advised_and_plans_runs_waits_and_reads(self):
        """Its servers get no key of its own: what it has run are commands."""
        self.plans_runs_and_reads(self.client("codex"), [
            {"id": part, "run": f"echo {part} is well.", "reads": [], "writes": [], "output": "text"}
            for part in PARTS], {})

    def test_a_fourth_sub_agent_over_the_cap_is_refused_with_the_arithmetic(self):
        client = self.client("claude-code")
        prompts = [f"look at part {number}" for number in range(1, 5)]
        world = self.repository({"rules": [
            {"prompt": "all four", "has_tools": True, "steps": [
                {"text": "I start four.", "tools": sub_agents(client, prompts)}, {"text": "Three are well."}]}],
            "otherwise": {"text": "Looked."}}, "claude-code", options=("--most", "3"))
        shown, out = self.ask(world, client, "all four")
        self.assertIn("sub-agent 4 of 4 in one message, and at most 3", shown, out)
        asked = json.dumps([world.endpoint.get(f"/books/{one['n']}")["body"] for one in world.endpoint.books()["calls"]
                            if one["task"] != "person"])
        self.assertEqual([f"look at part {number}" in asked for number in range(1, 5)], [True, True, True, False], out)

    def test_edits_of_one_file_by_sub_agents_in_worktrees_both_survive(self):
        client = self.client("claude-code")
        before = "".join(f"{line}\n" for line in range(1, 10))
        edits = {"one": "sed -i 1s/^/one:/ list.txt", "two": "echo two >>list.txt"}
        spawned = sub_agents(client, [f"edit {name} [[task:{name}]]" for name in edits], isolation="worktree")
        world = self.repository({"rules": [
            {"prompt": "edit at once", "has_tools": True,
             "steps": [{"text": "I start two.", "tools": spawned}, {"text": "Done."}]},
            *({"prompt": f"task:{name}", "after_tool": False, "has_tools": True, "steps": [{"shell": edit}]}
              for name, edit in edits.items()), AFTER_TOOL]}, "claude-code")
        world.write("list.txt", before)
        _, out = self.ask(world, client, "edit at once")
        self.assertEqual(world.read("list.txt"), "one:" + before + "two\n", out)

    def plan_for_login(self, world, client, more=""):
        world.write("plan.yaml", f"""interlock: 1
agents: {{c: {{kind: claude-code, login: true, bin: {json.dumps(known.program(Place.clients, client))},
          model: {json.dumps(client.model)}, base_url: {json.dumps(world.endpoint.url)}}}}}
{more}tasks:
  - {{id: first, agent: c, prompt: Look., reads: [], writes: [], output: text}}
  - {{id: second, agent: c, prompt: Look again., reads: [], writes: [], output: text}}
""")
        return {"CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat01-made-up"}

    def test_a_run_on_a_log_in_shows_its_window_and_sleeps_over_its_reset(self):
        client = self.client("claude-code")
        resets = int(time.time()) + 25
        window = {"anthropic-ratelimit-unified-5h-utilization": "0.80",
                  "anthropic-ratelimit-unified-5h-reset": str(resets)}
        spent = {**window, "anthropic-ratelimit-unified-5h-utilization": "1.0",
                 "anthropic-ratelimit-unified-status": "rejected", "anthropic-ratelimit-unified-reset": str(resets)}
        world = self.repository({"rules": [{"together": True, "has_tools": True, "steps": [
            {"text": "Well.", "headers": window},
            {"status": 429, "code": "rate_limit_error", "headers": spent},
            {"text": "Well again."}]}], "otherwise": {"text": "Aside."}})
        token = self.plan_for_login(world, client, "limits: {on_quota: wait}\n")
        status, out, err = world.interlock("run", "plan.yaml", "--pattern", "sequential", environment=token)
        self.assertEqual(status, 0, err + out)
        self.assertIn("paid by the person's log-in", err)
        self.assertIn("the log-in has used 80 % of its 5h", err)
        self.assertRegex(err, "as it is reset, the run goes on in")
        self.assertGreaterEqual(time.time(), resets, "it slept until then")
        first, second = world.show()["tasks"]
        self.assertEqual((first["attempts"], second["attempts"]), (1, 2), "what was done is not done again")
        self.assertEqual(world.interlock("output", "last", "second")[1].strip(), "Well again.")
        kept = subprocess.run(["grep", "-rl", "made-up", world.home], stdout=subprocess.PIPE, text=True, check=False)
        self.assertEqual(kept.stdout, "", "the log-in is kept nowhere")

    def test_the_window_of_a_log_in_is_shown_before_a_run(self):
        client = self.client("claude-code")
        world = self.repository({"otherwise": {"text": "Well.", "headers": {
            "anthropic-ratelimit-unified-5h-utilization": "0.42",
            "anthropic-ratelimit-unified-5h-reset": str(int(time.time()) + 7200)}}})
        token = self.plan_for_login(world, client)
        status, out, err = world.interlock("run", "plan.yaml", environment=token)
        self.assertEqual(status, 0, err + out)
        status, out, err = world.interlock("plan", "plan.yaml", "--full", environment=token)
        self.assertIn("has used 42 % of its 5h", out, err)

    def test_an_agent_with_the_gateway_as_its_network_reaches_nothing_else(self):
        client = self.client("claude-code")
        world = self.repository({"rules": [
            {"after_tool": False, "has_tools": True, "steps": [{"shell": "bash tries.sh"}]}, AFTER_TOOL]})
        port = world.endpoint.url.rsplit(":", 1)[1]
        world.write("tries.sh", TRIES.replace("@PORT@", port))
        agent = {"kind": "claude-code", "bin": known.program(Place.clients, client), "model": client.model,
                 "base_url": world.endpoint.url, "key": "TEST_KEY"}
        for network, reached in (("gateway", " the-gateway"), (None, " this-machine the-gateway")):
            task = {"id": "out", "agent": "c", "prompt": "try [[task:out]]", "reads": ["tries.sh"], "retries": 0,
                    "writes": ["seen.txt"], "output": "none", **({"network": network} if network else {})}
            world.write("plan.yaml", json.dumps({"interlock": 1, "agents": {"c": agent}, "tasks": [task]}))
            status, out, err = world.interlock("run", "plan.yaml", "--fresh", environment={"TEST_KEY": "sk-test"})
            self.assertEqual(status, 0, err + out)
            self.assertEqual(world.read("seen.txt"), f"reached:{reached}\n", out + err)
            if network:
                self.assertIn("kept from connecting to `example.com:443`", world.interlock("why", "last", "out")[1])

    def test_nothing_of_a_persons_settings_is_lost_after_undo(self):
        world = self.repository({})
        for path, text in SETTINGS.items():
            os.makedirs(os.path.dirname(os.path.join(world.workspace, path)), exist_ok=True)
            world.write(path, text)
        before = self.files_of(world)
        for name in ("claude-code", "codex"):
            status, out, err = world.interlock("init", "--for", name, "--enforce")
            self.assertEqual(status, 0, err + out)
        self.assertNotEqual(self.files_of(world), before)
        for name in ("claude-code", "codex"):
            status, out, err = world.interlock("init", "--for", name, "--undo")
            self.assertEqual(status, 0, err + out)
        self.assertEqual(self.files_of(world), before)

    def files_of(self, world):
        files = {}
        for folder, folders, names in os.walk(world.workspace):
            folders[:] = [one for one in folders if one != ".git"]
            for name in names:
                path = os.path.relpath(os.path.join(folder, name), world.workspace)
                files[path] = world.read(path)
        return files
