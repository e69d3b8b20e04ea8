// The tasks: a row each, with a list that keyboards and screen readers use and bars drawn beside it.
import {batch, html, signal, useEffect, useMemo, useRef} from "/ui.js";
import {wantBars} from "/decision.js";
import {barsOf, elapsedOf, facts, foretold, goTo, route, signs, time, way} from "/state.js";
import {draw, kinds, rowHeight, spanAt} from "/timeline.js";

export const filter = signal("");
export const zoom = signal(null);  // [from, to], null: all.
export const top = signal(0);
export const order = signal("plan");
const ghost = signal(false);       // Whether one by one is drawn below what really happens.
const hint = signal("");           // What is under the pointer.

/// A place on an axis so long, which is told from its neighbours.
function tick(ms, length) {
  if (length < 1000) return Math.round(ms) + "\u00a0ms";
  return length < 4000 ? (ms / 1000).toFixed(2) + "\u00a0s" : time(ms);
}

function rowsOf(it, words) {
  const rows = [];
  it.tasks.forEach((task, index) => {
    if (words && !(task.id + " " + task.state + " " + task.remark + " " + task.agent).toLowerCase().includes(words)) return;
    rows.push(index);
  });
  const rank = orders[order.value].rank;
  // Equals stay in plan order.
  return rank ? rows.sort((a, b) => rank(it.tasks[a]) - rank(it.tasks[b]) || a - b) : rows;
}

const urgency = {failed: 0, reviewing: 1, running: 2, committing: 3, waiting: 4, cancelled: 5, skipped: 6, done: 7};
const orders = {
  plan: {name: "in plan order"},
  urgent: {name: "failed first", rank: (task) => urgency[task.state]},
  longest: {name: "longest first", rank: (task) => -(task.elapsed_ms || 0)},
};

export function Timeline({it}) {
  const canvas = useRef(), box = useRef();
  const words = filter.value.toLowerCase();
  // Without a filter, in plan order, the rows are the tasks, however they change.
  const rows = useMemo(() => rowsOf(it, words), [words || order.value !== "plan" ? it.tasks : it.tasks.length, words, order.value]);
  const isForecast = way.value !== "";
  const foreseen = isForecast ? barsOf(it, way.value) : null;
  const lone = ghost.value && !isForecast && (!it.fixed.stands || foretold.value) ? barsOf(it, "sequential") : null;
  const now = elapsedOf(it);
  const lastOf = (bars) => (bars ? bars.reduce((a, b) => (b > a ? b : a), 1) : 1);
  const end = useMemo(() => Math.max(lastOf(foreseen), lastOf(lone)), [foreseen, lone]);
  const whole = isForecast ? end : Math.max(1, now, facts.value.end, end);
  const range = zoom.value || [0, whole];
  const height = Math.min(rows.length, 22) * rowHeight;
  const first = Math.max(0, Math.min(Math.floor(top.value / rowHeight), rows.length - Math.floor(height / rowHeight)));
  const some = rows.slice(first, first + Math.ceil(height / rowHeight) + 1);
  const selected = some.findIndex((index) => it.tasks[index].id === route.value.task);
  const lines = some.map((index) => {
    const task = it.tasks[index];
    if (isForecast) return {spans: foreseen && foreseen[2 * index] >= 0 ? ["forecast", foreseen[2 * index], foreseen[2 * index + 1]] : []};
    return {spans: task.spans, critical: task.critical, ghost: lone && lone[2 * index] >= 0 ? [lone[2 * index], lone[2 * index + 1]] : null};
  });
  useEffect(() => {
    if (canvas.current) draw(canvas.current, lines, it.fixed.kinds, range, now, selected);
  });
  function select(move) {
    const at = rows.indexOf(facts.value.places.get(route.value.task) ?? -1);
    const next = Math.max(0, Math.min(rows.length - 1, at + move));
    if (rows[next] === undefined) return;
    goTo("run", it.head.id, it.tasks[rows[next]].id);
    const y = next * rowHeight;
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
    zoom.value = half >= whole ? null : [Math.max(0, at - half * middle), Math.max(0, at - half * middle) + half];
  }
  function onWheel(event) {
    if (!event.ctrlKey) return;
    event.preventDefault();
    const place = canvas.current.getBoundingClientRect();
    zoomBy(event.deltaY > 0 ? 1.25 : 0.8, (event.clientX - place.left) / place.width);
  }
  const lineOf = (event) => Math.floor((event.clientY - canvas.current.getBoundingClientRect().top) / rowHeight);
  function onPoint(event) {
    const line = lineOf(event), place = canvas.current.getBoundingClientRect();
    const task = it.tasks[some[line]];
    const span = task && spanAt(lines[line].spans, range, now, (event.clientX - place.left) / place.width, place.width);
    if (!span) return (hint.value = "");
    const [kind, from, to] = span, name = typeof kind === "string" ? kind : it.fixed.kinds[kind];
    const isLast = !isForecast && from === task.spans[task.spans.length - 2] && name !== "succeeded";
    hint.value = task.id + ": " + kinds[name].name + (isLast && task.remark ? " (" + task.remark + ")" : "") + ", " + time(to - from) + ", from " + time(from) + " on";
  }
  const used = isForecast ? ["forecast"] : [...facts.value.used].sort((a, b) => a - b).map((kind) => it.fixed.kinds[kind]);
  const task = selected >= 0 ? it.tasks[some[selected]] : null;
  return html`<section aria-label="Timeline"><div class="bar"><h2>Tasks</h2>
      <input type="search" placeholder="filter: name, state, reason" aria-label="Filter tasks" value=${filter.value} onInput=${(event) => batch(() => { filter.value = event.target.value; top.value = 0; })}/>
      <select aria-label="Order of tasks" value=${order.value} onChange=${(event) => batch(() => { order.value = event.target.value; top.value = 0; })}>${Object.entries(orders).map(([key, {name}]) => html`<option key=${key} value=${key}>${name}</option>`)}</select>
      <span class="faint">${rows.length} of ${it.tasks.length}</span>
      ${!isForecast && (!it.fixed.stands || foretold.value) && html`<label class="check"><input type="checkbox" checked=${ghost.value} onChange=${(event) => { ghost.value = event.target.checked; if (ghost.value) wantBars(it); }}/> one by one${foretold.value ? ", as if" : ""}</label>`}
      <span class="zoom"><button onClick=${() => zoomBy(0.5)} aria-label="Zoom in">+</button><button onClick=${() => zoomBy(2)} aria-label="Zoom out">−</button><button onClick=${() => (zoom.value = null)} aria-label="Zoom to all">all</button></span></div>
    <ul class="key" aria-hidden="true">${used.map((kind) =>
      html`<li key=${kind}><svg viewBox="0 0 30 12"><path d="M0 6H30" class=${"k-" + kind}/></svg>${kinds[kind].name}</li>`)}
      ${!isForecast && it.tasks.some((one) => one.critical) && html`<li key="critical"><svg viewBox="0 0 30 12"><path d="M0 10H30" class="k-critical"/></svg>critical path</li>`}
      ${lone && html`<li key="ghost"><svg viewBox="0 0 30 12"><path d="M1 4H29V11H1Z" class="k-ghost"/></svg>one by one, foretold: ${time(lastOf(lone))}</li>`}</ul>
    <div class="axis"><span></span><div>${[0, 0.25, 0.5, 0.75, 1].map((part) => html`<span>${tick(range[0] + (range[1] - range[0]) * part, range[1] - range[0])}</span>`)}</div></div>
    <div class="tasks" ref=${box} style=${{height: height + "px"}} onScroll=${(event) => (top.value = event.target.scrollTop)} onWheel=${onWheel}
        tabIndex="0" role="listbox" aria-label="Tasks" aria-activedescendant=${selected >= 0 ? "task-" + some[selected] : undefined} onKeyDown=${onKey}>
      <div class="all" role="presentation" style=${{height: rows.length * rowHeight + "px"}}>
        <div class="window" role="presentation" style=${{transform: "translateY(" + first * rowHeight + "px)"}}>
          <div class="names" role="presentation">${some.map((index) => {
            const row = it.tasks[index];
            return html`<div key=${index} id=${"task-" + index} role="option" aria-selected=${row.id === route.value.task} aria-setsize=${rows.length} aria-posinset=${first + some.indexOf(index) + 1}
              class=${"name " + row.state + (row.critical && !isForecast ? " critical" : "")} title=${row.id}
              onClick=${() => goTo("run", it.head.id, row.id)}>
            <i aria-label=${row.state}>${signs[row.state]}</i><span>${row.id}</span>
            <em>${row.remark || (row.elapsed_ms !== null ? time(row.elapsed_ms) : "")}</em></div>`;
          })}</div>
          <canvas ref=${canvas} style=${{height: some.length * rowHeight + "px"}} aria-hidden="true" onPointerMove=${onPoint} onPointerLeave=${() => (hint.value = "")}
              onClick=${(event) => { const row = it.tasks[some[lineOf(event)]]; if (row) goTo("run", it.head.id, row.id); }}></canvas>
        </div></div></div>
    <p class="hint">${hint.value || (task && task.remark ? task.id + ": " + task.remark : "\u00a0")}</p></section>`;
}
