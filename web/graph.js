// Who waits for whom: the tasks in layers, with the reason of each edge.
import {html, signal, useEffect, useMemo, useRef} from "/ui.js";
import {readJson} from "/link.js";
import {folded, familyOf, layered, withoutImplied} from "/layout.js";
import {facts, pathTo, route, signs, stateOf} from "/state.js";

const most = 120;  // Nodes; above that tasks are put together.
const opened = signal(null), around = signal(false), chosen = signal(-1), narrow = signal(false);
const graph = signal(null);

const media = matchMedia("(max-width:40rem)");
narrow.value = media.matches;
media.addEventListener("change", () => (narrow.value = media.matches));

/// The edges as objects; asked for once, when the graph is opened.
function useGraph(it, isOpen) {
  useEffect(() => {
    if (!isOpen) return;
    let over = false;
    readJson("/api/runs/" + encodeURIComponent(it.head.id) + "/graph").then((got) => {
      if (over) return;
      const edges = [];
      for (let i = 0; i < got.edges.length; i += 3) edges.push([got.edges[i], got.edges[i + 1], ...got.reasons[got.edges[i + 2]]]);
      graph.value = {id: it.head.id, tasks: it.tasks.length, cut: got.cut, edges};
    }, (error) => { if (!over) graph.value = {id: it.head.id, trouble: error.message}; });
    return () => (over = true);
  }, [isOpen, it.head.id, it.tasks.length, it.fixed.edges]);
}

/// The tasks that are drawn: all, or the task that is looked at with whoever stands at most two edges away.
function neighbours(count, edges, task) {
  const near = new Set([task]);
  for (let hop = 0; hop < 2; hop++) {
    const now = new Set(near);
    for (const [from, to] of edges) {
      if (now.has(from)) near.add(to);
      if (now.has(to)) near.add(from);
    }
  }
  return [...near].sort((a, b) => a - b);
}

const familyAt = (it, index) => (it.tasks[index].group === null ? familyOf(it.tasks[index].id) : it.fixed.groups[it.tasks[index].group].name);

function placed(it, edges, task) {
  const tasks = task >= 0 ? neighbours(it.tasks.length, edges, task).filter((index) => !it.tasks[index].unused) : facts.value.shown;
  const places = new Map(tasks.map((index, place) => [index, place]));
  const own = edges.filter(([from, to]) => places.has(from) && places.has(to));
  const {groups, edges: between} = folded(tasks.map((index) => it.tasks[index].id), own.map(([from, to]) => [places.get(from), places.get(to)]), most, (place) => familyAt(it, tasks[place]));
  const kept = withoutImplied(groups.length, between);
  const layout = layered(groups.length, kept);
  return {
    groups: groups.map((group) => group.map((place) => tasks[place])),
    edges: kept.map(([from, to, list]) => ({from, to, reasons: list.map((index) => own[index])})),
    implied: between.length - kept.length,
    layout,
  };
}

const kindOf = (reasons) => (reasons.some(([, , why]) => why === "needs") ? "needs" : reasons.some(([, , why]) => why === "lock") ? "lock" : "conflict");
const cutText = (text, length) => (text.length > length ? text.slice(0, length - 1) + "…" : text);

export function Graph({it}) {
  // What fits a screen is shown without being asked for.
  const count = facts.value.shown.length, isOpen = opened.value ?? count <= most;
  useGraph(it, isOpen);
  const svg = useRef();
  const ready = graph.value && graph.value.id === it.head.id && graph.value.tasks === it.tasks.length;
  const looked = facts.value.places.get(route.value.task) ?? -1;
  const center = around.value ? looked : -1;
  const drawn = useMemo(() => (ready && isOpen ? placed(it, graph.value.edges, center) : null), [ready && graph.value, center, count, isOpen]);
  const summary = html`<summary>Interlocking <span class="faint">${it.fixed.edges === 1 ? "1 edge" : it.fixed.edges + " edges"}</span></summary>`;
  const onToggle = (event) => { if (event.target === event.currentTarget && event.currentTarget.open !== isOpen) opened.value = event.currentTarget.open; };
  if (!it.fixed.edges) return html`<section aria-label="Interlocking"><p class="faint">No task waits for another.</p></section>`;
  if (!drawn) return html`<section aria-label="Interlocking"><details class="graph" open=${isOpen} onToggle=${onToggle}>${summary}
    <p class="faint">${graph.value && graph.value.trouble ? graph.value.trouble : "Reading…"}</p></details></section>`;

  // Layers go down on narrow screens, where names stand in the way of each other otherwise.
  const down = narrow.value, box = down ? [104, 34] : [150, 26], step = down ? [116, 62] : [210, 36];
  const {groups, edges, layout, implied} = drawn;
  const at = (node) => (down ? [layout.y[node] * step[0] + 2, layout.layer[node] * step[1] + 2] : [layout.layer[node] * step[0] + 2, layout.y[node] * step[1] + 2]);
  const width = down ? (layout.width - 1) * step[0] + box[0] + 4 : (layout.layers - 1) * step[0] + box[0] + 4;
  const height = down ? (layout.layers - 1) * step[1] + box[1] + 4 : (layout.width - 1) * step[1] + box[1] + 4;
  const current = chosen.value >= 0 && chosen.value < groups.length ? chosen.value : Math.max(0, groups.findIndex((group) => group.includes(looked)));
  const isMarked = (edge) => chosen.value >= 0 && (edge.from === chosen.value || edge.to === chosen.value);
  const isCritical = (node) => groups[node].some((index) => it.tasks[index].critical);
  const nameOf = (group) => (group.length === 1 ? it.tasks[group[0]].id : familyName(it, group) + " ×" + group.length);

  function pathOf({from, to}) {
    const [x1, y1] = at(from), [x2, y2] = at(to);
    if (down) {
      const x = x1 + box[0] / 2, y = y1 + box[1], bend = (y2 - y) / 2;
      return `M${x} ${y}C${x} ${y + bend} ${x2 + box[0] / 2} ${y2 - bend} ${x2 + box[0] / 2} ${y2}`;
    }
    const x = x1 + box[0], y = y1 + box[1] / 2, bend = (x2 - x) / 2;
    return `M${x} ${y}C${x + bend} ${y} ${x2 - bend} ${y2 + box[1] / 2} ${x2} ${y2 + box[1] / 2}`;
  }
  function onKey(event) {
    const along = down ? {ArrowDown: 1, ArrowUp: -1} : {ArrowRight: 1, ArrowLeft: -1};
    const across = down ? {ArrowRight: 1, ArrowLeft: -1} : {ArrowDown: 1, ArrowUp: -1};
    let next = -1;
    if (along[event.key]) {
      const ends = edges.filter((edge) => (along[event.key] > 0 ? edge.from : edge.to) === current).map((edge) => (along[event.key] > 0 ? edge.to : edge.from));
      next = ends.sort((a, b) => Math.abs(layout.y[a] - layout.y[current]) - Math.abs(layout.y[b] - layout.y[current]))[0] ?? -1;
    } else if (across[event.key]) {
      const row = groups.map((_, node) => node).filter((node) => layout.layer[node] === layout.layer[current]).sort((a, b) => layout.y[a] - layout.y[b]);
      next = row[row.indexOf(current) + across[event.key]] ?? -1;
    } else return;
    event.preventDefault();
    if (next < 0) return;
    chosen.value = next;
    svg.current.querySelector(`[data-node="${next}"]`).focus();
  }
  const told = chosen.value >= 0 && chosen.value < groups.length ? edges.filter(isMarked) : [];
  return html`<section aria-label="Interlocking"><details class="graph" open=${isOpen} onToggle=${onToggle}>${summary}
    <div class="bar"><label class="check"><input type="checkbox" checked=${around.value} disabled=${looked < 0} onChange=${(event) => { around.value = event.target.checked; chosen.value = -1; }}/> only around the task that is open</label>
      <span class="faint">${groups.length} of ${count} drawn${groups.length < count && center < 0 ? ": tasks of one kind are put together" : ""}${implied ? `; ${implied === 1 ? "1 edge" : implied + " edges"} that others imply left out` : ""}${graph.value.cut ? "; only the first edges" : ""}</span></div>
    <ul class="key" aria-hidden="true">${[["needs", "needs"], ["conflict", "conflict"], ["lock", "lock"]].map(([kind, name]) => html`<li key=${kind}><svg viewBox="0 0 30 12"><path d="M0 6H30" class=${"e-" + kind}/></svg>${name}</li>`)}</ul>
    <div class="sheet" tabIndex="0" role="region" aria-label="Graph of the interlocking">
      <svg ref=${svg} width=${width} height=${height} viewBox=${`0 0 ${width} ${height}`} role="group" aria-label="Tasks in layers; arrow keys go along the edges" onKeyDown=${onKey}>
        ${edges.map((edge, i) => html`<path key=${i} d=${pathOf(edge)} class=${"e-" + kindOf(edge.reasons) + (isMarked(edge) ? " marked" : "") + (isCritical(edge.from) && isCritical(edge.to) ? " critical" : "")}><title>${sayEdge(it, edge, nameOf(groups[edge.from]), nameOf(groups[edge.to]))}</title></path>`)}
        ${groups.map((group, node) => {
          const [x, y] = at(node), name = nameOf(group), task = group.length === 1 ? it.tasks[group[0]] : null, state = task ? task.state : stateOf(it, group);
          return html`<a key=${node} data-node=${node} href=${pathTo("run", it.head.id, it.tasks[group[0]].id)} tabIndex=${node === current ? 0 : -1} aria-label=${name + ", " + state}
              class=${"node " + state + (isCritical(node) ? " critical" : "") + (group.includes(looked) ? " looked" : "")}
              onFocus=${() => (chosen.value = node)} onPointerEnter=${() => (chosen.value = node)}>
            <rect x=${x} y=${y} width=${box[0]} height=${box[1]} rx="5"/><text x=${x + 6} y=${y + box[1] / 2 + 4}>${signs[state]} ${cutText(name, down ? 13 : 19)}</text><title>${name}</title></a>`;
        })}
      </svg></div>
    <div class="told" role="status">${chosen.value >= 0 && chosen.value < groups.length && html`<b>${nameOf(groups[chosen.value])}</b>
      ${told.length ? html`<ul>${told.slice(0, 8).map((edge, i) => html`<li key=${i}>${sayEdge(it, edge, nameOf(groups[edge.from]), nameOf(groups[edge.to]))}</li>`)}${told.length > 8 && html`<li>and ${told.length - 8} more</li>`}</ul>` : html` <span class="faint">waits for nobody, and nobody for it</span>`}`}</div>
  </details></section>`;
}

function sayEdge(it, edge, before, after) {
  const [, , why, on] = edge.reasons[0], more = edge.reasons.length - 1;
  return why === "needs" ? `${after} needs ${before}${more ? `, and ${more} more` : ""}` : `${after} waits for ${before}: ${why}${on ? " on " + on : ""}${more ? `, and ${more} more` : ""}`;
}
function familyName(it, group) {
  const names = new Set(group.map((index) => familyAt(it, index)));
  return names.size === 1 ? [...names][0] : names.size + " kinds";
}
