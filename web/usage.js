// What a run used of its quotas, windows and tokens over time, on the axis of its tasks.
import {html, signal, useEffect} from "/ui.js";
import {readJson} from "/link.js";
import {count, time, usd} from "/state.js";
import {curveOf} from "/timeline.js";

export const usage = signal(null);

/// Asked for again and again while the run lives.
export function useUsage(it) {
  const id = it && it.head.id, lives = it && it.head.lives;
  useEffect(() => {
    if (!id) return;
    let over = false, timer = 0;
    async function look() {
      try {
        if (!document.hidden) {
          const got = await readJson("/api/runs/" + encodeURIComponent(id) + "/usage");
          if (!over) usage.value = {...got, id};
        }
      } catch { /* The connection's own words are at the top. */ }
      if (!over && lives) timer = setTimeout(look, 5000);
    }
    look();
    return () => { over = true; clearTimeout(timer); };
  }, [id, lives]);
}

/// Of steps `[moment, level, ...]`, the highest level.
const highest = (steps) => steps.reduce((most, value, i) => (i % 2 && value > most ? value : most), 0);

/// {key, name, said, steps, most, limit} each; `limit`: where all of it is used.
export function curvesOf(got) {
  if (!got) return [];
  const list = [];
  for (const one of got.quotas) {
    const most = highest(one.steps), amount = one.what === "dollars" ? (n) => usd(n / 1e6) : count;
    list.push({key: one.name + " " + one.what, name: one.name + ": " + one.what, said: "most: " + amount(most) + " of " + amount(one.amount) + " in " + time(one.per_ms), steps: one.steps, most: Math.max(most, one.amount), limit: one.amount});
  }
  for (const one of got.windows) {
    const most = highest(one.steps);
    list.push({key: "window " + one.agents.join() + one.name, name: "log-in of " + one.agents.join(", ") + ": " + one.name, said: "most: " + +(most / 100).toFixed(1) + " % of it", steps: one.steps, most: Math.max(most, 10000), limit: 10000});
  }
  const all = highest(got.tokens);
  if (all) list.push({key: "tokens", name: "tokens of the run", said: count(all), steps: got.tokens, most: all, limit: 0});
  return list;
}

const headroom = 1.1;

/// A line each; a dashed one is where all of a quota is used.
export function Curves({it, axis, range, now}) {
  const got = usage.value;
  const list = curvesOf(got && got.id === it.head.id ? got : null);
  return list.map(({key, name, said, steps, most: peak, limit}) => {
    const most = headroom * peak;
    const placed = axis.gaps.length ? steps.map((value, i) => (i % 2 ? value : axis.place(value))) : steps;
    return html`<div key=${key} class="axis curve use"><span class="faint">${name}, ${said}</span><svg viewBox="0 0 1000 100" preserveAspectRatio="none" role="img" aria-label=${name + " over time, " + said}>
      <path d=${curveOf(placed, range, now, most)}/>${limit > 0 && html`<path class="limit" d=${"M0 " + (100 - (100 * limit) / most).toFixed(1) + "H1000"}/>`}</svg></div>`;
  });
}
