// The page: which run, and what is shown of it in which order.
import {batch, html, render, signal, useEffect, useRef} from "/ui.js";
import {Board} from "/board.js";
import {Control, Gauges, quotas, useQuotas, windows} from "/control.js";
import {Decision} from "/decision.js";
import {Graph} from "/graph.js";
import {History, RunList} from "/history.js";
import {follow} from "/link.js";
import {active, filter, folding, order, Timeline, top, zoom} from "/rows.js";
import {apply, asIf, bars, clock, connection, elapsedOf, facts, foretold, heard, pathTo, route, run, spent, time, unpack, way} from "/state.js";
import {GateButtons, Output, said, Task} from "/task.js";
import {usage, useUsage} from "/usage.js";

let clockAhead = 0;

function RunPage({id}) {
  useEffect(() => {
    run.value = null;
    batch(() => { way.value = ""; zoom.value = null; filter.value = ""; order.value = "plan"; folding.value = new Map(); active.value = -1; top.value = 0; said.value = ""; asIf.value = foretold.value = bars.value = null; quotas.value = []; windows.value = []; usage.value = null; });
    return follow("/api/runs/" + encodeURIComponent(id) + "/stream", (event, data) => {
      connection.value = "";
      heard.value = Date.now();
      if (event === "state") {
        clockAhead = data.now - Date.now();
        clock.value = data.now;
        run.value = unpack(data);
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
  useQuotas(it);
  useUsage(it);
  const title = it ? (it.head.lives ? it.head.done + "/" + it.head.total : it.head.state) + " · " + it.head.plan : "Interlock";
  useEffect(() => {
    document.title = title;
    return () => (document.title = "Interlock");
  }, [title]);
  if (!it) return html`<p>Looking…</p>`;
  const {head} = it;
  const place = facts.value.places.get(route.value.task), task = place === undefined ? null : it.tasks[place];
  const [tokens, cost] = spent(it);
  const waited = Object.entries(head.waited).filter(([, ms]) => ms > 0);
  const {gates} = facts.value;
  const part = head.total ? (100 * head.done) / head.total : 0;
  return html`<div class="head"><h1>${head.plan}</h1><p class="meta"><span class=${"state " + head.state.split(" ")[0]}>${head.state}</span> · ${head.id} · ${head.workspace}</p>
      <div class="progress" role="progressbar" aria-valuenow=${head.done} aria-valuemax=${head.total} aria-label="Tasks done"><svg viewBox="0 0 100 4" preserveAspectRatio="none"><path d=${"M0 2H" + part}/></svg></div></div>
    <dl class="tiles"><div><dt>elapsed</dt><dd>${time(elapsedOf(it))}</dd></div><div><dt>tasks done</dt><dd>${head.done} of ${head.total}${head.failed ? html`<small class="bad">${head.failed} failed</small>` : ""}</dd></div>
      <div><dt>tokens</dt><dd>${tokens}</dd></div><div><dt>cost</dt><dd>${cost}</dd></div>
      ${head.saved_ms !== null && html`<div><dt>saved</dt><dd>${head.saved_ms > 0 ? time(head.saved_ms) : "no time"}<small>one by one: ${time(head.one_by_one_ms)}</small></dd></div>`}
      ${head.conflicts > 0 && html`<div><dt>conflicts</dt><dd>${head.conflicts}</dd></div>`}</dl>
    ${(head.stopping || head.go_on) && html`<p class="note">${head.stopping} ${head.go_on && html`<code>${head.go_on}</code>`}</p>`}
    ${head.review && html`<div class="gates"><${GateButtons} it=${it} task="" digest=${head.review}/></div>`}
    ${gates.length > 0 && html`<div class="gates"><h2>Gates</h2><ul>${gates.map((one) => html`<li><a href=${pathTo("run", head.id, one.id)}>${one.id}</a> waits for your approval</li>`)}</ul></div>`}
    <p role="status" aria-live="polite" class="said">${said.value}</p>
    <${Control} it=${it}/>
    <${Decision} it=${it} hasQuotas=${quotas.value.length > 0}/>
    <div class=${task ? "two" : ""}><${Timeline} it=${it}/>${task && html`<${Task} key=${task.id} it=${it} task=${task}/>`}</div>
    <${Graph} it=${it}/>
    <${Board} it=${it}/>
    <${Gauges} it=${it}/>
    ${waited.length > 0 && html`<section><h2>Waited for</h2><ul class="waited">${waited.map(([what, ms]) => html`<li><b>${what}</b> ${time(ms)}</li>`)}</ul></section>`}
    ${head.merges.length > 0 && html`<section><h2>Merged outputs</h2>${head.merges.map((one) => html`<details key=${one.name}><summary>${one.name} <span class="faint">${one.output || one.failure || "not made yet"}</span></summary>${one.output && html`<${Output} id=${head.id} name=${one.name} again=${one.output}/>`}</details>`)}</section>`}`;
}

/// Without a connection what is shown is as old as that; and that is said.
function Lost() {
  const now = useRef(signal(Date.now())).current;
  useEffect(() => {
    const timer = setInterval(() => (now.value = Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const ago = now.value - heard.value;
  return html`<span class="lost"><span role="alert">no connection: ${connection.value}</span>${ago > 2000 && html` <span>last heard ${time(ago)} ago</span>`}</span>`;
}

function App() {
  const {page, id} = route.value;
  return html`<header><nav aria-label="Pages"><a href="#/" class="brand">Interlock</a> <a href="#/" aria-current=${page === "" ? "page" : undefined}>Runs</a> <a href="#/history" aria-current=${page === "history" ? "page" : undefined}>History</a></nav>${connection.value && html`<${Lost}/>`}</header>
    <main>${page === "run" && id ? html`<${RunPage} key=${id} id=${id}/>` : page === "history" ? html`<h1>History</h1><${History}/>` : html`<h1>Runs</h1><${RunList}/>`}</main>`;
}

const app = document.getElementById("app");
app.replaceChildren();
render(html`<${App}/>`, app);
// What is drawn follows the window, and the theme.
const redraw = () => (top.value = top.value + 0.001);
addEventListener("resize", redraw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
