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

/// What a terminal of 80 columns shows of a run that goes on, as HTML; nothing where there is no tmux.
async function panelOf(plan) {
  const tmux = (...words) => spawnSync("tmux", ["-L", "interlock-pictures", ...words], {cwd: work, env: {...env, TERM: "xterm-256color"}, encoding: "utf8"});
  if (tmux("-V").error) return "";
  writeFileSync(join(work, "panel.yaml"), plan);
  tmux("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "22", `${interlock} run --fresh panel.yaml --pattern parallel`);
  let text = "";
  for (let i = 0; i < 200 && !/ 3 done|3\/8 done/.test(text); i++) {
    await new Promise((wake) => setTimeout(wake, 100));
    text = tmux("capture-pane", "-p").stdout;
  }
  await new Promise((wake) => setTimeout(wake, 400));
  const shown = tmux("capture-pane", "-e", "-p").stdout.replace(/\n+$/, "");
  tmux("kill-server");
  return html(shown);
}

/// The few inks the panel uses.
function html(text) {
  const inks = {1: "font-weight:700", 2: "opacity:.62", 31: "color:#ff8a80", 32: "color:#6fd08c", 33: "color:#e0b93c", 36: "color:#4fd1c5"};
  let made = "", open = 0;
  for (const part of text.split(/(\x1b\[[0-9;]*m)/)) {
    const codes = /^\x1b\[([0-9;]*)m$/.exec(part);
    if (!codes) {
      made += part.replace(/&/g, "&amp;").replace(/</g, "&lt;");
      continue;
    }
    for (const code of codes[1].split(";")) {
      if (inks[code]) {
        made += `<span style="${inks[code]}">`;
        open++;
      } else if (!+code || code === "39") {
        made += "</span>".repeat(open);
        open = 0;
      }
    }
  }
  return `<body style="margin:0;background:#14171b"><pre style="display:inline-block;margin:0;padding:16px 20px;color:#e6e9ed;font:15px/1.3 'DejaVu Sans Mono',monospace">${made}</pre></body>`;
}

const busy = `interlock: 1
name: release notes
limits: {parallel: 4}
tasks:
  - {id: note-api, run: "sleep 1.6; echo api > api.md", reads: [], writes: [api.md], estimate: {time: 2s}}
  - {id: note-files, run: "sleep 2.4; echo files > files.md", reads: [], writes: [files.md], estimate: {time: 3s}}
  - {id: note-cli, run: "sleep 1; echo cli > cli.md", reads: [], writes: [cli.md], estimate: {time: 1s}}
  - {id: examples, run: "echo 12 examples hold; sleep 6", reads: [], writes: [x], estimate: {time: 8s}}
  - {id: check-links, run: "echo 41 links seen; sleep 6; cat api.md files.md", reads: [api.md, files.md], writes: [links.txt], estimate: {time: 4s}}
  - {id: read-cli, run: "echo reading cli.md; sleep 5", reads: [cli.md], writes: [cli.txt], estimate: {time: 6s}}
  - {id: index, run: "cat *.md > index.md", reads: ["*.md"], writes: [index.md], needs: [examples], estimate: {time: 1s}}
  - {id: publish, run: "true", needs: [index], reads: [index.md], writes: [out], gate: before, estimate: {time: 1s}}
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
  const panel = await panelOf(busy);
  if (panel) {
    const page = await (await browser.newContext({viewport: {width: 1000, height: 700}})).newPage();
    await page.setContent(panel);
    await page.locator("pre").screenshot({path: join(into, "panel.png")});
    console.log(join(into, "panel.png"));
  }
} finally {
  if (browser) await browser.close();
  if (server) server.kill("SIGTERM");
  rmSync(home, {recursive: true, force: true});
}
