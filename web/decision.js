// The decision: the same tasks under each pattern, as it was decided or as if the sliders held.
import {batch, html, useEffect, useRef} from "/ui.js";
import {readJson} from "/link.js";
import {asIf, bars, barsOf, bill, count, elapsedOf, foretold, prose, run, spent, time, usd, way, waysOf} from "/state.js";

const factors = [0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10];
const times = (factor) => (factor === 1 ? "as it is" : factor < 1 ? "÷ " + +(1 / factor).toFixed(2) : "× " + factor);

/// The bars of the ways as they were decided, asked for once they are looked at.
export function wantBars(it) {
  if (bars.value || foretold.value) return;
  bars.value = [];
  readJson("/api/runs/" + encodeURIComponent(it.head.id) + "/ways").then(
    (got) => { if (run.value && run.value.head.id === it.head.id) bars.value = got.bars; },
    () => (bars.value = null));
}

/// Asks for what the sliders say; only the last wish counts, and the server ends what nobody wants any more.
function useForecast(it) {
  const wish = asIf.value, asking = useRef(null);
  useEffect(() => {
    if (!wish) {
      foretold.value = null;
      return;
    }
    const abort = new AbortController();
    const timer = setTimeout(ask, 120);
    async function ask(tries = 0) {
      try {
        const query = Object.entries(wish).map(([key, value]) => key + "=" + value).join("&");
        const got = await readJson("/api/runs/" + encodeURIComponent(it.head.id) + "/forecast?" + query, {signal: abort.signal});
        if (!abort.signal.aborted) batch(() => { foretold.value = {...got, wish}; asking.current = null; });
      } catch (error) {
        if (abort.signal.aborted) return;
        if (error.status === 429 && tries < 20) setTimeout(() => abort.signal.aborted || ask(tries + 1), 300);
        else foretold.value = {...(foretold.value || {ways: it.fixed.ways, bars: [], reasons: []}), wish, trouble: error.message};
      }
    }
    return () => { clearTimeout(timer); abort.abort(); };
  }, [wish]);
}

function Sliders({it, hasQuotas}) {
  useForecast(it);
  const wish = asIf.value || {parallel: it.head.parallel, quota: 1, size: 1};
  const most = Math.max(2, Math.min(it.head.total, Math.max(16, 2 * it.head.parallel), 1024));
  const set = (change) => (asIf.value = {...wish, ...change});
  const slider = (key, label, at, last, said, change) => html`<label class="slider"><span>${label} <b aria-hidden="true">${said}</b></span>
    <input type="range" aria-label=${label} min=${key === "parallel" ? 1 : 0} max=${last} step="1" value=${at} aria-valuetext=${said} onInput=${(event) => set(change(+event.target.value))}/></label>`;
  const place = (factor) => factors.indexOf(factor);
  const got = foretold.value;
  const waits = asIf.value && !(got && got.wish === asIf.value);
  return html`<div class="sliders" role="group" aria-label="As if">
    ${slider("parallel", "at once, at most", Math.min(wish.parallel, most), most, String(wish.parallel), (n) => ({parallel: n}))}
    ${slider("size", "task size", place(wish.size), factors.length - 1, times(wish.size), (i) => ({size: factors[i]}))}
    ${hasQuotas && slider("quota", "quotas", place(wish.quota), factors.length - 1, times(wish.quota), (i) => ({quota: factors[i]}))}
    <button disabled=${!asIf.value} onClick=${() => batch(() => { asIf.value = null; foretold.value = null; })}>reset</button>
    <span class="faint" role="status">${waits ? "asking the scheduler…" : got && got.trouble ? "not foretold: " + got.trouble : got ? "foretold with what is known now: " + got.pattern : ""}</span></div>`;
}

export function Decision({it, hasQuotas}) {
  // Of a standing queue nothing was compared; what its tasks so far would take can be asked.
  const ways = it.fixed.stands && !foretold.value ? [] : waysOf(it);
  const shown = ways.find((it) => it.name === way.value);
  const real = {name: "", title: "this run", n: 0};
  const label = (one) => one.name + (one.n > 1 ? " of " + one.n : "");
  const end = Math.max(1, ...ways.map((one) => one.p90_ms ?? one.elapsed_ms), elapsedOf(it));
  const [tokens, cost] = spent(it);
  const all = [real, ...ways];
  function onKey(event) {
    const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
    if (!step) return;
    event.preventDefault();
    const at = all.findIndex((one) => one.name === way.value);
    const next = (at + step + all.length) % all.length;
    choose(all[next].name);
    event.currentTarget.children[next].focus();
  }
  function choose(name) {
    way.value = name;
    if (name) wantBars(it);
  }
  return html`<section aria-label="Decision"><h2>Patterns</h2>
    <div class="ways" role="radiogroup" aria-label="Show the tasks as they run under" onKeyDown=${onKey}>
      ${all.map((one) => {
        const isReal = one === real;
        const half = isReal ? elapsedOf(it) : one.p50_ms ?? one.elapsed_ms;
        const late = isReal ? half : one.p90_ms ?? half;
        return html`<button key=${one.name} role="radio" aria-checked=${way.value === one.name} tabIndex=${way.value === one.name ? 0 : -1}
            class=${"way" + (one.chosen ? " chosen" : "")} onClick=${() => choose(one.name)}>
          <b>${isReal ? "this run: " + it.head.pattern : label(one)}</b>${one.chosen ? html` <i>chosen</i>` : ""}
          <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
            <path class=${isReal ? "real" : one.chosen ? "pick" : "other"} d=${"M0 3H" + (100 * half) / end}/>
            ${late > half && html`<path class="late" d=${"M" + (100 * half) / end + " 3H" + (100 * late) / end}/>`}
          </svg>
          <span>${late > half ? "half within " + time(half) + ", 9 in 10 within " + time(late) : time(half)}</span>
          <span>${bill(isReal ? tokens : count(one.tokens), isReal ? cost : usd(one.cost_usd))}</span>
        </button>`;
      })}
    </div>
    ${it.head.total > 1 && html`<${Sliders} it=${it} hasQuotas=${hasQuotas}/>`}
    ${shown
      ? html`<p class="faint">Foretold for ${label(shown)}; the tasks below are drawn as they would run${barsOf(it, shown.name) ? "" : " once the bars are here"}.</p>`
      : html`<ul class="reasons">${(foretold.value ? foretold.value.reasons : it.fixed.reasons).map((one) => html`<li>${prose(html, one)}</li>`)}</ul>`}
    ${!shown && !foretold.value && it.fixed.tests.length > 0 && html`<details><summary>The three tests</summary><ul>${it.fixed.tests.map((test) =>
      html`<li>${test.name}: <b>${test.holds ? "yes" : "no"}</b>${test.why && ", "}${prose(html, test.why)}</li>`)}</ul></details>`}
    ${!shown && !foretold.value && it.fixed.warnings.map((one, i) => html`<p key=${"w" + i} class="note">${prose(html, one)}</p>`)}
    ${!shown && !foretold.value && it.fixed.not_counted.length > 0 && html`<p class="faint">Not in any forecast: ${prose(html, it.fixed.not_counted.join("; "))}</p>`}
    ${!shown && !foretold.value && it.fixed.changes.length > 0 && html`<details><summary>What would let more overlap</summary><ul>${it.fixed.changes.map((one, i) => html`<li key=${i}>${prose(html, one)}</li>`)}</ul></details>`}
    ${it.head.hindsight && html`<p><b>In hindsight:</b> ${prose(html, it.head.hindsight)}</p>`}
  </section>`;
}
