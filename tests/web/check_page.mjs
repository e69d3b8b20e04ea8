// Looks at the page with a real browser: `node check_page.mjs INTERLOCK FOLDER`, where FOLDER has playwright-core
// and axe-core. Runs plans in a folder of its own, and leaves pictures of what it saw in FOLDER.
import assert from "node:assert/strict";
import {existsSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {check, expectNoComplaint, folder, openPage, run, runChecks, serve, start, until, work} from "./harness.mjs";

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
  await page.getByLabel("one by one").uncheck();
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

check("draws ten thousand tasks, of which only some are nodes of the page", async () => {
  const tasks = Array.from({length: 10000}, (_, i) => `  - {id: t-${i}, run: "true", reads: [], writes: [o${i}]${i % 2 ? `, needs: [t-${Math.floor(i / 3)}]` : ""}}\n`);
  writeFileSync(join(work, "big.yaml"), "interlock: 1\nname: ten thousand\nlimits: {parallel: 1}\ntasks:\n  - {id: first, run: \"sleep 1000\", reads: [], writes: [first]}\n" + tasks.join("").replaceAll("reads: []", "reads: [first]"));
  const big = start(["run", "big.yaml", "--face", "lines"]);
  await until("it runs", () => big.said.includes("started"), 180);
  await page.goto(page.url().replace(/#.*/, "") + "#/");
  await page.getByRole("row", {name: /ten thousand/}).getByRole("link").click();
  await page.getByText("10001 of 10001").waitFor({timeout: 180000});
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
