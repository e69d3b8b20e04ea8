// Three terminals and a browser watch one run; the server is killed and started again; all show the same, in the middle
// and at the end. `node check_watching.mjs INTERLOCK FOLDER`, where FOLDER has playwright-core, axe-core, @xterm/headless.
import assert from "node:assert/strict";
import {spawnSync} from "node:child_process";
import {chmodSync, mkdirSync, readFileSync, statSync, writeFileSync} from "node:fs";
import {createServer} from "node:http";
import {join} from "node:path";
import {check, env, expectNoComplaint, folder, interlock, newLink, openFile, openPage, require, run, runChecks, serve, start, until, work} from "./harness.mjs";

const {Terminal} = require("@xterm/headless");
let server, page;

/// A command on a terminal of its own, as a person sees it.
function onTerminal(columns, ...words) {
  const screen = new Terminal({cols: columns, rows: 30, allowProposedApi: true});
  const line = `stty cols ${columns} rows 30; exec "$INTERLOCK" ${words.join(" ")}`;
  const child = start(["-qefc", line, "/dev/null"], "script", {INTERLOCK: interlock, TERM: "xterm-256color", SHELL: "/bin/sh"});
  child.stdout.on("data", (text) => screen.write(text));
  child.lines = () => Array.from({length: screen.buffer.active.length}, (_, i) => screen.buffer.active.getLine(i).translateToString(true));
  return child;
}

// --- what each of them says ------------------------------------------------------------------------

const words = {"✓": "done", "✗": "failed", "▸": "running", "◆": "reviewing", "·": "waiting", "–": "skipped"};
const count = (states) => {
  const made = {};
  for (const state of Object.values(states)) made[state] = (made[state] || 0) + 1;
  return made;
};

/// The journal's own truth.
const truth = () => Object.fromEntries(JSON.parse(run("show", "last", "--json").stdout).tasks.map((task) => [task.id, task.state]));

/// The panel has how many are in each state, and rows for those that matter.
function byPanel(terminal) {
  const rows = {}, counts = {};
  for (const line of terminal.lines()) {
    const row = /^ {2}([✓✗▸◆·–]) (\S+)/.exec(line);
    if (row) rows[row[2]] = words[row[1]];
    const bar = /\]\s+((?:[✓✗▸◆·–]\d+(?:\/\d+)?\s*)+)$/.exec(line);
    const told = /\]\s+(\d+)\/\d+ done((?:, \d+ [a-z ]+)*)$/.exec(line);
    if (told) {
      if (+told[1]) counts.done = +told[1];
      for (const [, number, word] of told[2].matchAll(/, (\d+) ([a-z ]+)/g)) counts[word === "in review" ? "reviewing" : word] = +number;
    }
    if (bar) for (const [, sign, number] of bar[1].matchAll(/([✓✗▸◆·–])(\d+)/g)) counts[words[sign]] = +number;
  }
  return {rows, counts};
}

/// What follows from the events, as a program that reads them would have it.
function byEvents(stream) {
  const states = {quick: "waiting", slow: "waiting", make: "waiting", later: "waiting", broken: "waiting", behind: "waiting", use: "waiting"};
  const become = {attempt_started: "running", gate_reached: "reviewing", task_done: "done", task_failed: "failed", task_skipped: "skipped"};
  for (const line of stream.said.split("\n").filter((one) => one.startsWith("{"))) {
    const {event, task} = JSON.parse(line);
    if (task && become[event]) states[task] = become[event];
  }
  return states;
}

async function byPage() {
  const rows = page.getByRole("listbox", {name: "Tasks"}).getByRole("option");
  return Object.fromEntries(await rows.evaluateAll((all) => all.map((row) => [row.title, row.querySelector("i").getAttribute("aria-label")])));
}

const same = (one, other) => Object.keys({...one, ...other}).every((key) => one[key] === other[key]);
async function allAgree(expected) {
  await until("the run is so: " + JSON.stringify(expected), () => same(truth(), expected));
  await until("the events say so", () => same(byEvents(events), expected));
  await until("the page says so", async () => same(await byPage(), expected));
  for (const [name, terminal] of Object.entries({attach, show})) {
    await until(name + " says so", () => {
      const {rows, counts} = byPanel(terminal);
      return same(counts, count(expected)) && Object.entries(rows).every(([id, state]) => expected[id] === state);
    });
    assert.ok(Object.keys(byPanel(terminal).rows).length >= 4, name + " has rows: " + terminal.lines().join("\n"));
  }
}

// --- the run ---------------------------------------------------------------------------------------

const plan = `interlock: 1
name: watched
limits: {parallel: 4}
tasks:
  - {id: quick, run: "echo done > quick", reads: [], writes: [quick]}
  - {id: slow, run: "read line < go-slow; echo s > slow", reads: [], writes: [slow]}
  - {id: make, run: "echo made > made; echo an output", reads: [], writes: [made], output: text, gate: after}
  - {id: later, run: "read line < go-later; cat slow > later", reads: [slow], writes: [later], needs: [slow]}
  - {id: broken, run: "echo cannot; exit 7", reads: [], writes: [broken]}
  - {id: behind, run: "true", reads: [], writes: [behind], needs: [broken]}
  - {id: use, run: "cat made > used", reads: [made], writes: [used], needs: [make]}
`;
let dispatcher, attach, show, events;
const middle = {quick: "done", slow: "running", make: "reviewing", later: "waiting", broken: "failed", behind: "skipped", use: "waiting"};

check("three terminals and a browser say the same in the middle of a run", async () => {
  assert.equal(spawnSync("mkfifo", ["go-slow", "go-later"], {cwd: work}).status, 0);
  writeFileSync(join(work, "watched.yaml"), plan);
  dispatcher = start(["run", "watched.yaml", "--wait", "--face", "lines"]);
  await until("it began", () => dispatcher.said.includes("started"));
  attach = onTerminal(60, "attach", "last");
  show = onTerminal(120, "show", "-f", "last");
  events = start(["events", "-f", "last"]);
  page = await openPage();
  await page.getByRole("row", {name: /watched/}).getByRole("link").click();
  await page.getByTitle("quick", {exact: true}).waitFor();
  await allAgree(middle);
  // The pattern is what was decided, for all of them, however short the tasks turned out to be.
  const pattern = JSON.parse(run("show", "last", "--json").stdout).pattern;
  for (const terminal of [attach, show]) assert.ok(terminal.lines()[0].includes("watched  " + pattern), terminal.lines()[0]);
  assert.equal(pattern, "parallel");
  await page.getByRole("radio", {name: "this run: " + pattern}).waitFor();
});

check("nothing of a terminal is wider than it is", async () => {
  // Each frame counts on lines that do not wrap: what wrapped would be a line of its own, without its beginning.
  for (const terminal of [attach, show]) {
    const lines = terminal.lines().filter(Boolean);
    assert.ok(lines.length <= 14, lines.join("\n"));
    assert.ok(!lines[0].includes(" left"), "of a task that takes longer than any before nobody knows what is left: " + lines[0]);
    assert.match(lines.at(-1), /^a approve {2}l log {2}p pause {2}q leave it running/);
  }
  writeFileSync(join(folder, "terminals.txt"), [attach, show].map((one) => one.lines().filter(Boolean).join("\n")).join("\n\n"));
});

check("killed, the server ends nothing, and when it is back all go on to say the same", async () => {
  const port = new URL(page.url()).port;
  server.kill("SIGKILL");
  await page.getByRole("alert").waitFor();
  writeFileSync(join(work, "go-slow"), "go\n");
  const next = {...middle, slow: "done", later: "running"};
  await until("the run went on without it", () => same(truth(), next));
  assert.ok(!same(await byPage(), next), "the page cannot know");
  await page.getByRole("alert").waitFor();
  server = await serve("--port", port);
  // Its secrets ended with it, and the page says what to do; where it was is in its address.
  await until("the page asks for another link", async () => (await page.getByRole("alert").textContent()).includes("serve --link"));
  const where = new URL(page.url()).hash;
  await page.goto(newLink());
  await page.goto(page.url().replace(/#.*/, "") + where);
  await page.getByTitle("quick", {exact: true}).waitFor();
  await allAgree(next);
  assert.equal(await page.getByRole("alert").count(), 0);
});

check("a gate is approved from the page with the digest of what it shows", async () => {
  await page.getByTitle("make", {exact: true}).click();
  const id = JSON.parse(run("show", "last", "--json").stdout).run;
  const shown = await page.locator(".task .gate code").getAttribute("title");
  assert.match(shown, /^[0-9a-f]{64}$/);
  assert.equal(await page.locator(".task .gate code").textContent(), shown.slice(0, 12));
  await page.getByRole("tab", {name: "Output"}).click();
  await page.getByRole("tabpanel").getByText("an output").waitFor();
  await expectNoComplaint(page);
  const [asked] = await Promise.all([
    page.waitForRequest((one) => one.url().endsWith("/api/runs/" + id + "/approve")),
    page.locator(".task").getByRole("button", {name: "Approve"}).click(),
  ]);
  assert.deepEqual(asked.postDataJSON(), {task: "make", digest: shown});
  await page.getByText("approved make, digest " + shown.slice(0, 12)).waitFor();
  await allAgree({...middle, slow: "done", later: "running", make: "done", use: "done"});
});

check("and at the end", async () => {
  writeFileSync(join(work, "go-later"), "go\n");
  const end = {quick: "done", slow: "done", make: "done", later: "done", broken: "failed", behind: "skipped", use: "done"};
  for (const one of [dispatcher, attach, show, events]) await until("all of them ended", () => one.exitCode !== null);
  assert.deepEqual(truth(), end);
  assert.deepEqual(byEvents(events), end);
  await until("the page says so", async () => same(await byPage(), end));
  await page.locator(".head").getByText("failed", {exact: true}).waitFor();
  await page.locator(".tiles").getByText("5 of 7").waitFor();
  assert.deepEqual([dispatcher.exitCode, attach.exitCode, show.exitCode, events.exitCode], [1, 1, 0, 0]);
  for (const one of [dispatcher.said, attach.lines().join("\n"), show.lines().join("\n")]) assert.match(one, /5 of 7 tasks done, 1 failed, 1 skipped/);
});

// --- what is left of a log-in ----------------------------------------------------------------------

check("gauges the windows of a log-in, as its provider told of them", async () => {
  const resets = Math.floor(Date.now() / 1000) + 7200;
  const provider = createServer((request, response) => {
    request.resume();
    request.on("end", () => {
      response.writeHead(200, {"content-type": "application/json", "anthropic-ratelimit-unified-5h-utilization": "0.93", "anthropic-ratelimit-unified-5h-reset": String(resets)});
      response.end(JSON.stringify({id: "m", type: "message", role: "assistant", model: "claude-sonnet-4-5", content: [{type: "text", text: "Yes."}], stop_reason: "end_turn", usage: {input_tokens: 90, output_tokens: 10}}));
    });
  });
  await new Promise((heard) => provider.listen(0, "127.0.0.1", heard));
  const bin = join(work, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "claude"), `#!/bin/sh
cat >/dev/null
curl -fsS -o /dev/null "$ANTHROPIC_BASE_URL/v1/messages" -H "authorization: Bearer $CLAUDE_CODE_OAUTH_TOKEN" -H 'content-type: application/json' \\
  -H 'anthropic-version: 2023-06-01' -d '{"model":"claude-sonnet-4-5","max_tokens":100,"messages":[{"role":"user","content":"x"}]}' || exit 1
echo '{"type":"system","subtype":"init","session_id":"s"}'
echo '{"type":"result","subtype":"success","is_error":false,"result":"fine"}'
`);
  chmodSync(join(bin, "claude"), 0o755);
  writeFileSync(join(work, "login.yaml"), `interlock: 1
name: by log-in
agents: {claude: {kind: claude-code, login: true, base_url: "http://127.0.0.1:${provider.address().port}"}}
tasks: [{id: a, prompt: x, reads: [], writes: []}]
`);
  const asking = start(["run", "login.yaml", "--face", "lines"], interlock, {CLAUDE_CODE_OAUTH_TOKEN: "made-up", PATH: bin + ":" + env.PATH});
  await until("it is over", () => asking.exitCode !== null);
  assert.equal(asking.exitCode, 0, asking.said);
  provider.close();
  await page.goto(page.url().replace(/#.*/, "") + "#/");
  await page.getByRole("row", {name: /by log-in/}).getByRole("link").click();
  const gauge = page.getByRole("meter", {name: "log-in of claude: 5h window"});
  await gauge.waitFor();
  assert.equal(await gauge.getAttribute("aria-valuenow"), "93");
  assert.match(await gauge.getAttribute("aria-valuetext"), /^93 % used, 7 % left for (1\sh\s5\d|2\sh\s00)\sm/);
  await page.getByRole("img", {name: "log-in of claude: 5h over time, most: 93 % of it"}).waitFor();
  await page.getByRole("img", {name: "tokens of the run over time, 100"}).waitFor();
  await page.getByRole("searchbox", {name: "Filter tasks"}).fill("a");
  await page.getByText(/1 of 1, took .* together, 100 tokens, (at least )?\$0\.00/).waitFor();
  await page.getByRole("searchbox", {name: "Filter tasks"}).fill("");
  await page.screenshot({path: join(folder, "windows.png"), fullPage: true});
  await expectNoComplaint(page);
});

// --- the report ------------------------------------------------------------------------------------

check("the report of a thousand tasks is one small file, on screen and on paper", async () => {
  const tasks = Array.from({length: 1000}, (_, i) => `  - {id: "part-${i}", run: "${i % 10 ? "true" : `test -e f${i} && exit 0; touch f${i}; exit 1`}", retries: 1, backoff: 10ms, reads: [], writes: ["f${i}", "s${i % 40}"]${i % 3 === 2 ? `, needs: ["part-${i >> 1}"]` : ""}}\n`);
  writeFileSync(join(work, "thousand.yaml"), "interlock: 1\nname: a thousand\nlimits: {parallel: 8}\ntasks:\n" + tasks.join(""));
  const made = start(["run", "thousand.yaml", "--face", "lines", "--quiet"]);
  await until("it is over", () => made.exitCode !== null, 180);
  assert.equal(made.exitCode, 0, made.said.slice(-2000));
  assert.equal(run("report", "last", "-o", "r.html").status, 0);
  const file = join(work, "r.html");
  assert.ok(statSync(file).size < 1e6, "bytes: " + statSync(file).size);
  const text = readFileSync(file, "utf8");
  assert.equal(text.match(/part-\d+/g).length >= 1000, true);
  assert.ok(!text.includes("$0.00"), "no model was asked");
  const sheet = await openFile(file);
  const paper = await sheet.pdf({preferCSSPageSize: true, printBackground: true});
  console.log(`     ${statSync(file).size} bytes, as a PDF ${paper.length}`);
  assert.ok(paper.length < 2e6, "as a PDF: " + paper.length);
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [1280, 390]) {
      await sheet.setViewportSize({width, height: 900});
      await sheet.emulateMedia({colorScheme});
      assert.equal(await sheet.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0);
      assert.equal(await sheet.evaluate(() => [...document.querySelectorAll(".scroll")].filter((one) => one.scrollWidth > one.clientWidth + 1).length), 0, "nothing is cut off at " + width);
      await sheet.screenshot({path: join(folder, `report-${width}-${colorScheme}.png`)});
    }
  }
  writeFileSync(join(folder, "report.pdf"), paper);
  await sheet.close();
});

await runChecks(async () => {
  server = await serve();
}, () => page);
