import {batch, html, render, signal, useEffect, useRef} from "/ui.js";
import {follow, post, readJson, readText} from "/link.js";
import {draw, kinds, rowHeight} from "/timeline.js";

const route = signal(parseRoute());
const run = signal(null);        // {head, fixed, tasks} of the run that is shown.
const connection = signal("");   // What is wrong with it; empty: nothing.
const clock = signal(Date.now()); // The server's time, as far as is known.
let clockAhead = 0;

function parseRoute() {
  const [, page, id, task] = location.hash.split("/").map(decodeURIComponent);
  return {page: page || "", id: id || "", task: task || ""};
}
function goTo(...parts) {
  location.hash = "/" + parts.map(encodeURIComponent).join("/");
}
window.addEventListener("hashchange", () => (route.value = parseRoute()));

// --- words -----------------------------------------------------------------------------------------

function time(ms) {
  if (ms === null || ms === undefined) return "unknown";
  if (ms < 100) return Math.round(ms) + " ms";
  if (ms < 60000) return (ms / 1000).toFixed(ms < 9950 ? 1 : 0) + " s";
  const s = Math.round(ms / 1000);
  if (s < 3600) return Math.floor(s / 60) + " m " + String(s % 60).padStart(2, "0") + " s";
  return Math.floor(s / 3600) + " h " + String(Math.floor(s / 60) % 60).padStart(2, "0") + " m";
}
function count(n) {
  if (n === null || n === undefined) return "unknown";
  if (n < 1000) return String(n);
  return n < 1e6 ? (n / 1000).toFixed(1) + "k" : (n / 1e6).toFixed(1) + "M";
}
const usd = (n) => (n === null || n === undefined ? "unknown" : "$" + n.toFixed(n && n < 1 ? 4 : 2));
const signs = {waiting: "○", running: "▶", reviewing: "?", committing: "…", done: "✓", failed: "✗", skipped: "–", cancelled: "–"};

function elapsedOf(it) {
  return it.head.elapsed_ms ?? Math.max(0, clock.value - it.head.began);
}
function spent(it) {
  const {asked, tokens, tokens_known, cost_usd, cost_known} = it.head;
  if (!asked) return ["none", "none"];
  return [
    tokens === null ? "unknown" : (tokens_known ? "" : "at least ") + count(tokens),
    cost_usd === null ? "unknown" : (cost_known ? "" : "at least ") + usd(cost_usd),
  ];
}

// --- the list of runs ------------------------------------------------------------------------------

const runs = signal(null);

function RunList() {
  useEffect(() => {
    let over = false, timer = 0;
    async function look() {
      try {
        if (!document.hidden) runs.value = (await readJson("/api/runs")).runs;
        connection.value = "";
      } catch (error) {
        connection.value = error.message;
      }
      if (!over) timer = setTimeout(look, 3000);
    }
    look();
    return () => { over = true; clearTimeout(timer); };
  }, []);
  if (!runs.value) return html`<p>Looking…</p>`;
  if (!runs.value.length) return html`<p>There are no runs yet: <code>interlock run PLAN</code> makes one.</p>`;
  return html`<table class="list"><thead><tr><th>run</th><th>plan</th><th>state</th><th>began</th><th>workspace</th></tr></thead>
    <tbody>${runs.value.map((one) => html`<tr key=${one.id}>
      <td><a href=${"#/run/" + one.id}>${one.id}</a></td><td>${one.plan}</td>
      <td class=${"state " + one.state.split(" ")[0]}>${one.state}</td><td>${one.created.slice(0, 19).replace("T", " ")}</td>
      <td class="faint">${one.workspace}</td></tr>`)}</tbody></table>`;
}

// --- the decision: the same tasks under each pattern -----------------------------------------------

const way = signal("");  // Empty: what really happens.

function Decision({it}) {
  const ways = it.fixed.ways;
  const shown = ways.find((one) => one.name === way.value);
  const real = {name: "", title: "this run", n: 0};
  const label = (one) => one.name + (one.n > 1 ? " of " + one.n : "");
  const end = Math.max(1, ...ways.map((one) => one.p90_ms ?? one.elapsed_ms), elapsedOf(it));
  const [tokens, cost] = spent(it);
  return html`<section aria-label="Decision"><h2>Patterns</h2>
    <div class="ways" role="radiogroup" aria-label="Show the tasks as they run under">
      ${[real, ...ways].map((one) => {
        const isReal = one === real;
        const half = isReal ? elapsedOf(it) : one.p50_ms ?? one.elapsed_ms;
        const late = isReal ? half : one.p90_ms ?? half;
        return html`<button key=${one.name} role="radio" aria-checked=${way.value === one.name}
            class=${"way" + (one.chosen ? " chosen" : "")} onClick=${() => (way.value = one.name)}>
          <b>${isReal ? "this run: " + it.head.pattern : label(one)}</b>${one.chosen ? html` <i>chosen</i>` : ""}
          <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
            <path class=${isReal ? "real" : one.chosen ? "pick" : "other"} d=${"M0 3H" + (100 * half) / end}/>
            ${late > half && html`<path class="late" d=${"M" + (100 * half) / end + " 3H" + (100 * late) / end}/>`}
          </svg>
          <span>${time(half)}${late > half ? ", 9 in 10 within " + time(late) : ""}</span>
          <span>${bill(isReal ? tokens : count(one.tokens), isReal ? cost : usd(one.cost_usd))}</span>
        </button>`;
      })}
    </div>
    ${shown
      ? html`<p class="faint">Foretold for ${label(shown)}; the tasks below are drawn as they would run.</p>`
      : html`<ul class="reasons">${it.fixed.reasons.map((one) => html`<li>${prose(one)}</li>`)}</ul>`}
    ${!shown && html`<details><summary>The three tests</summary><ul>${it.fixed.tests.map((test) =>
      html`<li>${test.name}: <b>${test.holds ? "yes" : "no"}</b>${test.why && ", "}${prose(test.why)}</li>`)}</ul></details>`}
    ${it.head.hindsight && html`<p><b>In hindsight:</b> ${prose(it.head.hindsight)}</p>`}
  </section>`;
}
function bill(tokens, cost) {
  if (tokens === "none" || tokens === "0") return "no tokens";
  return "tokens: " + tokens + ", cost: " + cost;
}
/// What stands in backticks becomes code.
function prose(text) {
  return text.split("`").map((part, i, all) => (i % 2 && i < all.length - 1 ? html`<code>${part}</code>` : part));
}

// --- the timeline ----------------------------------------------------------------------------------

const filter = signal("");
const zoom = signal(null);  // [from, to], null: all.
const top = signal(0);

function rowsOf(it) {
  const words = filter.value.toLowerCase();
  const shown = it.fixed.ways.find((one) => one.name === way.value);
  const forecast = new Map();
  if (shown) for (const [task, from, to] of shown.bars) forecast.set(task, [["forecast", from, to]]);
  const rows = [];
  it.tasks.forEach((task, index) => {
    const text = (task.id + " " + task.state + " " + task.remark + " " + task.agent).toLowerCase();
    if (words && !text.includes(words)) return;
    rows.push({task, index, spans: shown ? forecast.get(index) || [] : task.spans});
  });
  return rows;
}

function Timeline({it, rows}) {
  const canvas = useRef(), box = useRef();
  const shown = it.fixed.ways.find((one) => one.name === way.value);
  const now = elapsedOf(it);
  const end = shown ? Math.max(1, ...shown.bars.map((one) => one[2])) : Math.max(1, now, ...it.tasks.map((task) => task.spans.length ? task.spans[task.spans.length - 1][2] ?? 0 : 0));
  const range = zoom.value || [0, end];
  const first = Math.floor(top.value / rowHeight);
  const height = Math.min(rows.length, 22) * rowHeight;
  const some = rows.slice(first, first + Math.ceil(height / rowHeight) + 1);
  const selected = some.findIndex((row) => row.task.id === route.value.task);
  useEffect(() => {
    if (canvas.current) draw(canvas.current, some.map((row) => row.spans), range, now, selected);
  });
  function select(move) {
    const at = rows.findIndex((row) => row.task.id === route.value.task);
    const next = rows[Math.max(0, Math.min(rows.length - 1, at + move))];
    if (!next) return;
    goTo("run", it.head.id, next.task.id);
    const y = rows.indexOf(next) * rowHeight;
    if (y < top.value || y + rowHeight > top.value + height) box.current.scrollTop = y - height / 2;
  }
  function onKey(event) {
    const moves = {ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15, Home: -1e9, End: 1e9};
    if (moves[event.key] !== undefined) select(moves[event.key]);
    else if (event.key === "+") zoomBy(0.5);
    else if (event.key === "-") zoomBy(2);
    else if (event.key === "0") zoom.value = null;
    else if (event.key === "Escape") goTo("run", it.head.id);
    else return;
    event.preventDefault();
  }
  function zoomBy(factor, middle = 0.5) {
    const [from, to] = range, at = from + (to - from) * middle, half = (to - from) * factor;
    zoom.value = half >= end ? null : [Math.max(0, at - half * middle), Math.max(0, at - half * middle) + half];
  }
  function onWheel(event) {
    if (!event.ctrlKey) return;
    event.preventDefault();
    const place = canvas.current.getBoundingClientRect();
    zoomBy(event.deltaY > 0 ? 1.25 : 0.8, (event.clientX - place.left) / place.width);
  }
  const used = new Set(rows.flatMap((row) => row.spans.map((span) => span[0])));
  return html`<section aria-label="Timeline"><div class="bar"><h2>Tasks</h2>
      <input type="search" placeholder="filter: name, state, reason" aria-label="Filter tasks" value=${filter.value} onInput=${(event) => batch(() => { filter.value = event.target.value; top.value = 0; })}/>
      <span class="faint">${rows.length} of ${it.tasks.length}</span>
      <span class="zoom"><button onClick=${() => zoomBy(0.5)} aria-label="Zoom in">+</button><button onClick=${() => zoomBy(2)} aria-label="Zoom out">−</button><button onClick=${() => (zoom.value = null)}>all</button></span></div>
    <ul class="key" aria-hidden="true">${Object.entries(kinds).filter(([kind]) => used.has(kind)).map(([kind, how]) =>
      html`<li><svg viewBox="0 0 30 12"><path d="M0 6H30" class=${"k-" + kind}/></svg>${how.name}</li>`)}</ul>
    <div class="axis"><span></span><div>${[0, 0.25, 0.5, 0.75, 1].map((part) => html`<span>${time(range[0] + (range[1] - range[0]) * part)}</span>`)}</div></div>
    <div class="tasks" ref=${box} style=${{height: height + "px"}} onScroll=${(event) => (top.value = event.target.scrollTop)} onWheel=${onWheel}
        tabIndex="0" role="listbox" aria-label="Tasks" aria-activedescendant=${selected >= 0 ? "task-" + some[selected].index : undefined} onKeyDown=${onKey}>
      <div class="all" role="presentation" style=${{height: rows.length * rowHeight + "px"}}>
        <div class="window" role="presentation" style=${{transform: "translateY(" + first * rowHeight + "px)"}}>
          <div class="names" role="presentation">${some.map((row) => html`<div key=${row.index} id=${"task-" + row.index} role="option" aria-selected=${row.task.id === route.value.task}
              class=${"name " + row.task.state + (row.task.critical && !shown ? " critical" : "")} title=${row.task.id}
              onClick=${() => goTo("run", it.head.id, row.task.id)}>
            <i aria-label=${row.task.state}>${signs[row.task.state]}</i><span>${row.task.id}</span>
            <em>${row.task.remark || (row.task.elapsed_ms !== null ? time(row.task.elapsed_ms) : "")}</em></div>`)}</div>
          <canvas ref=${canvas} style=${{height: some.length * rowHeight + "px"}} aria-hidden="true"
              onClick=${(event) => { const row = some[Math.floor((event.clientY - canvas.current.getBoundingClientRect().top) / rowHeight)]; if (row) goTo("run", it.head.id, row.task.id); }}></canvas>
        </div></div></div></section>`;
}

// --- one task --------------------------------------------------------------------------------------

function useText(path, again) {
  const state = useRef(signal({text: null})).current;
  useEffect(() => {
    let over = false;
    state.value = {text: null};
    readText(path).then((got) => { if (!over) state.value = got; }, (error) => { if (!over) state.value = {ok: false, text: error.message}; });
    return () => { over = true; };
  }, [path, again]);
  return state.value;
}

function Log({id, task}) {
  const log = useRef(signal(null)).current, box = useRef(), follows = useRef(true);
  const words = useRef(signal("")).current;
  useEffect(() => {
    let over = false, timer = 0;
    log.value = null;
    async function look() {
      try {
        if (!document.hidden) log.value = await readJson("/api/runs/" + id + "/log?task=" + encodeURIComponent(task.id));
      } catch { /* The connection's own words are at the top. */ }
      if (!over && run.value && run.value.tasks.some((one) => one.id === task.id && one.state === "running")) timer = setTimeout(look, 1000);
    }
    look();
    return () => { over = true; clearTimeout(timer); };
  }, [id, task.id, task.attempts, task.state]);
  useEffect(() => { if (box.current && follows.current) box.current.scrollTop = box.current.scrollHeight; });
  if (!log.value) return html`<p class="faint">Reading…</p>`;
  const lines = log.value.lines.filter((line) => !words.value || line[2].toLowerCase().includes(words.value.toLowerCase()));
  if (!log.value.lines.length) return html`<p class="faint">It has printed nothing.</p>`;
  return html`<input type="search" placeholder="search" aria-label="Search in the log" onInput=${(event) => (words.value = event.target.value)}/>
    ${log.value.cut && html`<p class="faint">The end of it; all: <code>interlock log ${id} ${task.id}</code></p>`}
    <pre class="log" tabIndex="0" ref=${box} onScroll=${() => { const it = box.current; follows.current = it.scrollTop + it.clientHeight > it.scrollHeight - 20; }}>${lines.map((line) => html`<span class=${"s-" + (line[1] === "!" ? "r" : line[1])}>${line[2] + "\n"}</span>`)}</pre>`;
}

function Patch({text}) {
  return html`<pre class="patch" tabIndex="0">${text.split("\n").slice(0, 3000).map((line) => {
    const kind = line.startsWith("+++") || line.startsWith("---") || line.startsWith("diff ") ? "file" : line[0] === "+" ? "plus" : line[0] === "-" ? "minus" : line.startsWith("@@") ? "hunk" : "";
    return html`<span class=${kind}>${visible(line) + "\n"}</span>`;
  })}</pre>`;
}
/// Characters that turn the direction of text, or do not show, are named: a diff is to be what it looks.
function visible(line) {
  return line.replace(/[\u0000-\u0008\u000b-\u001f\u007f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, (c) => "\u27e8U+" + c.charCodeAt(0).toString(16).padStart(4, "0") + "\u27e9");
}

function Diff({id, task}) {
  const got = useText("/api/runs/" + id + "/diff?task=" + encodeURIComponent(task.id), task.attempts + task.state);
  if (got.text === null) return html`<p class="faint">Reading…</p>`;
  if (!got.ok) return html`<p class="faint">No changes of it are known: it ran in the workspace itself.</p>`;
  return got.text ? html`<${Patch} text=${got.text}/>` : html`<p class="faint">It changed nothing.</p>`;
}

function Output({id, name, again}) {
  const got = useText("/api/runs/" + id + "/output?name=" + encodeURIComponent(name), again);
  if (got.text === null) return html`<p class="faint">Reading…</p>`;
  return got.ok ? html`<pre tabIndex="0">${visible2(got.text)}</pre>` : html`<p class="faint">There is none.</p>`;
}
const visible2 = (text) => text.slice(0, 200000).split("\n").map(visible).join("\n");

function Why({id, task}) {
  const got = useText("/api/runs/" + id + "/why?task=" + encodeURIComponent(task.id), task.attempts + task.state);
  return html`<pre tabIndex="0">${got.text === null ? "…" : visible2(got.text)}</pre>`;
}

const said = signal("");

function GateButtons({it, task, digest}) {
  async function answer(verb) {
    const trouble = await post("/api/runs/" + it.head.id + "/" + verb, {task, digest});
    said.value = trouble ? trouble : (verb === "approve" ? "approved " : "rejected ") + (task || "the review") +
      (it.head.lives ? "" : "; nobody dispatches the run: interlock resume " + it.head.id);
  }
  return html`<p class="gate"><b>${task ? "Waits for your approval" : "The run waits for a review"}</b>
    <button class="approve" onClick=${() => answer("approve")}>Approve</button> <button onClick=${() => answer("reject")}>Reject</button></p>`;
}

const tab = signal("log");

function Task({it, task}) {
  const tabs = {log: "Log", diff: "Changes", output: "Output", why: "Why"};
  const shown = task.gate && tab.value === "log" && task.changed ? "diff" : tab.value;
  return html`<section class="task" aria-label=${"Task " + task.id}><div class="bar"><h2>${task.id}</h2><a href=${"#/run/" + it.head.id}>close</a></div>
    <p class="meta"><span class=${"state " + task.state}>${task.state}</span>${task.remark && ": " + task.remark}</p>
    <dl class="facts"><div><dt>agent</dt><dd>${task.agent}${task.model && ", " + task.model}</dd></div><div><dt>took</dt><dd>${task.elapsed_ms === null ? "–" : time(task.elapsed_ms)}</dd></div>
      <div><dt>tokens</dt><dd>${task.tokens}</dd></div><div><dt>cost</dt><dd>${task.cost}</dd></div><div><dt>attempts</dt><dd>${task.attempts}${task.conflicts ? ", " + task.conflicts + " met others' changes" : ""}</dd></div></dl>
    ${task.gate && html`<${GateButtons} it=${it} task=${task.id} digest=${task.gate}/>`}
    <div class="tabs" role="tablist">${Object.entries(tabs).map(([key, name]) => html`<button role="tab" aria-selected=${shown === key} onClick=${() => (tab.value = key)}>${name}</button>`)}</div>
    <div role="tabpanel" aria-label=${tabs[shown]}>
      ${shown === "log" && html`<${Log} id=${it.head.id} task=${task}/>`}
      ${shown === "diff" && html`<${Diff} id=${it.head.id} task=${task}/>`}
      ${shown === "output" && html`<${Output} id=${it.head.id} name=${task.id} again=${task.output}/>`}
      ${shown === "why" && html`<${Why} id=${it.head.id} task=${task}/>`}
    </div></section>`;
}

// --- the run ---------------------------------------------------------------------------------------

function apply(delta) {
  const old = run.value;
  if (!old) return;
  const tasks = delta.tasks ? old.tasks.slice() : old.tasks;
  for (const [index, changed] of Object.entries(delta.tasks || {})) tasks[index] = {...tasks[index], ...changed};
  run.value = {...old, head: {...old.head, ...delta.head}, tasks};
}

function RunPage({id}) {
  useEffect(() => {
    run.value = null;
    batch(() => { way.value = ""; zoom.value = null; filter.value = ""; top.value = 0; said.value = ""; });
    return follow("/api/runs/" + encodeURIComponent(id) + "/stream", (event, data) => {
      connection.value = "";
      if (event === "state") {
        clockAhead = data.now - Date.now();
        clock.value = data.now;
        run.value = data;
      } else if (event === "delta") {
        apply(data);
      }
    }, (reason) => (connection.value = reason));
  }, [id]);
  useEffect(() => {
    const timer = setInterval(() => { if (!document.hidden && run.value && run.value.head.lives && !connection.value) clock.value = Date.now() + clockAhead; }, 500);
    return () => clearInterval(timer);
  }, []);
  const it = run.value;
  if (!it) return html`<p>Looking…</p>`;
  const {head} = it;
  const rows = rowsOf(it);
  const task = it.tasks.find((one) => one.id === route.value.task);
  const [tokens, cost] = spent(it);
  const waited = Object.entries(head.waited).filter(([, ms]) => ms > 0);
  const gates = it.tasks.filter((one) => one.gate);
  const part = head.total ? (100 * head.done) / head.total : 0;
  return html`<div class="head"><h1>${head.plan}</h1><p class="meta"><span class=${"state " + head.state.split(" ")[0]}>${head.state}</span> · ${head.id} · ${head.workspace}</p>
      <div class="progress" role="progressbar" aria-valuenow=${head.done} aria-valuemax=${head.total} aria-label="Tasks done"><svg viewBox="0 0 100 4" preserveAspectRatio="none"><path d=${"M0 2H" + part}/></svg></div></div>
    <dl class="tiles"><div><dt>elapsed</dt><dd>${time(elapsedOf(it))}</dd></div><div><dt>tasks done</dt><dd>${head.done} of ${head.total}${head.failed ? html`<small class="bad">${head.failed} failed</small>` : ""}</dd></div>
      <div><dt>tokens</dt><dd>${tokens}</dd></div><div><dt>cost</dt><dd>${cost}</dd></div>
      ${head.saved_ms !== null && html`<div><dt>saved</dt><dd>${head.saved_ms > 0 ? time(head.saved_ms) : "no time"}<small>one by one: ${time(head.one_by_one_ms)}</small></dd></div>`}
      ${head.conflicts > 0 && html`<div><dt>conflicts</dt><dd>${head.conflicts}</dd></div>`}</dl>
    ${(head.stopping || head.go_on) && html`<p class="note">${head.stopping} ${head.go_on && html`<code>${head.go_on}</code>`}</p>`}
    ${head.review && html`<div class="gates"><${GateButtons} it=${it} task="" digest=${head.review}/></div>`}
    ${gates.length > 0 && html`<div class="gates"><h2>Gates</h2><ul>${gates.map((one) => html`<li><a href=${"#/run/" + head.id + "/" + encodeURIComponent(one.id)}>${one.id}</a> waits for your approval</li>`)}</ul></div>`}
    <p role="status" aria-live="polite" class="said">${said.value}</p>
    <${Decision} it=${it}/>
    <div class=${task ? "two" : ""}><${Timeline} it=${it} rows=${rows}/>${task && html`<${Task} key=${task.id} it=${it} task=${task}/>`}</div>
    ${waited.length > 0 && html`<section><h2>Waited for</h2><ul class="waited">${waited.map(([what, ms]) => html`<li><b>${what}</b> ${time(ms)}</li>`)}</ul></section>`}
    ${head.merges.length > 0 && html`<section><h2>Merged outputs</h2>${head.merges.map((one) => html`<details key=${one.name}><summary>${one.name} <span class="faint">${one.output || one.failure || "not made yet"}</span></summary>${one.output && html`<${Output} id=${head.id} name=${one.name} again=${one.output}/>`}</details>`)}</section>`}`;
}

function App() {
  const {page, id} = route.value;
  return html`<header><a href="#/">Interlock</a>${connection.value && html`<span class="lost" role="alert">no connection: ${connection.value}</span>`}</header>
    <main>${page === "run" && id ? html`<${RunPage} key=${id} id=${id}/>` : html`<h1>Runs</h1><${RunList}/>`}</main>`;
}

const app = document.getElementById("app");
app.replaceChildren();
render(html`<${App}/>`, app);
addEventListener("resize", () => (top.value = top.value + 0.001));
