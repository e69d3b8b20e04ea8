// A task's log as it grows, in the colours that its agent printed it in, with what is looked for marked.
import {html, signal, useEffect, useRef} from "/ui.js";
import {readJson} from "/link.js";
import {piecesOf} from "/pieces.js";
import {run} from "/state.js";

/// Colours come as names of classes; all else is text.
function textOf([, , text, runs], words) {
  if (!runs && !words) return text + "\n";
  return [...piecesOf(text, runs, words).map(([part, classes, isMatch]) => (isMatch ? html`<mark class=${classes}>${part}</mark>` : classes ? html`<span class=${classes}>${part}</span>` : part)), "\n"];
}

export function Log({id, task}) {
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
    ${lines.length > 0 && html`<pre class="log" tabIndex="0" ref=${box} onScroll=${() => { const it = box.current; follows.current = it.scrollTop + it.clientHeight > it.scrollHeight - 20; }}>${lines.map((line) => html`<span class=${"s-" + (line[1] === "!" ? "r" : line[1])}>${textOf(line, words.value)}</span>`)}</pre>`}`;
}
