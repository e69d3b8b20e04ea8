// Looks at the page with a real browser: `node check_page.mjs INTERLOCK FOLDER`, where FOLDER has playwright-core
// and axe-core. Runs plans in a folder of its own, and leaves pictures of what it saw in FOLDER.
import assert from "node:assert/strict";
import {spawnSync} from "node:child_process";
import {existsSync, writeFileSync} from "node:fs";
import {get} from "node:http";
import {join} from "node:path";
import {check, expectNoComplaint, folder, interlock, openPage, run, runChecks, serve, start, until, work} from "./harness.mjs";

let server, page;

check("lists runs, and opens one", async () => {
  await page.getByRole("link", {name: /^r-/}).first().click();
  await page.getByRole("heading", {name: "notes <b>& co"}).waitFor();
  assert.equal(await page.locator(".tiles").getByText("7 of 9").count(), 1);
});

check("shows the patterns, and the tasks under each of them", async () => {
  const ways = page.getByRole("radio");
  assert.ok((await ways.count()) >= 4);
  await page.getByRole("radio", {name: /sequential/}).click();
  await page.getByText(/Foretold for sequential/).waitFor();
  await page.getByRole("radio", {name: /this run/}).click();
});

check("keeps what agents say text", async () => {
  await page.getByTitle("broken", {exact: true}).click();
  await page.locator(".log", {hasText: "<img src=x onerror=alert(1)>"}).waitFor();
  assert.equal(await page.locator(".log img").count(), 0);
});

check("shows the log of each attempt", async () => {
  await page.getByTitle("flaky", {exact: true}).click();
  await page.getByText("It has printed nothing.").waitFor();
  await page.getByRole("button", {name: "attempt 1"}).click();
  await page.locator(".log", {hasText: "once"}).waitFor();
});

check("looks for words in all of a log, however long it is", async () => {
  await page.getByTitle("loud", {exact: true}).click();
  await page.getByText("The end of it; all:").waitFor();
  assert.equal(await page.locator(".log", {hasText: "Needle in it"}).count(), 0, "it stands long before the end");
  await page.getByRole("searchbox", {name: "Search in the log"}).fill("needle");
  await page.getByText("1 line has it").waitFor();
  assert.equal((await page.locator(".log").textContent()).trim(), "line 17: Needle in it");
  await page.getByRole("searchbox", {name: "Search in the log"}).fill("nowhere");
  await page.getByText("0 lines have it").waitFor();
  await page.getByRole("searchbox", {name: "Search in the log"}).fill("");
  await page.getByText("The end of it; all:").waitFor();
});

check("goes through tasks by keys", async () => {
  await page.getByRole("listbox").focus();
  await page.keyboard.press("Home");
  await page.getByRole("heading", {name: "note-api", exact: true}).waitFor();
  await page.keyboard.press("ArrowDown");
  await page.getByRole("heading", {name: "note-files", exact: true}).waitFor();
  await page.keyboard.press("Escape");
  await until("the task is closed", async () => (await page.locator(".task").count()) === 0);
});

check("foretells what the sliders say, by the server's scheduler", async () => {
  const before = await page.getByRole("radio", {name: /^sequential/}).textContent();
  const [answer] = await Promise.all([
    page.waitForResponse((one) => one.url().includes("/forecast?") && one.url().includes("size=2") && one.status() === 200),
    page.getByRole("slider", {name: "task size"}).fill("6"),
  ]);
  const foretold = await answer.json();
  await page.getByText(/foretold with what is known now/).waitFor();
  assert.notEqual(await page.getByRole("radio", {name: /^sequential/}).textContent(), before);
  assert.ok(foretold.ways.every((one) => one.p50_ms <= one.p90_ms));
  // Keys move it too, and the last wish is what is shown in the end.
  const slider = page.getByRole("slider", {name: "at once, at most"});
  await slider.focus();
  for (let i = 0; i < 10; i++) await page.keyboard.press("ArrowLeft");
  await page.getByRole("radio", {name: /^parallel \D/}).or(page.getByRole("radio", {name: /^parallel\d/})).first().waitFor();
  await until("one at a time takes as long as one by one", async () => {
    const [one, other] = await Promise.all(["sequential", "parallel"].map((name) => page.getByRole("radio", {name: new RegExp("^" + name)}).locator("span").first().textContent()));
    return one === other;
  });
  await page.getByRole("button", {name: "reset"}).click();
  await until("it is as it was", async () => (await page.getByRole("radio", {name: /^sequential/}).textContent()) === before);
});

check("draws the interlocking with its reasons, and goes along it by keys", async () => {
  await page.locator(".node").first().waitFor();
  assert.equal(await page.locator(".node").count(), 9);
  await page.getByRole("link", {name: /^note-api, /}).focus();
  await page.locator(".told", {hasText: "check waits for note-api: write-read on a"}).waitFor();
  await page.keyboard.press("ArrowRight");
  await page.locator(".told b", {hasText: "check"}).waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", {name: "check", exact: true}).waitFor();
  await page.getByLabel("only around the task that is open").check();
  await until("only those near it are drawn", async () => (await page.locator(".node").count()) < 9);
  await page.getByLabel("only around the task that is open").uncheck();
});

check("draws one by one beside what happened, and tells a bar's reason", async () => {
  await page.getByLabel("one by one").check();
  await page.locator(".key", {hasText: "one by one, foretold"}).waitFor();
  // What was foretold for this run instead: one of them at a time.
  await page.getByLabel("as decided").check();
  await page.locator(".key", {hasText: "as decided, foretold"}).waitFor();
  assert.equal(await page.getByLabel("one by one").isChecked(), false);
  await page.getByLabel("as decided").uncheck();
  const row = await page.locator("#task-3").boundingBox(), canvas = await page.locator("canvas").boundingBox();
  await page.mouse.move(canvas.x + 20, row.y + row.height / 2);
  await page.locator(".hint", {hasText: /check: waits: conflict/}).waitFor();
});

check("gauges limits and quotas", async () => {
  await page.getByRole("meter", {name: "budget: tokens"}).waitFor();
  await page.getByRole("meter", {name: "api: requests"}).waitFor();
});

check("tells how good decisions were", async () => {
  const here = page.url();
  await page.getByRole("link", {name: "History"}).click();
  await page.getByRole("cell", {name: "notes <b>& co"}).waitFor();
  await expectNoComplaint(page);
  await page.screenshot({path: join(folder, "history.png")});
  await page.goto(here);
  await page.getByRole("listbox").waitFor();
});

check("filters tasks", async () => {
  await page.getByRole("searchbox", {name: "Filter tasks"}).fill("failed");
  await until("one is left", async () => (await page.locator(".name").count()) === 1);
  await page.getByRole("searchbox", {name: "Filter tasks"}).fill("");
});

check("puts failed tasks first, and the longest", async () => {
  const first = async () => (await page.locator(".name").first().getAttribute("title"));
  assert.equal(await first(), "note-api");
  await page.getByRole("combobox", {name: "Order of tasks"}).selectOption("failed first");
  await until("the failed one is first", async () => (await first()) === "broken");
  await page.getByRole("combobox", {name: "Order of tasks"}).selectOption("longest first");
  await until("the longest is first", async () => (await first()) === "note-files");
  await page.getByRole("combobox", {name: "Order of tasks"}).selectOption("in plan order");
  await until("it is as it was", async () => (await first()) === "note-api");
});

check("has nothing that axe complains of, light, dark and narrow", async () => {
  await page.getByTitle("flaky", {exact: true}).click();
  for (const [width, height] of [[1280, 900], [390, 844]]) {
    for (const colorScheme of ["light", "dark"]) {
      await page.setViewportSize({width, height});
      await page.emulateMedia({colorScheme});
      await page.waitForTimeout(150);
      await page.screenshot({path: join(folder, `run-${width}-${colorScheme}.png`), fullPage: true});
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(wider, 0, `at ${width} it is wider than the screen`);
      await expectNoComplaint(page);
    }
  }
  await page.setViewportSize({width: 1280, height: 900});
});

check("follows a run as it goes, and approves its gate with the changes in view", async () => {
  writeFileSync(join(work, "gate.yaml"), `interlock: 1
name: gated
tasks:
  - {id: make, run: "echo made > made; echo an output", reads: [], writes: [made], output: text, gate: after}
  - {id: use, run: "cat made > used", reads: [made], writes: [used], needs: [make]}
`);
  const gated = start(["run", "gate.yaml", "--wait", "--face", "lines"]);
  await until("the gate is reached", () => gated.said.includes("gate"));
  await page.goto(page.url().replace(/#.*/, "") + "#/");
  await page.getByRole("row", {name: /gated/}).getByRole("link").click();
  await page.getByText("waits for your approval").waitFor();
  await page.getByRole("link", {name: "make", exact: true}).click();
  await expectNoComplaint(page);
  await page.screenshot({path: join(folder, "gate.png"), fullPage: true});
  await page.getByRole("button", {name: "Approve"}).click();
  await page.getByText("approved make").waitFor();
  await page.locator(".head").getByText("finished").waitFor();
  await until("the run is over", () => gated.exitCode === 0);
});

check("pauses a queue, sets how many at once, adds to it, and lets it go on", async () => {
  const queue = start(["queue", "start", "--foreground", "--parallel", "2"]);
  await until("the queue stands", () => queue.said.includes("run r-"));
  await page.goto(page.url().replace(/#.*/, "") + "#/");
  await page.getByRole("row", {name: /default running/}).getByRole("link").click();
  await page.getByRole("button", {name: "Pause", exact: true}).click();
  await page.getByText("paused", {exact: true}).waitFor();
  await page.getByRole("spinbutton").fill("5");
  await page.getByRole("button", {name: "Set"}).click();
  await page.getByText("Add a task").click();
  await page.getByLabel("name").fill("by-hand");
  await page.getByLabel("command, a line of shell").fill("echo hand > hand");
  await page.getByLabel("writes").fill("hand");
  await page.getByRole("button", {name: "Add", exact: true}).click();
  await page.getByText("added by-hand").waitFor();
  await page.getByTitle("by-hand").waitFor();
  await expectNoComplaint(page);
  await page.screenshot({path: join(folder, "queue.png"), fullPage: true});
  assert.ok(!existsSync(join(work, "hand")), "it is paused");
  await page.getByRole("button", {name: "Go on"}).click();
  await until("it is done", () => existsSync(join(work, "hand")));
  assert.equal(run("queue", "show", "--json").stdout.includes('"parallel": 5'), true);
  run("queue", "stop");
  await until("the queue is over", () => queue.exitCode !== null);
});

check("puts a queue into another order, by the request of the command line", async () => {
  const queue = start(["queue", "start", "order", "--foreground", "--parallel", "1", "--isolation", "direct"]);
  await until("the queue stands", () => queue.said.includes("run r-"));
  assert.equal(spawnSync("mkfifo", ["go-order"], {cwd: work}).status, 0);
  run("add", "-q", "order", "--id", "busy", "-w", "busy", "--", "read line < go-order");
  for (const id of ["one", "two", "three"]) run("add", "-q", "order", "--id", id, "-w", id, "--", `echo ${id} > ${id}`);
  await page.goto(page.url().replace(/#.*/, "") + "#/");
  await page.getByRole("row", {name: /order running/}).getByRole("link").click();
  const names = () => page.locator(".order li a").allTextContents();
  await until("they wait in the order they came", async () => (await names()).join() === "one,two,three");
  const [asked] = await Promise.all([page.waitForRequest((one) => one.url().endsWith("/move")), page.getByRole("button", {name: "Move three first"}).click()]);
  assert.deepEqual(asked.postDataJSON(), {task: "three", place: "first"});
  await until("it is first", async () => (await names()).join() === "three,one,two");
  await page.getByRole("button", {name: "Move one down"}).focus();
  await page.keyboard.press("Enter");
  await until("it is behind", async () => (await names()).join() === "three,two,one");
  // Who moved it goes on with it: down is no more.
  await until("the keys are on it", () => page.evaluate(() => document.activeElement.getAttribute("aria-label") === "Move one first"));
  await expectNoComplaint(page);
  await page.screenshot({path: join(folder, "order.png"), fullPage: true});
  assert.match(run("queue", "show", "order").stdout, /three +waiting.*moved first by/);
  writeFileSync(join(work, "go-order"), "go\n");
  run("queue", "stop", "order");
  await until("the queue is over", () => queue.exitCode !== null);
});

check("shows notes of the board and messages to agents as text, and takes them", async () => {
  assert.equal(spawnSync("mkfifo", ["go-board"], {cwd: work}).status, 0);
  writeFileSync(join(work, "board.yaml"), `interlock: 1
name: with a board
agents:
  sh: {kind: command, pass_env: [IL]}
  asked: {kind: command, run: "cat > asked; read line < go-board", prompt: stdin}
board: {ideas: rounds, talk: live}
tasks:
  - {id: a, run: "printf '<img src=x onerror=alert(1)>\\\\nand \\\\033[31mred' | $IL board post ideas -", reads: [], writes: [], board: {post: ideas}}
  - {id: sum, run: "$IL board read ideas | $IL board post ideas -", reads: [], writes: [], board: {post: ideas, read: ideas, round: 2}}
  - {id: ask, agent: asked, prompt: Do it., reads: [], writes: [asked], needs: [sum]}
`);
  const going = start(["run", "board.yaml", "--face", "lines", "--pattern", "parallel"], interlock, {IL: interlock});
  await until("the agent works", () => /started +ask/.test(going.said));
  await page.goto(page.url().replace(/#.*/, "") + "#/");
  await page.getByRole("row", {name: /with a board/}).getByRole("link").click();
  const board = page.getByRole("region", {name: "Board"});
  await board.getByText("<img src=x onerror=alert(1)>").first().waitFor();
  assert.equal(await board.locator("img").count(), 0);
  await board.getByText("sum, round 2").waitFor();
  await board.getByText(/^a, round 1, \d\d:\d\d:\d\d UTC$/).waitFor();
  assert.ok(!(await board.textContent()).includes("\u001b"), "no control of a terminal");
  await board.getByLabel("a note for talk").fill("The API is frozen.");
  await board.getByRole("button", {name: "Post"}).nth(1).click();
  await board.getByText("The API is frozen.").waitFor();
  await board.getByText("a person").waitFor();
  await page.getByTitle("ask", {exact: true}).click();
  await page.getByRole("tab", {name: "Messages"}).click();
  await page.getByLabel(/a word to its agent/).fill("Leave src/legacy alone.");
  await page.getByRole("button", {name: "Send"}).click();
  await page.getByRole("tabpanel").getByText("Leave src/legacy alone.").waitFor();
  await page.getByRole("tabpanel").getByText("told to its next attempt").waitFor();
  await page.getByRole("tab", {name: "Messages 0/1"}).waitFor();
  for (const [width, colorScheme] of [[1280, "light"], [1280, "dark"], [390, "light"], [390, "dark"]]) {
    await page.setViewportSize({width, height: 900});
    await page.emulateMedia({colorScheme});
    await page.waitForTimeout(150);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0, `at ${width} it is wider than the screen`);
    await expectNoComplaint(page);
    await page.screenshot({path: join(folder, `board-${width}-${colorScheme}.png`), fullPage: true});
  }
  await page.setViewportSize({width: 1280, height: 900});
  await page.emulateMedia({colorScheme: "light"});
  writeFileSync(join(work, "go-board"), "go\n");
  await until("it is over", () => going.exitCode !== null);
  await page.getByRole("tabpanel").getByText("told to nobody: no attempt came after it").waitFor();
});

const looks = [[1280, "light"], [1280, "dark"], [390, "light"], [390, "dark"]];
/// Looks at what is open in both themes, wide and narrow.
async function lookAround(name) {
  for (const [width, colorScheme] of looks) {
    await page.setViewportSize({width, height: 900});
    await page.emulateMedia({colorScheme});
    await page.waitForTimeout(150);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0, `at ${width} it is wider than the screen`);
    await expectNoComplaint(page);
    await page.screenshot({path: join(folder, `${name}-${width}-${colorScheme}.png`), fullPage: true});
  }
  await page.setViewportSize({width: 1280, height: 900});
  await page.emulateMedia({colorScheme: "light"});
}
async function openRun(name) {
  await page.goto(page.url().replace(/#.*/, "") + "#/");
  await page.getByRole("row", {name}).getByRole("link").click();
}

check("shows agents' colours as looks of text, and nothing else of what they send a terminal", async () => {
  writeFileSync(join(work, "paint.sh"), String.raw`printf '\033[1;32mok\033[0m 12 passed, \033[31m1 failed\033[0m, \033[2mslow\033[22m \033[4;38;5;208mskipped\033[0m\n'
printf '\033[41;97m FAIL \033[0m \033[3mtests/a.test\033[0m \033[7mline 4\033[27m \033[9mold\033[0m\n'
printf '\033[35mlasts\nuntil it ends\033[0m\n'
printf '\033]8;;http://evil.example/\007link\033]8;;\007 \033[?1049h\033[2J\033]0;title\007<b class=red>no</b>\n'
printf 'n\033[36mee\033[0mdle\n' >&2
`);
  writeFileSync(join(work, "paint.yaml"), "interlock: 1\nname: painted\ntasks: [{id: paint, run: sh paint.sh, reads: [], writes: []}]\n");
  assert.equal(run("run", "paint.yaml").status, 0);
  await openRun(/painted/);
  await page.getByTitle("paint", {exact: true}).click();
  await page.locator(".log .green", {hasText: "ok"}).waitFor();
  const log = page.locator(".log");
  assert.equal((await log.locator(".s-o").allTextContents()).join(""), "ok 12 passed, 1 failed, slow skipped\n FAIL  tests/a.test line 4 old\nlasts\nuntil it ends\nlink <b class=red>no</b>\n");
  assert.equal(await log.locator(".s-e").textContent(), "needle\n");
  assert.deepEqual(await page.locator(".log .magenta").allTextContents(), ["lasts", "until it ends"]);
  for (const [classes, text] of [[".bold.green", "ok"], [".red", "1 failed"], [".dim", "slow"], [".underlined.yellow", "skipped"], [".on-red", " FAIL "], [".italic", "tests/a.test"], [".inverse", "line 4"], [".struck", "old"]])
    assert.equal(await page.locator(".log " + classes).textContent(), text);
  assert.equal(await log.locator("b, a").count(), 0);
  const ink = (classes) => page.locator(classes).first().evaluate((one) => getComputedStyle(one).color);
  assert.notEqual(await ink(".log .red"), await ink(".log .green"));
  await lookAround("colours");
  // What is looked for is marked, though colours stand within it.
  await page.getByRole("searchbox", {name: "Search in the log"}).fill("NEEDLE");
  await page.getByText("1 line has it").waitFor();
  assert.equal((await page.locator(".log mark").allTextContents()).join(""), "needle");
  await expectNoComplaint(page);
  await page.getByRole("searchbox", {name: "Search in the log"}).fill("");
});

check("shows changes in one column or side by side, by the keyboard too, and in one on a telephone", async () => {
  const views = JSON.parse(run("doctor", "--json").stdout).isolation.some((one) => one.isolation === "view" && one.possible);
  if (!views) return console.log("     skipped: no views here");
  writeFileSync(join(work, "story.txt"), Array.from({length: 40}, (_, i) => `line ${i + 1} of it\n`).join("") + "the last, left open");
  writeFileSync(join(work, "edit.sh"), String.raw`sed -i -e 's/^line 3 of it$/line three of it/' -e '20d' -e 's/^the last.*/<img src=x onerror=alert(1)>  /' story.txt
printf 'evil \342\200\256 turned\n' > other.txt; printf '\000' > binary
`);
  writeFileSync(join(work, "edit.yaml"), "interlock: 1\nname: edited\ntasks: [{id: edit, run: sh edit.sh, isolation: view}]\n");
  assert.equal(run("run", "edit.yaml").status, 0);
  await openRun(/edited/);
  await page.getByTitle("edit", {exact: true}).click();
  await page.getByRole("tab", {name: "Changes"}).click();
  const story = page.getByRole("table", {name: "Changes of story.txt"});
  await story.waitFor();
  const rows = () => story.locator("tbody tr").evaluateAll((all) => all.map((row) => [...row.cells].map((cell) => cell.textContent).join("|")));
  assert.ok((await rows()).includes("3||-line 3 of it") && (await rows()).includes("|3|+line three of it"), (await rows()).join("\n"));
  assert.deepEqual(await story.locator("mark").allTextContents(), ["3", "three"]);
  assert.equal(await page.locator(".patches img").count(), 0);
  await page.locator(".patches", {hasText: "⟨U+202e⟩"}).waitFor();
  await page.locator(".patches", {hasText: /Binary files .* differ/}).waitFor();
  assert.equal(await story.locator(".blank").textContent(), "··");
  const toggle = page.getByRole("button", {name: "side by side"});
  assert.equal(await toggle.getAttribute("aria-pressed"), "false");
  await toggle.focus();
  await page.keyboard.press("Enter");
  await until("both sides are there", async () => (await rows()).includes("3|-line 3 of it|3|+line three of it"));
  assert.ok((await rows()).includes("20|-line 20 of it||"), (await rows()).join("\n"));
  assert.equal(await toggle.getAttribute("aria-pressed"), "true");
  const [sheet, pane] = [await page.locator(".split").first().boundingBox(), await page.locator("main").boundingBox()];
  assert.ok(sheet.width > 0.8 * pane.width, "it has the room that two columns need");
  // The address leads to what is seen.
  assert.match(page.url(), /\/edit\/diff$/);
  await lookAround("changes");
  await page.setViewportSize({width: 390, height: 844});
  await until("one column is left", async () => (await page.locator(".split").count()) === 0 && (await toggle.count()) === 0);
  assert.ok((await rows()).includes("|3|+line three of it"));
  await page.setViewportSize({width: 1280, height: 900});
  await until("two are there again", async () => (await page.locator(".split").count()) > 0);
  await page.keyboard.press("Tab");
  await toggle.press(" ");
  await until("one column is there again", async () => (await page.locator(".split").count()) === 0);
  await page.reload();
  await story.waitFor();
  assert.equal(await page.getByRole("tab", {name: "Changes"}).getAttribute("aria-selected"), "true");
});

check("draws what was used of quotas below the axis, moment by moment", async () => {
  writeFileSync(join(work, "metered.yaml"), `interlock: 1
name: metered
limits: {parallel: 2}
resources:
  api: {kind: quota, requests: 10/min, input_tokens: 2k/min, burst: 1m}
tasks:
${Array.from({length: 6}, (_, i) => `  - {id: call-${i}, run: "sleep 0.2", reads: [], writes: [c${i}], uses: {api: {requests: 1, input_tokens: 100}}}\n`).join("")}`);
  assert.equal(run("run", "metered.yaml", "--pattern", "parallel").status, 0);
  await openRun(/metered/);
  const requests = page.getByRole("img", {name: "api: requests over time, most: 6 of 10 in 1 m 00 s"});
  await requests.waitFor();
  await page.getByRole("img", {name: "api: input tokens over time, most: 600 of 2k in 1 m 00 s"}).waitFor();
  // It goes up only, as long as nothing is older than a minute.
  const heights = (await requests.locator("path").first().getAttribute("d")).match(/V[0-9.]+/g).slice(0, -1).map((one) => +one.slice(1));
  assert.ok(heights.length > 100 && heights.every((one, i) => i === 0 || one <= heights[i - 1]), "no less is used later");
  assert.equal(heights.at(-1), 45.5, "six of the ten that the dashed line is, which is not quite at the top");
  await lookAround("quotas");
  // A forecast has none of it.
  await page.getByRole("radio", {name: /^sequential/}).click();
  await until("it is gone", async () => (await requests.count()) === 0);
  await page.getByRole("radio", {name: /^this run/}).click();
});

check("folds tasks of a foreach and tries into a row each, for the pointer, for keys and for readers", async () => {
  const views = JSON.parse(run("doctor", "--json").stdout).isolation.some((one) => one.isolation === "view" && one.possible);
  assert.equal(spawnSync("mkfifo", ["go-many"], {cwd: work}).status, 0);
  writeFileSync(join(work, "many.yaml"), `interlock: 1
name: many of a kind
limits: {parallel: 4}
tasks:
  - {id: split, run: "read line < go-many; seq 12", reads: [], writes: [], output: text}
  - {id: "part-{item}", foreach: "{outputs.split}", at_most: 20, run: "sleep 0.0{item}; test {item} != 7", reads: [], writes: ["o{item}"]}
${views ? '  - {id: fix, run: "echo x | tee fixed", reads: [], writes: [fixed], output: text, isolation: view, tries: 3}' : ""}
`);
  const going = start(["run", "many.yaml", "--face", "lines", "--pattern", "parallel"]);
  await until("it began", () => /started +split/.test(going.said));
  await page.goto(page.url().replace(/#.*/, "") + "#/");
  await page.getByRole("row", {name: /many of a kind/}).getByRole("link").click();
  // Nobody knows yet how many there are: one row stands for all, and places without an item have none.
  await page.getByTitle("part-{item}", {exact: true}).waitFor();
  const decision = await page.getByRole("region", {name: "Decision"}).textContent();
  assert.ok(decision.includes("part-{item}") && !decision.includes("part["), decision);
  assert.equal(await page.getByTitle(/^part/).count(), 1);
  writeFileSync(join(work, "go-many"), "go\n");
  await until("it is over", () => going.exitCode !== null);
  await page.locator(".head").getByText("failed", {exact: true}).waitFor();
  const tree = page.getByRole("tree", {name: "Tasks"}), family = page.getByRole("treeitem", {name: /part-\{item\}/});
  await family.waitFor();
  assert.equal(await family.getAttribute("aria-expanded"), "false");
  assert.match(await family.textContent(), /part-\{item\}11\/121 failed/);
  assert.equal(await page.getByTitle("part-3", {exact: true}).count(), 0);
  if (views) {
    const tries = page.getByRole("treeitem", {name: /fix, tries/});
    assert.equal(await tries.getAttribute("aria-expanded"), "true", "four are not many");
    await page.getByTitle("fix.2", {exact: true}).waitFor();
  }
  await tree.focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowDown");
  await until("the keys are on the family", async () => (await tree.getAttribute("aria-activedescendant")) === (await family.getAttribute("id")));
  await page.keyboard.press("ArrowRight");
  await page.getByTitle("part-12", {exact: true}).waitFor();
  assert.equal(await page.getByTitle("part-3", {exact: true}).getAttribute("aria-level"), "2");
  await page.keyboard.press("ArrowRight");
  await page.getByRole("heading", {name: "part-1", exact: true}).waitFor();
  await expectNoComplaint(page);
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  await until("it is folded", async () => (await family.getAttribute("aria-expanded")) === "false");
  for (const [width, colorScheme] of [[1280, "light"], [390, "dark"]]) {
    await page.setViewportSize({width, height: 900});
    await page.emulateMedia({colorScheme});
    await page.waitForTimeout(150);
    await expectNoComplaint(page);
    await page.screenshot({path: join(folder, `folded-${width}-${colorScheme}.png`), fullPage: true});
  }
  await page.setViewportSize({width: 1280, height: 900});
  await page.emulateMedia({colorScheme: "light"});
  // Words are looked for in all of them, folded or not, and whose task is opened is unfolded.
  await page.getByRole("searchbox", {name: "Filter tasks"}).fill("part-7");
  await page.getByRole("option", {name: /part-7/}).click();
  await page.getByRole("searchbox", {name: "Filter tasks"}).fill("");
  await until("it is unfolded", async () => (await family.getAttribute("aria-expanded")) === "true");
  await page.getByRole("button", {name: "fold all", exact: true}).click();
  await until("all are folded", async () => (await page.getByRole("treeitem").count()) === (views ? 3 : 2));
  await page.getByRole("radio", {name: /^sequential/}).click();
  await page.getByText(/Foretold for sequential/).waitFor();
  await page.getByRole("radio", {name: /^this run/}).click();
  assert.ok(!(await page.locator(".sheet").textContent()).includes("part[13]"), "nor is it a node of the graph");
});

check("lets go of its stream in a tab nobody looks at, and goes on where it was", async () => {
  assert.equal(spawnSync("mkfifo", ["go-hidden"], {cwd: work}).status, 0);
  writeFileSync(join(work, "hidden.yaml"), "interlock: 1\nname: not looked at\ntasks: [{id: a, run: \"read line < go-hidden\", reads: [], writes: []}]\n");
  const going = start(["run", "hidden.yaml", "--face", "lines"]);
  await until("it runs", () => /started +a/.test(going.said));
  await page.goto(page.url().replace(/#.*/, "") + "#/");
  await page.getByRole("row", {name: /not looked at/}).getByRole("link").click();
  await page.getByTitle("a", {exact: true}).waitFor();
  const socketPath = /socket: (\S+)/.exec(server.said)[1];
  const streams = () => new Promise((told, failed) => get({socketPath, path: "/metrics"}, (answer) => {
    let text = "";
    answer.on("data", (part) => (text += part));
    answer.on("end", () => told(+/^interlock_serve_streams (\d+)$/m.exec(text)[1]));
  }).on("error", failed));
  await until("it follows the run", async () => (await streams()) === 1);
  const look = (hidden) => page.evaluate((is) => {
    Object.defineProperty(document, "hidden", {configurable: true, get: () => is});
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
  await look(true);
  await until("it let go", async () => (await streams()) === 0);
  writeFileSync(join(work, "go-hidden"), "go\n");
  await until("the run is over", () => going.exitCode !== null);
  assert.equal(await page.locator(".head .state").textContent(), "running", "nobody told it");
  const [asked] = await Promise.all([page.waitForRequest((one) => one.url().endsWith("/stream")), look(false)]);
  assert.ok(asked.headers()["last-event-id"], "it says where it was");
  await page.locator(".head").getByText("finished", {exact: true}).waitFor();
  assert.equal(await page.getByRole("alert").count(), 0);
});

check("moves nothing by itself where less motion is wanted, nor elsewhere", async () => {
  await page.emulateMedia({reducedMotion: "reduce"});
  const moving = () => page.evaluate(() => document.getAnimations().length + [...document.querySelectorAll("*")].filter((one) => getComputedStyle(one).transitionDuration.split(",").some((time) => parseFloat(time) > 0)).length);
  assert.equal(await moving(), 0);
  await page.emulateMedia({reducedMotion: "no-preference"});
  assert.equal(await moving(), 0);
});

check("draws ten thousand tasks, of which only some are nodes of the page", async () => {
  const tasks = Array.from({length: 10000}, (_, i) => `  - {id: t-${i}, run: "true", reads: [], writes: [o${i}]${i % 2 ? `, needs: [t-${Math.floor(i / 3)}]` : ""}}\n`);
  writeFileSync(join(work, "big.yaml"), "interlock: 1\nname: ten thousand\nlimits: {parallel: 1}\ntasks:\n  - {id: first, run: \"sleep 1000\", reads: [], writes: [first]}\n" + tasks.join("").replaceAll("reads: []", "reads: [first]"));
  const big = start(["run", "big.yaml", "--face", "lines"]);
  await until("it runs", () => big.said.includes("started"), 180);
  await page.goto(page.url().replace(/#.*/, "") + "#/");
  await page.getByRole("row", {name: /ten thousand/}).getByRole("link").click();
  await page.getByText("10001 of 10001").waitFor({timeout: 180000});
  const socketPath = /socket: (\S+)/.exec(server.said)[1], id = /r-[^/]+/.exec(page.url())[0];
  const bytes = await new Promise((told, failed) => get({socketPath, path: "/api/runs/" + id + "/state"}, (answer) => {
    let length = 0;
    answer.on("data", (part) => (length += part.length));
    answer.on("end", () => told(length));
  }).on("error", failed));
  console.log("     its first state: " + (bytes / 1e6).toFixed(2) + " MB");
  assert.ok(bytes < 1e6, "bytes: " + bytes);
  assert.ok((await page.evaluate(() => document.querySelectorAll("*").length)) < 1500);
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("Performance.enable");
  const busy = async () => (await cdp.send("Performance.getMetrics")).metrics.find((one) => one.name === "TaskDuration").value;
  const list = page.getByRole("listbox"), before = await busy();
  for (let i = 0; i < 20; i++) {
    await list.evaluate((box, y) => (box.scrollTop = y), i * 12000);
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
  }
  console.log("     main thread, a scroll through ten thousand tasks: " + (1000 * (await busy() - before) / 20).toFixed(0) + " ms");
  // All of them, small: a click leads there, and where the time is zoomed the keys move the frame too.
  const map = page.locator(".map"), frame = () => map.locator(".frame").getAttribute("d");
  assert.ok(await map.locator("canvas").evaluate((canvas) => new Set(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data).size > 2), "something is drawn");
  const box = await map.boundingBox(), before1 = await frame();
  await map.locator("canvas").click({position: {x: box.width / 2, y: box.height / 2}});
  // A pixel of it is two hundred rows.
  await until("the middle is shown", async () => Math.abs((await list.evaluate((one) => one.scrollTop)) - 5000 * 24) < 10000);
  await until("the frame shows it", async () => (await frame()) !== before1);
  await page.getByRole("button", {name: "Zoom in"}).click();
  const zoomed = await frame();
  assert.notEqual(zoomed, before1);
  await list.focus();
  await page.keyboard.press("Shift+ArrowRight");
  await until("the keys moved it", async () => (await frame()) !== zoomed);
  const [left, right] = /^M([0-9.]+) [0-9.]+H([0-9.]+)/.exec(await frame()).slice(1).map(Number);
  assert.ok(right > left && right <= 1000 && left > 250, await frame());
  for (const colorScheme of ["dark", "light"]) {
    await page.emulateMedia({colorScheme});
    await page.waitForTimeout(1200);
    await page.screenshot({path: join(folder, `map-${colorScheme}.png`)});
  }
  await page.getByRole("button", {name: "Zoom to all"}).click();
  await page.getByRole("searchbox", {name: "Filter tasks"}).fill("t-9999");
  await until("one is left", async () => (await page.locator(".name").count()) === 1);
  await page.getByRole("searchbox", {name: "Filter tasks"}).fill("");
  await page.getByText("Interlocking").click();
  await page.locator(".node").first().waitFor({timeout: 120000});
  assert.ok((await page.locator(".node").count()) <= 120);
  big.kill("SIGKILL");
});

check("says that the server is gone, and shows the same when it is back", async () => {
  const port = new URL(page.url()).port;
  server.kill("SIGKILL");
  await page.getByRole("alert").waitFor();
  server = await serve("--port", port);
  await until("the page needs another link", async () => (await page.getByRole("alert").textContent()).includes("serve --link"));
  page = await openPage();
  await page.getByRole("row", {name: /gated/}).getByText("finished").waitFor();
});

await runChecks(async () => {
  writeFileSync(join(work, "plan.yaml"), `interlock: 1
name: "notes <b>& co"
limits: {parallel: 3, tokens: 400k}
resources:
  api: {kind: quota, requests: 50/min}
tasks:
  - {id: note-api, run: "sleep 0.3; echo a > a", reads: [], writes: [a]}
  - {id: note-files, run: "sleep 0.6; echo b > b", reads: [], writes: [b]}
  - {id: note-cli, run: "sleep 0.2; echo c > c", reads: [], writes: [c]}
  - {id: check, run: "sleep 0.2; cat a b", reads: [a, b], writes: [d], output: text}
  - {id: flaky, run: "test -e flag && exit 0; touch flag; echo once; exit 3", reads: [], writes: [flag], retries: 2, backoff: 100ms}
  - {id: last, run: "sleep 0.1; echo e >> b", reads: [], writes: [b], needs: [flaky]}
  - {id: loud, run: "seq 20000 | sed 's/^17$/line 17: Needle in it/'", reads: [], writes: [loud]}
  - {id: broken, run: "echo '<img src=x onerror=alert(1)>'; exit 7", reads: [], writes: [z]}
  - {id: after-broken, run: "true", reads: [], writes: [y], needs: [broken]}
`);
  assert.equal(run("run", "plan.yaml", "--pattern", "parallel").status, 1);
  server = await serve();
  page = await openPage();
}, () => page);
