// What the page knows: where it is, the run that is shown, and the words for what it shows.
import {computed, signal} from "/ui.js";

export const route = signal(parseRoute());
export const run = signal(null);        // {head, fixed, tasks} of the run that is shown.
export const connection = signal("");   // What is wrong with it; empty: nothing.
export const clock = signal(Date.now()); // The server's time, as far as is known.
export const way = signal("");          // Whose bars are drawn; empty: what really happens.
export const asIf = signal(null);       // {parallel, quota, size} of the sliders; null: as it was decided.
export const foretold = signal(null);   // What the server foretold for them.
export const bars = signal(null);       // By way as it was decided: [from, to, from, to, ...]; null: not asked for yet.
export const heard = signal(Date.now()); // When the server was heard last, by this machine's clock.

function parseRoute() {
  const [, page, id, task, tab] = location.hash.split("/").map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
  return {page: page || "", id: id || "", task: task || "", tab: tab || ""};
}
export function goTo(...parts) {
  location.hash = "/" + parts.map(encodeURIComponent).join("/");
}
export const pathTo = (...parts) => "#/" + parts.map(encodeURIComponent).join("/");
window.addEventListener("hashchange", () => {
  route.value = parseRoute();
  if (route.value.tab) tab.value = route.value.tab;
});

/// What is shown of a task; it stays while one goes from task to task.
export const tab = signal(route.value.tab || "log");
/// The address says it too, so that it can be given to others; going back does not stop there.
export function noteTab(shown) {
  const {page, id, task} = route.value;
  if (task) history.replaceState(null, "", pathTo(page, id, task, shown));
}

/// The state as the server sends it, with what most tasks have in common in each of them.
export function unpack({head, fixed, usual, tasks}) {
  return {head, fixed, tasks: tasks.map((task) => ({...usual, ...task}))};
}
export function apply(delta) {
  const old = run.value;
  if (!old) return;
  const tasks = delta.tasks ? old.tasks.slice() : old.tasks;
  for (const [index, changed] of Object.entries(delta.tasks || {})) tasks[index] = {...tasks[index], ...changed};
  run.value = {...old, head: {...old.head, ...delta.head}, tasks};
}

/// What is asked of all tasks again and again, found once for each state.
const tasks = computed(() => (run.value ? run.value.tasks : []));
export const facts = computed(() => {
  const places = new Map(), gates = [], used = new Set(), shown = [], members = new Map();
  let end = 0;
  tasks.value.forEach((task, index) => {
    // A place of a fan-out for which there is no item is nobody's task.
    if (task.unused) return;
    shown.push(index);
    if (task.group !== null) members.has(task.group) ? members.get(task.group).push(index) : members.set(task.group, [index]);
    places.set(task.id, index);
    if (task.gate) gates.push(task);
    for (let i = 0; i < task.spans.length; i += 3) {
      used.add(task.spans[i]);
      if (task.spans[i + 2] > end) end = task.spans[i + 2];
    }
  });
  return {places, gates, used, end, shown, members};
});
/// What a person wants to know first of tasks that are put together.
export function stateOf(it, indices) {
  const states = new Set(indices.map((index) => it.tasks[index].state));
  return ["failed", "reviewing", "running", "committing", "waiting", "cancelled", "skipped", "done"].find((state) => states.has(state)) || "waiting";
}

/// The ways that are shown: as decided, or as the sliders have it.
export function waysOf(it) {
  return foretold.value ? foretold.value.ways : it.fixed.ways;
}
/// The bars of a way by its name, [from, to, ...] by task; null: not known yet.
export function barsOf(it, name) {
  const all = foretold.value ? foretold.value.bars : bars.value;
  const at = waysOf(it).findIndex((one) => one.name === name);
  return all && at >= 0 ? all[at] : null;
}

// --- words -----------------------------------------------------------------------------------------

/// A number stays with its unit at the end of a line.
export function time(ms) {
  if (ms === null || ms === undefined) return "unknown";
  if (ms < 100) return Math.round(ms) + "\u00a0ms";
  if (ms < 60000) return (ms / 1000).toFixed(ms < 9950 ? 1 : 0) + "\u00a0s";
  const s = Math.round(ms / 1000);
  if (s < 3600) return Math.floor(s / 60) + "\u00a0m\u00a0" + String(s % 60).padStart(2, "0") + "\u00a0s";
  return Math.floor(s / 3600) + "\u00a0h\u00a0" + String(Math.floor(s / 60) % 60).padStart(2, "0") + "\u00a0m";
}
export function count(n) {
  if (n === null || n === undefined) return "unknown";
  if (n < 1000) return String(n);
  const short = (x) => x.toFixed(1).replace(/\.0$/, "");
  return n < 1e6 ? short(n / 1000) + "k" : short(n / 1e6) + "M";
}
export const usd = (n) => (n === null || n === undefined ? "unknown" : "$" + n.toFixed(n && n < 1 ? 4 : 2));
/// A number, or what is said where there is none.
export const tokensOf = (task) => (typeof task.tokens === "number" ? count(task.tokens) : task.tokens);
export const costOf = (task) => (typeof task.cost === "number" ? usd(task.cost) : task.cost);

export const signs = {waiting: "○", running: "▶", reviewing: "?", committing: "…", done: "✓", failed: "✗", skipped: "–", cancelled: "–"};

export function elapsedOf(it) {
  return it.head.elapsed_ms ?? Math.max(0, clock.value - it.head.began);
}
export function spent(it) {
  const {asked, tokens, tokens_known, cost_usd, cost_known} = it.head;
  if (!asked) return ["none", "none"];
  return [
    tokens === null ? "unknown" : (tokens_known ? "" : "at least ") + count(tokens),
    cost_usd === null ? "unknown" : (cost_known ? "" : "at least ") + usd(cost_usd),
  ];
}

/// Characters that turn the direction of text, or do not show, are named: text is to be what it looks.
export function visible(line) {
  return line.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, (c) => "\u27e8U+" + c.charCodeAt(0).toString(16).padStart(4, "0") + "\u27e9");
}
export const visibleText = (text) => text.split("\n").map(visible).join("\n");

/// What stands in backticks becomes code.
export function prose(html, text) {
  return text.split("`").map((part, i, all) => (i % 2 && i < all.length - 1 ? html`<code>${part}</code>` : part));
}
export function bill(tokens, cost) {
  if (tokens === "none" || tokens === "0") return "no tokens";
  return "tokens: " + tokens + ", cost: " + cost;
}
