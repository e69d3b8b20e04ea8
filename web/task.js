// One task: its log as it grows, its changes, its output, why it is where it is, and its gate.
import {html, signal, useEffect, useRef} from "/ui.js";
import {Messages} from "/board.js";
import {isLonger, Patch} from "/diff.js";
import {post, readText} from "/link.js";
import {Log} from "/log.js";
import {costOf, elapsedOf, noteTab, pathTo, route, tab, time, tokensOf, visibleText} from "/state.js";
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

const mostCharacters = 200000;

/// Said below what is not all of it; nothing where it is.
function Rest({isCut, command}) {
  return isCut ? html`<p class="faint">That is its beginning; all: <code>${command}</code></p>` : null;
}

function Diff({id, task}) {
  const got = useText("/api/runs/" + id + "/diff?task=" + encodeURIComponent(task.id), task.attempts + task.state);
  if (got.text === null) return html`<p class="faint">Reading…</p>`;
  if (!got.ok) return html`<p class="faint">No changes of it are known: it ran in the workspace itself.</p>`;
  if (!got.text) return html`<p class="faint">It changed nothing.</p>`;
  return html`<${Patch} text=${got.text}/><${Rest} isCut=${got.cut || isLonger(got.text)} command=${"interlock diff " + id + " " + task.id}/>`;
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

export function Task({it, task}) {
  const tabs = {log: "Log", diff: "Changes", output: "Output", why: "Why"};
  // A command takes no message.
  if (task.prompted || task.messages) tabs.messages = task.messages ? "Messages " + task.messages[1] + "/" + task.messages[0] : "Messages";
  const shown = task.gate && tab.value === "log" && task.changed ? "diff" : tabs[tab.value] ? tab.value : "log";
  useEffect(() => noteTab(shown), [shown, task.id, route.value]);
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
      <div><dt>tokens</dt><dd>${tokensOf(task)}</dd></div><div><dt>cost</dt><dd>${costOf(task)}</dd></div><div><dt>attempts</dt><dd>${task.attempts}${task.conflicts ? ", " + task.conflicts + " met others' changes" : ""}</dd></div></dl>
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

