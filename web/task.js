// One task: its log as it grows, its changes, its output, why it is where it is, and its gate.
import {html, signal, useEffect, useRef} from "/ui.js";
import {Messages} from "/board.js";
import {post, readJson, readText} from "/link.js";
import {elapsedOf, pathTo, run, time, visible, visibleText} from "/state.js";
import {kinds} from "/timeline.js";


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
  const log = useRef(signal(null)).current, box = useRef(), follows = useRef(true), typing = useRef(0);
  const words = useRef(signal("")).current, attempt = useRef(signal(0)).current;
  const path = "/api/runs/" + id + "/log?task=" + encodeURIComponent(task.id) + (attempt.value ? "&attempt=" + attempt.value : "");
  useEffect(() => { log.value = null; }, [path]);
  useEffect(() => {
    let over = false, timer = 0;
    async function look() {
      try {
        if (!document.hidden) {
          const got = await readJson(path + (words.value ? "&search=" + encodeURIComponent(words.value) : ""));
          if (!over) log.value = got;
        }
      } catch { /* The connection's own words are at the top. */ }
      if (!over && run.value && run.value.tasks.some((one) => one.id === task.id && one.state === "running")) timer = setTimeout(look, 1000);
    }
    look();
    return () => { over = true; clearTimeout(timer); };
  }, [path, task.attempts, task.state, words.value]);
  useEffect(() => { if (box.current && follows.current) box.current.scrollTop = box.current.scrollHeight; });
  useEffect(() => () => clearTimeout(typing.current), []);
  const others = task.attempts > 1 && html`<p role="group" aria-label="Attempts">${Array.from({length: Math.min(task.attempts, 20)}, (_, i) => i + 1).map((n) =>
    html`<button key=${n} class="attempt" aria-pressed=${n === (attempt.value || task.attempts)} onClick=${() => (attempt.value = n)}>attempt ${n}</button>`)}</p>`;
  if (!log.value) return html`${others}<p class="faint">Reading…</p>`;
  const {lines, cut, matches} = log.value;
  if (!lines.length && matches === undefined) return html`${others}<p class="faint">It has printed nothing.</p>`;
  // The server looks: a log may be longer than what is shown of it.
  const onInput = (event) => { clearTimeout(typing.current); const text = event.target.value; typing.current = setTimeout(() => (words.value = text), 200); };
  const all = html`<code>interlock log ${id} ${task.id}</code>`;
  return html`${others}<input type="search" maxlength="200" placeholder="search" aria-label="Search in the log" onInput=${onInput}/>
    ${matches !== undefined
      ? html`<p class="faint" role="status">${matches === 1 ? "1 line has" : matches + " lines have"} it${matches > lines.length ? "; the last " + lines.length + " of them" : ""}${cut ? html`, of the last 16 MB; all: ${all}` : ""}</p>`
      : cut && html`<p class="faint">The end of it; all: ${all}</p>`}
    ${lines.length > 0 && html`<pre class="log" tabIndex="0" ref=${box} onScroll=${() => { const it = box.current; follows.current = it.scrollTop + it.clientHeight > it.scrollHeight - 20; }}>${lines.map((line) => html`<span class=${"s-" + (line[1] === "!" ? "r" : line[1])}>${line[2] + "\n"}</span>`)}</pre>`}`;
}

const mostLines = 3000, mostCharacters = 200000;

/// Said below what is not all of it; nothing where it is.
function Rest({isCut, command}) {
  return isCut ? html`<p class="faint">That is its beginning; all: <code>${command}</code></p>` : null;
}

function Patch({text}) {
  return html`<pre class="patch" tabIndex="0">${text.split("\n").slice(0, mostLines).map((line) => {
    const kind = line.startsWith("+++") || line.startsWith("---") || line.startsWith("diff ") ? "file" : line[0] === "+" ? "plus" : line[0] === "-" ? "minus" : line.startsWith("@@") ? "hunk" : "";
    return html`<span class=${kind}>${visible(line) + "\n"}</span>`;
  })}</pre>`;
}

function Diff({id, task}) {
  const got = useText("/api/runs/" + id + "/diff?task=" + encodeURIComponent(task.id), task.attempts + task.state);
  if (got.text === null) return html`<p class="faint">Reading…</p>`;
  if (!got.ok) return html`<p class="faint">No changes of it are known: it ran in the workspace itself.</p>`;
  if (!got.text) return html`<p class="faint">It changed nothing.</p>`;
  return html`<${Patch} text=${got.text}/><${Rest} isCut=${got.cut || got.text.split("\n").length > mostLines} command=${"interlock diff " + id + " " + task.id}/>`;
}

export function Output({id, name, again}) {
  const got = useText("/api/runs/" + id + "/output?name=" + encodeURIComponent(name), again);
  if (got.text === null) return html`<p class="faint">Reading…</p>`;
  if (!got.ok) return html`<p class="faint">There is none.</p>`;
  return html`<pre tabIndex="0">${visible2(got.text)}</pre><${Rest} isCut=${got.cut || got.text.length > mostCharacters} command=${"interlock output " + id + " " + name}/>`;
}
const visible2 = (text) => visibleText(text.slice(0, mostCharacters));

function Why({it, task}) {
  const got = useText("/api/runs/" + it.head.id + "/why?task=" + encodeURIComponent(task.id), task.attempts + task.state);
  const spans = [];
  for (let i = 0; i < task.spans.length; i += 3) {
    const to = task.spans[i + 2] < 0 ? elapsedOf(it) : task.spans[i + 2];
    spans.push([kinds[it.fixed.kinds[task.spans[i]]].name, task.spans[i + 1], to]);
  }
  return html`<pre tabIndex="0">${got.text === null ? "…" : visible2(got.text)}</pre>
    ${spans.length > 0 && html`<table class="spans"><thead><tr><th>what</th><th>from</th><th>took</th></tr></thead><tbody>${spans.slice(-50).map(([what, from, to], i) =>
      html`<tr key=${i}><td>${what}</td><td>${time(from)}</td><td>${time(to - from)}</td></tr>`)}</tbody></table>`}`;
}

export const said = signal("");

export function GateButtons({it, task, digest}) {
  async function answer(verb) {
    const trouble = await post("/api/runs/" + it.head.id + "/" + verb, {task, digest});
    said.value = trouble ? trouble : (verb === "approve" ? "approved " : "rejected ") + (task || "the review") + ", digest " + digest.slice(0, 12) +
      (it.head.lives ? "" : "; nobody dispatches the run: resume it");
  }
  return html`<p class="gate"><b>${task ? "Waits for your approval" : "The run waits for a review"}</b> <span class="faint">of what is shown, digest <code title=${digest}>${digest.slice(0, 12)}</code></span>
    <button class="approve" onClick=${() => answer("approve")}>Approve</button> <button onClick=${() => answer("reject")}>Reject</button></p>`;
}

const tab = signal("log");

export function Task({it, task}) {
  const tabs = {log: "Log", diff: "Changes", output: "Output", why: "Why"};
  // A command takes no message.
  if (task.prompted || task.messages) tabs.messages = task.messages ? "Messages " + task.messages[1] + "/" + task.messages[0] : "Messages";
  const shown = task.gate && tab.value === "log" && task.changed ? "diff" : tabs[tab.value] ? tab.value : "log";
  function onKey(event) {
    const step = {ArrowRight: 1, ArrowLeft: -1}[event.key], keys = Object.keys(tabs);
    if (!step) return;
    event.preventDefault();
    const next = (keys.indexOf(shown) + step + keys.length) % keys.length;
    tab.value = keys[next];
    event.currentTarget.children[next].focus();
  }
  return html`<section class="task" aria-label=${"Task " + task.id}><div class="bar"><h2>${task.id}</h2><a href=${pathTo("run", it.head.id)}>close</a></div>
    <p class="meta"><span class=${"state " + task.state}>${task.state}</span>${task.remark && ": " + task.remark}</p>
    <dl class="facts"><div><dt>agent</dt><dd>${task.agent}${task.model && ", " + task.model}</dd></div><div><dt>took</dt><dd>${task.elapsed_ms === null ? "–" : time(task.elapsed_ms)}</dd></div>
      <div><dt>tokens</dt><dd>${task.tokens}</dd></div><div><dt>cost</dt><dd>${task.cost}</dd></div><div><dt>attempts</dt><dd>${task.attempts}${task.conflicts ? ", " + task.conflicts + " met others' changes" : ""}</dd></div></dl>
    ${task.gate && html`<${GateButtons} it=${it} task=${task.id} digest=${task.gate}/>`}
    <div class="tabs" role="tablist" onKeyDown=${onKey}>${Object.entries(tabs).map(([key, name]) => html`<button key=${key} role="tab" aria-selected=${shown === key} tabIndex=${shown === key ? 0 : -1} onClick=${() => (tab.value = key)}>${name}</button>`)}</div>
    <div role="tabpanel" aria-label=${tabs[shown]}>
      ${shown === "log" && html`<${Log} id=${it.head.id} task=${task}/>`}
      ${shown === "diff" && html`<${Diff} id=${it.head.id} task=${task}/>`}
      ${shown === "output" && html`<${Output} id=${it.head.id} name=${task.id} again=${task.output || task.gate}/>`}
      ${shown === "why" && html`<${Why} it=${it} task=${task}/>`}
      ${shown === "messages" && html`<${Messages} it=${it} task=${task}/>`}
    </div></section>`;
}

