// The runs, and how good their decisions were, seen afterwards.
import {html, signal, useEffect} from "/ui.js";
import {readJson} from "/link.js";
import {connection, heard, pathTo, time} from "/state.js";

const runs = signal(null), regrets = signal(null);

export function RunList() {
  useEffect(() => {
    let over = false, timer = 0;
    async function look() {
      try {
        if (!document.hidden) runs.value = (await readJson("/api/runs")).runs;
        connection.value = "";
        heard.value = Date.now();
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
      <td><a href=${pathTo("run", one.id)}>${one.id}</a></td><td>${one.plan}</td>
      <td class=${"state " + one.state.split(" ")[0]}>${one.state}</td><td>${one.created.slice(0, 19).replace("T", " ")}</td>
      <td class="faint">${one.workspace}</td></tr>`)}</tbody></table>`;
}

export function History() {
  useEffect(() => {
    let over = false;
    readJson("/api/history").then((got) => { if (!over) regrets.value = got.regrets; }, (error) => { if (!over) connection.value = error.message; });
    return () => (over = true);
  }, []);
  if (!regrets.value) return html`<p>Looking…</p>`;
  if (!regrets.value.length) return html`<p>No run was looked at in hindsight yet.</p>`;
  const good = regrets.value.filter((one) => one.regret <= 0.05).length;
  return html`<p>${good} of ${regrets.value.length} decisions were within a twentieth of the best way, replayed with the times that tasks really took.</p>
    <table class="list regrets"><thead><tr><th>run</th><th>plan</th><th>decided</th><th>took</th><th>best</th><th>regret</th></tr></thead>
    <tbody>${regrets.value.slice(0, 500).map((one) => html`<tr key=${one.run}><td><a href=${pathTo("run", one.run)}>${one.run}</a></td><td>${one.plan}</td>
      <td>${one.decided}</td><td>${time(1000 * one.took_s)}</td><td>${one.best}, ${time(1000 * one.best_took_s)}</td>
      <td>${one.regret >= 0.005 && html`<svg class="spark" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><path class=${one.regret > 0.05 ? "full" : "part"} d=${"M0 5H" + Math.min(100, 100 * one.regret)}/></svg>`}${one.regret < 0.005 ? "none" : (100 * one.regret).toFixed(0) + " %"}</td></tr>`)}</tbody></table>`;
}
