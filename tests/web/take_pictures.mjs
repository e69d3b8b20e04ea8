// Takes the pictures of docs/pictures: `node take_pictures.mjs INTERLOCK FOLDER INTO`, where FOLDER has playwright-core.
// A plan of commands is run for them, so what they show is what a run of it looks like.
import {spawn, spawnSync} from "node:child_process";
import {existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync} from "node:fs";
import {createRequire} from "node:module";
import {tmpdir} from "node:os";
import {join, resolve} from "node:path";

const interlock = resolve(process.argv[2]), folder = resolve(process.argv[3]), into = resolve(process.argv[4]);
const {chromium} = createRequire(join(folder, "package.json"))("playwright-core");
const home = mkdtempSync(join(tmpdir(), "interlock-pictures-")), work = join(home, "notes");
const env = {PATH: process.env.PATH, HOME: home, XDG_RUNTIME_DIR: home, LANG: "C.UTF-8"};
const run = (...words) => spawnSync(interlock, words, {cwd: work, env, encoding: "utf8"});
const plan = `interlock: 1
name: release notes
limits: {parallel: 3}
tasks:
  - {id: note-api, run: "sleep 1.6; echo api > api.md", reads: [], writes: [api.md], estimate: {time: 2s}}
  - {id: note-files, run: "sleep 2.4; echo files > files.md", reads: [], writes: [files.md], estimate: {time: 3s}}
  - {id: note-cli, run: "sleep 1; echo cli > cli.md", reads: [], writes: [cli.md], estimate: {time: 1s}}
  - {id: check-links, run: "sleep 1.2; cat api.md files.md", reads: [api.md, files.md], writes: [links.txt], estimate: {time: 1s}}
  - {id: examples, run: "test -e x && exit 0; touch x; sleep 0.5; exit 3", reads: [], writes: [x], retries: 1, backoff: 300ms, estimate: {time: 1s}}
  - {id: index, run: "sleep 0.6; cat *.md > index.md", reads: ["*.md"], writes: [index.md], needs: [examples], estimate: {time: 1s}}
  - {id: proof-read, run: "sleep 1; cat index.md", reads: [index.md], writes: [proof.txt], estimate: {time: 1s}}
`;

mkdirSync(work);
mkdirSync(into, {recursive: true});
let server, browser;
try {
  writeFileSync(join(work, "plan.yaml"), plan);
  if (run("run", "plan.yaml", "--pattern", "parallel").status !== 0) throw new Error("the plan does not run");
  server = spawn(interlock, ["serve", "--web"], {cwd: work, env, stdio: ["ignore", "ignore", "pipe"]});
  await new Promise((there) => server.stderr.on("data", (text) => String(text).includes("socket: ") && there()));
  browser = await chromium.launch({
    executablePath: ["/usr/bin/chromium", "/usr/bin/chromium-headless-shell"].find(existsSync),
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  });
  for (const [name, viewport, colorScheme] of [["page", {width: 1100, height: 900}, "light"], ["phone", {width: 390, height: 844}, "dark"]]) {
    const page = await (await browser.newContext({viewport, colorScheme})).newPage();
    await page.goto(run("serve", "--link").stdout.trim());
    await page.getByRole("link", {name: /^r-/}).first().click();
    await page.locator(".node").first().waitFor();
    await page.getByRole("link", {name: /^check-links, /}).focus();
    await page.evaluate(() => scrollTo(0, 0));
    await page.screenshot({path: join(into, name + ".png"), fullPage: name === "page"});
    console.log(join(into, name + ".png"));
  }
} finally {
  if (browser) await browser.close();
  if (server) server.kill("SIGTERM");
  rmSync(home, {recursive: true, force: true});
}
