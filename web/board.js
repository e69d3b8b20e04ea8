// The board: notes that tasks and people left for each other; and what people said to a task's agent. All of it is
// others' words: text, never markup.
import {html, signal, useEffect, useRef} from "/ui.js";
import {ask, isOver} from "/control.js";
import {readJson} from "/link.js";
import {facts, pathTo, visibleText} from "/state.js";

const openAtOnce = 20;  // A topic with no more notes is open at first.
const shownAtOnce = 200;

const clockTime = (at) => html`<time datetime=${at} title=${at}>${at.slice(11, 19)} UTC</time>`;
const standings = {open: "its attempt still works", dropped: "dropped: its attempt came to nothing"};

function Note({it, note}) {
  const author = facts.value.places.has(note.by) && !note.is_person ? html`<a href=${pathTo("run", it.head.id, note.by)}>${note.by}</a>` : html`<b>${note.by}</b>`;
  const where = [note.is_person && "a person", note.round && "round " + note.round, note.attempt > 1 && "attempt " + note.attempt].filter(Boolean).join(", ");
  return html`<li class=${"note-of " + note.standing} value=${note.number}><p class="meta">${author}${where && ", " + where}, ${clockTime(note.at)}${standings[note.standing] ? html` <em>${standings[note.standing]}</em>` : ""}</p>
    <pre>${visibleText(note.text)}</pre></li>`;
}

/// A line to write and a button; nothing is sent twice.
function Say({label, button, send}) {
  const form = useRef(), isBusy = useRef(false);
  async function submit(event) {
    event.preventDefault();
    const {text} = form.current.elements;
    if (isBusy.current || !text.value.trim()) return;
    isBusy.current = true;
    if (await send(text.value)) form.current.reset();
    isBusy.current = false;
  }
  return html`<form class="say" ref=${form} onSubmit=${submit}><label>${label} <textarea name="text" rows="2" maxlength="16384" required></textarea></label> <button>${button}</button></form>`;
}

function Topic({it, topic}) {
  const notes = useRef(signal(null)).current, trouble = useRef(signal("")).current;
  const isShown = useRef(signal(topic.posts <= openAtOnce)).current, most = useRef(signal(shownAtOnce)).current;
  useEffect(() => {
    if (!isShown.value) return;
    let over = false;
    // Many notes that come at once are asked for once.
    const timer = setTimeout(look, notes.value ? 250 : 0);
    async function look() {
      try {
        const got = [];
        for (let after = 0, more = true; more && got.length < most.value;) {
          const page = await readJson("/api/runs/" + encodeURIComponent(it.head.id) + "/board?topic=" + encodeURIComponent(topic.topic) + "&after=" + after);
          if (over) return;
          got.push(...page.posts);
          more = page.more;
          after = page.last;
        }
        notes.value = got;
        trouble.value = "";
      } catch (error) {
        if (!over) trouble.value = error.message;
      }
    }
    return () => { over = true; clearTimeout(timer); };
  }, [it.head.id, topic.topic, topic.posts, topic.open, topic.dropped, isShown.value, most.value]);
  const counts = [topic.posts === 1 ? "1 note" : topic.posts + " notes", topic.open && topic.open + " of attempts that still work", topic.dropped && topic.dropped + " dropped"].filter(Boolean).join(", ");
  const shown = notes.value ? notes.value.slice(0, most.value) : [];
  return html`<details class="topic" open=${isShown.value} onToggle=${(event) => { if (event.target === event.currentTarget) isShown.value = event.currentTarget.open; }}>
    <summary><b>${topic.topic}</b> <span class="faint">${topic.kind}: ${counts}</span></summary>
    ${trouble.value && html`<p class="bad">${trouble.value}</p>`}
    ${notes.value === null ? !trouble.value && html`<p class="faint">Reading…</p>` : shown.length ? html`<ol class="notes">${shown.map((note) => html`<${Note} key=${note.number} it=${it} note=${note}/>`)}</ol>` : html`<p class="faint">Nobody has posted anything.</p>`}
    ${notes.value && topic.posts > shown.length && html`<p><button onClick=${() => (most.value += shownAtOnce)}>more of ${topic.posts}</button></p>`}
    ${!isOver(it) && html`<${Say} label=${"a note for " + topic.topic} button="Post" send=${(text) => ask(it, "post", {topic: topic.topic, text}, "posted to " + topic.topic)}/>`}
  </details>`;
}

export function Board({it}) {
  if (!it.head.board.length) return null;
  return html`<section aria-label="Board"><h2>Board</h2>${it.head.board.map((topic) => html`<${Topic} key=${topic.topic} it=${it} topic=${topic}/>`)}</section>`;
}

/// What people said to a task's agent, and which attempt was told.
export function Messages({it, task}) {
  const list = useRef(signal(null)).current;
  const [sent, told] = task.messages || [0, 0];
  useEffect(() => {
    let over = false;
    readJson("/api/runs/" + encodeURIComponent(it.head.id) + "/messages?task=" + encodeURIComponent(task.id)).then((got) => { if (!over) list.value = got.messages; }, () => {});
    return () => { over = true; };
  }, [it.head.id, task.id, sent, told, task.state]);
  return html`${list.value === null ? html`<p class="faint">Reading…</p>` : list.value.length ? html`<ol class="notes">${list.value.map((one, i) =>
      html`<li key=${i} class="note-of"><p class="meta"><b>${one.by}</b>, ${clockTime(one.at)} <em>${one.told}</em></p><pre>${visibleText(one.text)}</pre></li>`)}</ol>`
    : html`<p class="faint">Nobody has said anything to its agent.</p>`}
    ${!isOver(it) && !["done", "failed", "skipped", "cancelled"].includes(task.state) && html`<${Say} label="a word to its agent, which its next attempt is told" button="Send" send=${(text) => ask(it, "send", {task: task.id, text}, "sent to " + task.id)}/>`}`;
}
