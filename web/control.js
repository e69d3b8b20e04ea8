// What is asked of a run while it goes on: pause, go on, how many at once, another task; and how much of its limits
// and quotas is used.
import {batch, html, signal, useEffect, useRef} from "/ui.js";
import {post, readJson} from "/link.js";
import {said} from "/task.js";
import {count, pathTo, prose, time, usd} from "/state.js";

export async function ask(it, verb, body, done) {
  const trouble = await post("/api/runs/" + encodeURIComponent(it.head.id) + "/" + verb, body);
  said.value = trouble || done;
  return !trouble;
}

export const isOver = (it) => ["finished", "failed", "cancelled"].includes(it.head.state);

export function Control({it}) {
  const {head} = it, width = useRef(null);
  if (isOver(it) && !it.fixed.stands) return null;
  const canResume = !head.lives || head.held;
  return html`<section aria-label="Control" class="control">
    ${head.lives && !head.held && html`<button onClick=${() => ask(it, "pause", {}, "asked to pause: nothing more starts")}>Pause</button>`}
    ${head.lives && !head.calls_held && html`<button onClick=${() => ask(it, "pause", {calls: true}, "asked to pause: nothing more starts, and no model call is sent")}>Pause calls too</button>`}
    ${canResume && html`<button class="approve" onClick=${() => ask(it, "resume", {}, "asked to go on")}>${head.held ? "Go on" : "Resume"}</button>`}
    ${head.held && html`<b class="note">paused${head.calls_held ? ", model calls too" : ""}</b>`}
    <form onSubmit=${(event) => { event.preventDefault(); ask(it, "set", {parallel: +width.current.value}, "asked for " + width.current.value + " at once"); }}>
      <label>at once, at most <input type="number" min="1" max="1024" required ref=${width} defaultValue=${head.parallel} key=${head.parallel}/></label> <button>Set</button></form>
    ${head.takes_tasks && html`<${Add} it=${it}/>`}
    <${Order} it=${it}/></section>`;
}

/// The tasks of a queue that wait, in the order in which those that may start do, with what puts them into another.
export function Order({it}) {
  const box = useRef(), refocus = useRef(null);
  const order = it.head.order.filter((index) => it.tasks[index]);
  // Who moved a task goes on with it where it stands now.
  useEffect(() => {
    if (!refocus.current) return;
    const {id, what, at} = refocus.current;
    const row = [...box.current.querySelectorAll("li")].find((one) => one.dataset.id === id);
    if (row && +row.dataset.at === at) return;
    refocus.current = null;
    if (!row) return;
    const own = row.querySelector(`[data-what=${what}]`);
    (own.disabled ? row.querySelector("button:not(:disabled)") : own)?.focus();
  });
  if (order.length < 2 || !it.head.takes_tasks) return null;
  const names = order.map((index) => it.tasks[index].id);
  function move(at, what, where, words) {
    refocus.current = {id: names[at], what, at};
    ask(it, "move", {task: names[at], ...where}, names[at] + " goes " + words);
  }
  const button = (at, what, sign, where, words, can) => html`<button data-what=${what} aria-label=${"Move " + names[at] + " " + what} disabled=${!can} onClick=${() => can && move(at, what, where(), words())}>${sign}</button>`;
  return html`<details class="order" open=${order.length <= 12}><summary>Who goes first, of ${order.length} that wait${order.length === 200 ? " (the first)" : ""}</summary>
    <ol ref=${box}>${order.map((index, at) => html`<li key=${index} data-id=${names[at]} data-at=${at}><a href=${pathTo("run", it.head.id, names[at])}>${names[at]}</a> <span class="faint">${prose(html, it.tasks[index].remark)}</span>
      <span class="moves">${button(at, "first", "⤒", () => ({place: "first"}), () => "first", at > 0)}${button(at, "up", "↑", () => ({before: names[at - 1]}), () => "before " + names[at - 1], at > 0)}${
        button(at, "down", "↓", () => ({after: names[at + 1]}), () => "after " + names[at + 1], at < order.length - 1)}${button(at, "last", "⤓", () => ({place: "last"}), () => "last", at < order.length - 1)}</span></li>`)}</ol>
    <p class="faint">Who waits for another task still does. The result is that of plan order, whoever goes first.</p></details>`;
}

const lines = (text) => text.split(/[\n,]/).map((one) => one.trim()).filter(Boolean);

function Add({it}) {
  const form = useRef();
  async function add(event) {
    event.preventDefault();
    const data = Object.fromEntries([...new FormData(form.current)].map(([key, value]) => [key, value.trim()]));
    const body = {id: data.id, needs: lines(data.needs)};
    if (data.prompt) Object.assign(body, {agent: data.agent, prompt: data.prompt});
    else body.command = data.command;
    // Nothing said of both: nobody knows what it touches, and it runs alone.
    if (data.reads || data.writes) Object.assign(body, {reads: lines(data.reads), writes: lines(data.writes)});
    if (await ask(it, "add", body, "added " + (data.id || "a task"))) form.current.reset();
  }
  return html`<details class="add"><summary>Add a task</summary><form ref=${form} onSubmit=${add}>
    <label>name <input name="id" autocomplete="off"/></label>
    <label class="wide">command, a line of shell <input name="command" autocomplete="off"/></label>
    <label>or agent <input name="agent" autocomplete="off" placeholder="claude"/></label>
    <label class="wide">and its prompt <input name="prompt" autocomplete="off"/></label>
    <label>reads <input name="reads" autocomplete="off" placeholder="src/**"/></label>
    <label>writes <input name="writes" autocomplete="off"/></label>
    <label>needs <input name="needs" autocomplete="off"/></label>
    <button>Add</button><p class="faint">Patterns with commas between. A task that says neither what it reads nor what it writes runs alone.</p></form></details>`;
}

// --- gauges ----------------------------------------------------------------------------------------

export const quotas = signal([]), windows = signal([]);

/// Asked for again and again while the run lives and has any.
export function useQuotas(it) {
  const lives = it && it.head.lives, id = it && it.head.id;
  useEffect(() => {
    if (!id) return;
    let over = false, timer = 0;
    async function look() {
      try {
        if (!document.hidden) {
          const got = await readJson("/api/runs/" + encodeURIComponent(id) + "/quotas");
          batch(() => { quotas.value = got.quotas; windows.value = got.windows; });
        }
      } catch { /* The connection's own words are at the top. */ }
      if (!over && lives && (quotas.value.length || windows.value.length)) timer = setTimeout(look, 2000);
    }
    look();
    return () => { over = true; clearTimeout(timer); };
  }, [id, lives]);
}

function Gauge({name, part, said}) {
  const shown = Math.max(0, Math.min(1, part));
  return html`<div class="gauge"><span>${name}</span>
    <svg viewBox="0 0 100 8" preserveAspectRatio="none" role="meter" aria-label=${name} aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.round(100 * shown)} aria-valuetext=${said}>
      <path class="rest" d="M0 4H100"/>${shown > 0 && html`<path class=${shown >= 0.9 ? "full" : "part"} d=${"M0 4H" + 100 * shown}/>`}</svg><span class="faint">${said}</span></div>`;
}

export function Gauges({it}) {
  const {head} = it, list = [];
  if (head.limit_tokens) list.push(html`<${Gauge} key="tokens" name="budget: tokens" part=${(head.tokens || 0) / head.limit_tokens} said=${count(head.tokens || 0) + " of " + count(head.limit_tokens)}/>`);
  if (head.limit_usd) list.push(html`<${Gauge} key="usd" name="budget: dollars" part=${(head.cost_usd || 0) / head.limit_usd} said=${usd(head.cost_usd || 0) + " of " + usd(head.limit_usd)}/>`);
  for (const one of windows.value) {
    const percent = Math.round(100 * one.used);
    list.push(html`<${Gauge} key=${one.agents.join() + one.name} name=${"log-in of " + one.agents.join(", ") + ": " + one.name + " window"} part=${one.used}
      said=${percent + " % used, " + Math.max(0, 100 - percent) + " % left for " + time(one.resets_in_ms) + (one.seen_ms_ago > 60000 ? ", seen " + time(one.seen_ms_ago) + " ago" : "")}/>`);
  }
  for (const quota of quotas.value) {
    if (quota.shut_ms) list.push(html`<${Gauge} key=${quota.name + " shut"} name=${quota.name + ": asked to wait"} part="1" said=${"nothing is sent for " + time(quota.shut_ms)}/>`);
    for (const rate of quota.rates) {
      const amount = rate.what === "dollars" ? usd(rate.amount / 1e6) : count(rate.amount);
      list.push(html`<${Gauge} key=${quota.name + rate.what} name=${quota.name + ": " + rate.what} part=${rate.full_in_ms / rate.holds_ms}
        said=${amount + " in " + time(rate.per_ms) + (quota.window_ms ? ", strict windows" : "") + (rate.full_in_ms ? ", free again in " + time(rate.full_in_ms) : ", unused")}/>`);
    }
  }
  return list.length ? html`<section aria-label="Limits and quotas"><h2>Limits and quotas</h2><div class="gauges">${list}</div></section>` : null;
}
