// The tasks: a row each, with a list that keyboards and screen readers use and bars drawn beside it.
import {batch, html, signal, useEffect, useMemo, useRef} from "/ui.js";
import {axisOf, placed} from "/axis.js";
import {wantBars} from "/decision.js";
import {Minimap} from "/minimap.js";
import {barsOf, count, elapsedOf, facts, foretold, goTo, route, signs, stateOf, time, usd, way, waysOf} from "/state.js";
import {atOnce, curveOf, draw, kinds, rowHeight, spanAt} from "/timeline.js";
import {Curves} from "/usage.js";

export const filter = signal("");
export const zoom = signal(null);  // [from, to], null: all.
export const top = signal(0);
export const order = signal("plan");
const ghost = signal("");          // The way whose bars are drawn around what really happens; empty: none.
const hint = signal("");           // What is under the pointer.

/// A place on an axis so long, which is told from its neighbours.
function tick(ms, length) {
  if (length < 1000) return Math.round(ms) + "\u00a0ms";
  return length < 4000 ? (ms / 1000).toFixed(2) + "\u00a0s" : time(ms);
}

// A row is a task, by its place, or a group of them: less than 0.
const rowOf = (group) => -1 - group, groupOf = (row) => -1 - row, isGroup = (row) => row < 0;
const unfolded = 8;  // So many tasks of a group are shown without being asked for.
export const folding = signal(new Map());  // What a person folded, or not: by group.
export const active = signal(-1);          // The group that the keys are on; -1: they are on a task.

const isOpen = (group) => folding.value.get(group) ?? facts.value.members.get(group).length <= unfolded;
function fold(group, open) {
  folding.value = new Map(folding.value).set(group, open);
}
function foldAll(open) {
  folding.value = new Map([...facts.value.members.keys()].map((group) => [group, open]));
}

/// In plan order, with tasks of a group below it; else, and where words are looked for, tasks alone.
function rowsOf(it, words) {
  const {shown, members} = facts.value, rank = orders[order.value].rank;
  if (words || rank) {
    const has = (task) => (task.id + " " + task.state + " " + task.remark + " " + task.agent).toLowerCase().includes(words);
    const rows = words ? shown.filter((index) => has(it.tasks[index])) : shown.slice();
    // Equals stay in plan order.
    return rank ? rows.sort((a, b) => rank(it.tasks[a]) - rank(it.tasks[b]) || a - b) : rows;
  }
  const rows = [], seen = new Set();
  for (const index of shown) {
    const {group} = it.tasks[index];
    if (group === null || members.get(group).length < 2) rows.push(index);
    else if (!seen.has(group)) {
      seen.add(group);
      rows.push(rowOf(group));
      if (isOpen(group)) for (const member of members.get(group)) rows.push(member);
    }
  }
  return rows;
}

/// `12 of 20 done, 1 failed, 2 running`
function countsOf(it, indices) {
  const counts = {};
  for (const index of indices) counts[it.tasks[index].state] = (counts[it.tasks[index].state] || 0) + 1;
  const rest = ["failed", "reviewing", "running", "committing", "waiting", "cancelled", "skipped"].filter((state) => counts[state]).map((state) => counts[state] + " " + state);
  return {done: counts.done || 0, text: [(counts.done || 0) + " of " + indices.length + " done", ...rest].join(", "), rest: rest.join(", ")};
}

/// What is known of them added up, with words for what is not all of it; nothing where nothing was used.
function sumOf(it, indices, key, words) {
  let sum = 0, isAll = true;
  for (const index of indices) {
    const value = it.tasks[index][key];
    if (typeof value === "number") sum += value;
    else if (value !== "none") isAll = false;
  }
  return sum ? ", " + (isAll ? "" : "at least ") + words(sum) : "";
}
/// What their attempts took, one after another, with tokens and dollars; nothing where none is over.
function tookTogether(it, indices) {
  const sum = indices.reduce((all, index) => all + (it.tasks[index].elapsed_ms || 0), 0);
  return sum ? ", took " + time(sum) + " together" + sumOf(it, indices, "tokens", (n) => count(n) + " tokens") + sumOf(it, indices, "cost", usd) : "";
}

/// When any of them worked, by kind: their attempts, those that touch put together.
function spansTogether(it, indices) {
  const byKind = new Map();
  for (const index of indices) {
    const {spans} = it.tasks[index];
    for (let i = 0; i < spans.length; i += 3) {
      if (kinds[it.fixed.kinds[spans[i]]].width < 6) continue;
      if (!byKind.has(spans[i])) byKind.set(spans[i], []);
      byKind.get(spans[i]).push([spans[i + 1], spans[i + 2] < 0 ? Infinity : spans[i + 2]]);
    }
  }
  const made = [];
  for (const [kind, all] of byKind) {
    all.sort((a, b) => a[0] - b[0]);
    let [from, to] = all[0];
    const put = () => made.push(kind, from, to === Infinity ? -1 : to);
    for (const [start, end] of all) {
      if (start > to) {
        put();
        [from, to] = [start, end];
      } else if (end > to) to = end;
    }
    put();
  }
  return made;
}
/// What is shown of a group, found once for each state.
let together = {tasks: null, groups: null};
function ofGroup(it, group) {
  if (together.tasks !== it.tasks) together = {tasks: it.tasks, groups: new Map()};
  if (!together.groups.has(group)) {
    const own = facts.value.members.get(group);
    together.groups.set(group, {own, counts: countsOf(it, own), took: tookTogether(it, own), state: stateOf(it, own), spans: spansTogether(it, own), isCritical: own.some((index) => it.tasks[index].critical)});
  }
  return together.groups.get(group);
}
/// From the first to the last of them in bars of a way; nothing where none is in it.
function barTogether(bars, indices) {
  const own = indices.filter((index) => bars[2 * index] >= 0);
  if (!own.length) return null;
  return [own.reduce((least, index) => Math.min(least, bars[2 * index]), Infinity), own.reduce((most, index) => Math.max(most, bars[2 * index + 1]), 0)];
}

const urgency = {failed: 0, reviewing: 1, running: 2, committing: 3, waiting: 4, cancelled: 5, skipped: 6, done: 7};
const orders = {
  plan: {name: "in plan order"},
  urgent: {name: "failed first", rank: (task) => urgency[task.state]},
  longest: {name: "longest first", rank: (task) => -(task.elapsed_ms || 0)},
};

export function Timeline({it}) {
  const canvas = useRef(), box = useRef(), wanted = useRef("");
  const words = filter.value.toLowerCase();
  const {shown, members} = facts.value;
  const hasGroups = !words && order.value === "plan" && [...members.values()].some((some) => some.length > 1);
  // Without a filter, in plan order, the rows are the tasks, however they change.
  const rows = useMemo(() => rowsOf(it, words), [words || order.value !== "plan" ? it.tasks : it.tasks.length, shown.length, members.size, words, order.value, folding.value]);
  const listed = hasGroups ? shown.length : rows.length;
  const isForecast = way.value !== "";
  const foreseen = isForecast ? barsOf(it, way.value) : null;
  const canCompare = !isForecast && (!it.fixed.stands || foretold.value);
  const lone = ghost.value && canCompare ? barsOf(it, ghost.value) : null;
  const chosen = waysOf(it).find((one) => one.chosen && one.name !== "sequential" && one.name !== "one agent");
  const elapsed = elapsedOf(it);
  const isAttempt = (kind) => kinds[it.fixed.kinds[kind]].width > 5;
  const steps = useMemo(() => (isForecast ? [] : atOnce(it.tasks, isAttempt)), [it.tasks, isForecast]);
  // Beside what was foretold all is to scale.
  const axis = isForecast || lone ? axisOf([], 0) : axisOf(steps, Math.max(elapsed, facts.value.end));
  const now = axis.place(elapsed);
  const lastOf = (bars) => (bars ? bars.reduce((a, b) => (b > a ? b : a), 1) : 1);
  const end = useMemo(() => Math.max(lastOf(foreseen), lastOf(lone)), [foreseen, lone]);
  const whole = isForecast ? end : Math.max(1, now, axis.place(facts.value.end), end);
  const range = zoom.value || [0, whole];
  const height = Math.min(rows.length, 22) * rowHeight;
  const first = Math.max(0, Math.min(Math.floor(top.value / rowHeight), rows.length - Math.floor(height / rowHeight)));
  const some = rows.slice(first, first + Math.ceil(height / rowHeight) + 1);
  const cursor = hasGroups && active.value >= 0 ? rowOf(active.value) : facts.value.places.get(route.value.task) ?? null;
  const selected = cursor === null ? -1 : some.indexOf(cursor);
  const barOf = (bars, row) => (!bars ? null : isGroup(row) ? barTogether(bars, members.get(groupOf(row))) : bars[2 * row] >= 0 ? [bars[2 * row], bars[2 * row + 1]] : null);
  function spansOf(row) {
    if (isForecast) {
      const bar = barOf(foreseen, row);
      return bar ? ["forecast", ...bar] : [];
    }
    return placed(isGroup(row) ? ofGroup(it, groupOf(row)).spans : it.tasks[row].spans, axis);
  }
  const lines = some.map((row) => ({spans: spansOf(row), critical: !isForecast && !isGroup(row) && it.tasks[row].critical, ghost: isForecast ? null : barOf(lone, row)}));
  useEffect(() => {
    if (canvas.current) draw(canvas.current, lines, it.fixed.kinds, range, now, selected);
  });
  // Whose task is open shows, however it was opened.
  useEffect(() => {
    // The keys may be further on already where they led here.
    if (route.value.task !== wanted.current) active.value = -1;
    const index = facts.value.places.get(route.value.task);
    const group = index === undefined ? null : it.tasks[index].group;
    if (group !== null && members.get(group).length > 1 && !isOpen(group)) fold(group, true);
  }, [route.value.task]);
  function go(row) {
    if (row === undefined) return;
    if (isGroup(row)) active.value = groupOf(row);
    else {
      active.value = -1;
      wanted.current = it.tasks[row].id;
      goTo("run", it.head.id, it.tasks[row].id);
    }
    const y = rows.indexOf(row) * rowHeight;
    if (y < top.value || y + rowHeight > top.value + height) box.current.scrollTop = y - height / 2;
  }
  function select(move) {
    const at = cursor === null ? -1 : rows.indexOf(cursor);
    go(rows[Math.max(0, Math.min(rows.length - 1, at + move))]);
  }
  function toggle(group) {
    active.value = group;
    fold(group, !isOpen(group));
  }
  /// What the arrows to the side do in a tree.
  function along(key) {
    if (cursor === null) return;
    if (!isGroup(cursor)) {
      const {group} = it.tasks[cursor];
      if (key === "ArrowLeft" && group !== null && rows.includes(rowOf(group))) go(rowOf(group));
      return;
    }
    const group = groupOf(cursor);
    if (key === "ArrowRight" && isOpen(group)) select(1);
    else if (isOpen(group) === (key === "ArrowLeft")) fold(group, key === "ArrowRight");
  }
  function onKey(event) {
    if (event.shiftKey && zoom.value && (event.key === "ArrowRight" || event.key === "ArrowLeft")) {
      event.preventDefault();
      return showTime((range[0] + range[1]) / 2 + ((event.key === "ArrowRight" ? 1 : -1) * (range[1] - range[0])) / 4);
    }
    const moves = {ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15, Home: -1e9, End: 1e9};
    if (moves[event.key] !== undefined) select(moves[event.key]);
    else if (hasGroups && (event.key === "ArrowRight" || event.key === "ArrowLeft")) along(event.key);
    else if (cursor !== null && isGroup(cursor) && (event.key === "Enter" || event.key === " ")) toggle(groupOf(cursor));
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
  /// With this moment in the middle, as far as that goes.
  function showTime(middle) {
    const length = range[1] - range[0], from = Math.max(0, Math.min(whole - length, middle - length / 2));
    if (zoom.value) zoom.value = [from, from + length];
  }
  function onWheel(event) {
    if (!event.ctrlKey) return;
    event.preventDefault();
    const place = canvas.current.getBoundingClientRect();
    zoomBy(event.deltaY > 0 ? 1.25 : 0.8, (event.clientX - place.left) / place.width);
  }
  const nameOf = (group) => it.fixed.groups[group].name + (it.fixed.groups[group].kind === "tries" ? ", tries" : "");
  const lineOf = (event) => Math.floor((event.clientY - canvas.current.getBoundingClientRect().top) / rowHeight);
  function onPoint(event) {
    const line = lineOf(event), place = canvas.current.getBoundingClientRect();
    if (some[line] === undefined) return (hint.value = "");
    const task = isGroup(some[line]) ? null : it.tasks[some[line]];
    const span = spanAt(lines[line].spans, range, now, (event.clientX - place.left) / place.width, place.width);
    if (!span) return (hint.value = "");
    const [kind, ...ends] = span, [from, to] = ends.map(axis.moment), name = typeof kind === "string" ? kind : it.fixed.kinds[kind];
    const isLast = task && !isForecast && ends[0] === lines[line].spans[lines[line].spans.length - 2] && name !== "succeeded";
    const clockTime = isForecast ? "" : " (" + new Date(it.head.began + from).toLocaleTimeString() + ")";
    hint.value = (task ? task.id : nameOf(groupOf(some[line]))) + ": " + kinds[name].name + (isLast && task.remark ? " (" + task.remark + ")" : "") + ", " + time(to - from) + ", from " + time(from) + " on" + clockTime;
  }
  const used = isForecast ? ["forecast"] : [...facts.value.used].sort((a, b) => a - b).map((kind) => it.fixed.kinds[kind]);
  const most = steps.reduce((high, value, i) => (i % 2 && value > high ? value : high), 0);
  const task = selected >= 0 && !isGroup(some[selected]) ? it.tasks[some[selected]] : null;
  const hinted = hint.value || (task && task.remark ? task.id + ": " + task.remark : selected >= 0 && isGroup(some[selected]) ? nameOf(groupOf(some[selected])) + ": " + ofGroup(it, groupOf(some[selected])).counts.text + ofGroup(it, groupOf(some[selected])).took : "\u00a0");
  const compare = (name, label) => html`<label class="check"><input type="checkbox" checked=${ghost.value === name} onChange=${(event) => { ghost.value = event.target.checked ? name : ""; if (ghost.value) wantBars(it); }}/> ${label}${foretold.value ? ", as if" : ""}</label>`;
  function groupRow(row) {
    const group = groupOf(row), {own, counts, state, isCritical} = ofGroup(it, group);
    return html`<div key=${"g" + group} id=${"group-" + group} role="treeitem" aria-level="1" aria-expanded=${isOpen(group)} aria-selected=${row === cursor}
        class=${"name of " + state + (isCritical && !isForecast ? " critical" : "")} title=${nameOf(group) + ": " + counts.text} onClick=${() => toggle(group)}>
      <i aria-hidden="true">${isOpen(group) ? "▾" : "▸"}</i><i aria-label=${state}>${signs[state]}</i><span>${nameOf(group)}</span><b>${counts.done}/${own.length}</b><em>${counts.rest}</em></div>`;
  }
  return html`<section aria-label="Timeline"><div class="bar"><h2>Tasks</h2>
      <input type="search" placeholder="filter: name, state, reason" aria-label="Filter tasks" value=${filter.value} onInput=${(event) => batch(() => { filter.value = event.target.value; top.value = 0; })}/>
      <select aria-label="Order of tasks" value=${order.value} onChange=${(event) => batch(() => { order.value = event.target.value; top.value = 0; })}>${Object.entries(orders).map(([key, {name}]) => html`<option key=${key} value=${key}>${name}</option>`)}</select>
      <span class="faint">${listed} of ${shown.length}${words ? tookTogether(it, rows) : ""}</span>
      ${hasGroups && html`<span class="zoom"><button onClick=${() => foldAll(false)}>fold all</button><button onClick=${() => foldAll(true)}>unfold all</button></span>`}
      ${canCompare && compare("sequential", "one by one")}${canCompare && chosen && compare(chosen.name, "as decided")}
      <span class="zoom"><button onClick=${() => zoomBy(0.5)} aria-label="Zoom in">+</button><button onClick=${() => zoomBy(2)} aria-label="Zoom out">−</button><button onClick=${() => (zoom.value = null)} aria-label="Zoom to all">all</button></span></div>
    <ul class="key" aria-hidden="true">${used.map((kind) =>
      html`<li key=${kind}><svg viewBox="0 0 30 12"><path d="M0 6H30" class=${"k-" + kind}/></svg>${kinds[kind].name}</li>`)}
      ${!isForecast && it.tasks.some((one) => one.critical) && html`<li key="critical"><svg viewBox="0 0 30 12"><path d="M0 10H30" class="k-critical"/></svg>critical path</li>`}
      ${lone && html`<li key="ghost"><svg viewBox="0 0 30 12"><path d="M1 4H29V11H1Z" class="k-ghost"/></svg>${ghost.value === "sequential" ? "one by one" : "as decided"}, foretold: ${time(lastOf(lone))}</li>`}</ul>
    <div class="axis"><span></span><div>${[0, 0.25, 0.5, 0.75, 1].map((part) => html`<span>${tick(axis.moment(range[0] + (range[1] - range[0]) * part), range[1] - range[0])}</span>`)}</div></div>
    ${most > 0 && html`<div class="axis curve"><span class="faint">at once, ${most} at most</span><svg viewBox="0 0 1000 100" preserveAspectRatio="none" aria-hidden="true"><path d=${curveOf(axis.gaps.length ? steps.map((value, i) => (i % 2 ? value : axis.place(value))) : steps, range, now, most)}/></svg></div>`}
    ${!isForecast && html`<${Curves} it=${it} axis=${axis} range=${range} now=${now}/>`}
    ${(rows.length * rowHeight > height || zoom.value) && html`<div class="axis"><span class="faint small">all ${rows.length}, and what is shown of them</span><${Minimap} rows=${rows} spansOf=${spansOf} names=${it.fixed.kinds} whole=${whole} now=${now} range=${range}
      view=${[first, first + Math.floor(height / rowHeight)]} what=${isForecast ? foreseen : it.tasks} pick=${(at, row) => { showTime(at * whole); box.current.scrollTop = row * rows.length * rowHeight - height / 2; }}/></div>`}
    <div class="tasks" ref=${box} style=${{height: height + "px"}} onScroll=${(event) => (top.value = event.target.scrollTop)} onWheel=${onWheel}
        tabIndex="0" role=${hasGroups ? "tree" : "listbox"} aria-label="Tasks" aria-activedescendant=${selected < 0 ? undefined : isGroup(some[selected]) ? "group-" + groupOf(some[selected]) : "task-" + some[selected]} onKeyDown=${onKey}>
      <div class="all" role="presentation" style=${{height: rows.length * rowHeight + "px"}}>
        <div class="window" role="presentation" style=${{transform: "translateY(" + first * rowHeight + "px)"}}>
          <div class="names" role="presentation">${some.map((index, line) => {
            if (isGroup(index)) return groupRow(index);
            const row = it.tasks[index], isIn = hasGroups && row.group !== null && members.get(row.group).length > 1;
            // In a tree a task's place is that among its own.
            const place = hasGroups ? {"aria-level": isIn ? 2 : 1} : {"aria-setsize": rows.length, "aria-posinset": first + line + 1};
            return html`<div key=${index} id=${"task-" + index} role=${hasGroups ? "treeitem" : "option"} aria-selected=${index === cursor} ...${place}
              class=${"name " + row.state + (row.critical && !isForecast ? " critical" : "") + (isIn ? " in" : "")} title=${row.id}
              onClick=${() => go(index)}>
            <i aria-label=${row.state}>${signs[row.state]}</i><span>${row.id}</span>
            <em>${row.remark || (row.elapsed_ms !== null ? time(row.elapsed_ms) : "")}</em></div>`;
          })}</div>
          <canvas ref=${canvas} style=${{height: some.length * rowHeight + "px"}} aria-hidden="true" onPointerMove=${onPoint} onPointerLeave=${() => (hint.value = "")}
              onClick=${(event) => { const row = some[lineOf(event)]; if (row !== undefined) isGroup(row) ? toggle(groupOf(row)) : go(row); }}></canvas>
        </div></div></div>
    <p class="hint">${hinted}</p>
    ${axis.gaps.length > 0 && html`<p class="faint shortened">Shortened on the axis: ${axis.gaps.map(([from, to]) => time(to - from) + " in which nothing ran, " + time(from) + " after the beginning").join("; ")}.</p>`}</section>`;
}
