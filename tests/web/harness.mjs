// What the checks of the page have in common: a folder of their own to run plans in, a server, a browser, and a list of
// checks that says which failed. `node CHECK.mjs INTERLOCK FOLDER`, where FOLDER has playwright-core and axe-core.
import assert from "node:assert/strict";
import {spawn, spawnSync} from "node:child_process";
import {existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync} from "node:fs";
import {createRequire} from "node:module";
import {tmpdir} from "node:os";
import {join, resolve} from "node:path";

export const interlock = resolve(process.argv[2]), folder = resolve(process.argv[3]);
export const require = createRequire(join(folder, "package.json"));
const {chromium} = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export const home = mkdtempSync(join(tmpdir(), "interlock-page-"));
export const work = join(home, "work");
mkdirSync(work);
export const env = {PATH: process.env.PATH, HOME: home, XDG_RUNTIME_DIR: home, LANG: "C.UTF-8"};
const children = [];

/// A process that goes on; what it says is in `said`.
export function start(words, program = interlock, more = {}) {
  const child = spawn(program, words, {cwd: work, env: {...env, ...more}, stdio: ["ignore", "pipe", "pipe"]});
  child.said = "";
  child.stdout.on("data", (text) => (child.said += text));
  child.stderr.on("data", (text) => (child.said += text));
  children.push(child);
  return child;
}
export const run = (...words) => spawnSync(interlock, words, {cwd: work, env, encoding: "utf8"});
export async function until(what, holds, seconds = 20) {
  for (let i = 0; i < 20 * seconds; i++) {
    if (await holds()) return;
    await new Promise((wake) => setTimeout(wake, 50));
  }
  assert.fail("in vain: " + what);
}

const checks = [];
export const check = (name, body) => checks.push([name, body]);
let browser;
const seen = [];  // What the browser complained of.

async function newPage(options) {
  const context = await browser.newContext(options);
  const made = await context.newPage();
  made.on("console", (message) => { if (message.type() === "error") seen.push(message.text()); });
  made.on("pageerror", (error) => seen.push(String(error)));
  made.on("request", (request) => { if (!request.url().startsWith("http://127.0.0.1:") && !request.url().startsWith("blob:")) seen.push("asked " + request.url()); });
  made.setDefaultTimeout(10000);
  return made;
}
export const newLink = () => run("serve", "--link").stdout.trim();
export async function openPage(options = {viewport: {width: 1280, height: 900}}) {
  const link = newLink();
  const made = await newPage(options);
  await made.goto(link);
  return made;
}
/// One of a file, which may ask for nothing at all.
export async function openFile(path, options = {viewport: {width: 1280, height: 900}}) {
  const context = await browser.newContext(options);
  const made = await context.newPage();
  made.on("request", (request) => { if (!request.url().startsWith("file:")) seen.push("asked " + request.url()); });
  await made.goto("file://" + path);
  return made;
}
export async function serve(...words) {
  const server = start(["serve", "--web", ...words]);
  await until("the server is there", () => server.said.includes("socket: "));
  return server;
}

/// Nothing that axe has a rule for.
export async function expectNoComplaint(page) {
  // As the browser's own tools put it in: the page's policy lets nothing of a page's do so.
  const cdp = await page.context().newCDPSession(page);
  const ask = async (expression) => {
    const got = await cdp.send("Runtime.evaluate", {expression, awaitPromise: true, returnByValue: true});
    assert.ok(!got.exceptionDetails, "axe did not run: " + JSON.stringify(got.exceptionDetails));
    return got.result.value;
  };
  await ask(axe + ";undefined");
  const found = await ask("window.axe.run().then((got) => ({ran: got.passes.length, violations: got.violations.map((one) => one.id + ': ' + one.nodes[0].html.slice(0, 200))}))");
  await cdp.detach();
  assert.ok(found.ran > 10, "axe looked at nothing");
  assert.deepEqual(found.violations, []);
}

/// Runs the checks one after another; `page()` is what is taken a picture of where one fails.
export async function runChecks(prepare, page) {
  let failed = 1;
  try {
    browser = await chromium.launch({
      executablePath: ["/usr/bin/chromium", "/usr/bin/chromium-headless-shell"].find(existsSync),
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    });
    await prepare();
    failed = 0;
    for (const [name, body] of checks) {
      try {
        await body();
        const complaints = seen.filter((one) => !/ERR_CONNECTION|ERR_INCOMPLETE|status of 4\d\d/.test(one));
        if (complaints.length) assert.fail("the browser said: " + complaints.join("; "));
        console.log("ok   " + name);
      } catch (error) {
        failed++;
        console.log("FAIL " + name + "\n     " + error.message.split("\n").slice(0, 12).join("\n     "));
        if (page()) await page().screenshot({path: join(folder, "failed.png")}).catch(() => {});
      }
      seen.length = 0;
    }
  } catch (error) {
    console.log("FAIL before any check: " + error.message);
  } finally {
    if (browser) await browser.close();
    for (const child of children) child.kill("SIGTERM");
    rmSync(home, {recursive: true, force: true});
  }
  process.exit(failed ? 1 : 0);
}
