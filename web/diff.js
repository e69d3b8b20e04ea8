// A patch as people read it: in one column, or with what was beside what is.
import {html, signal} from "/ui.js";
import {marksOf, pairsOf, parsePatch} from "/patch.js";
import {visible} from "/state.js";

const mostLines = 3000, longestMarked = 500;
const isSplit = signal(false), narrow = signal(false);

const media = matchMedia("(max-width:40rem)");
narrow.value = media.matches;
media.addEventListener("change", () => (narrow.value = media.matches));

/// Two columns stand beside each other; on a narrow screen never.
export const standsSplit = () => isSplit.value && !narrow.value;

/// A line's text: [from, to) of it is marked, and blanks at its end are where they were added.
function textOf(row, mark) {
  const {text, kind} = row;
  const end = kind === "+" ? text.replace(/[ \t]+$/, "").length : text.length;
  const parts = [];
  const put = (from, to) => {
    if (!mark || mark[0] === mark[1] || to <= mark[0] || from >= mark[1]) return void (to > from && parts.push(visible(text.slice(from, to))));
    parts.push(visible(text.slice(from, Math.max(from, mark[0]))), html`<mark>${visible(text.slice(Math.max(from, mark[0]), Math.min(to, mark[1])))}</mark>`, visible(text.slice(Math.min(to, mark[1]), to)));
  };
  put(0, end);
  if (end < text.length) parts.push(html`<span class="blank" title="blanks at the end of the line">${visible(text.slice(end)).replaceAll(" ", "·").replaceAll("\t", "→")}</span>`);
  if (row.isOpen) parts.push(html`<em class="faint"> no line end</em>`);
  return parts;
}

const classOf = (kind) => ({"+": "plus", "-": "minus"}[kind] || "");
const wordOf = (kind) => ({"+": "added", "-": "removed"}[kind]);
/// Who does not see colours hears what happened to a line.
const sign = (row) => html`<i aria-label=${wordOf(row.kind)}>${row.kind}</i>`;
const marked = (pair) => (pair.old && pair.new && pair.old.kind === "-" && Math.max(pair.old.text.length, pair.new.text.length) <= longestMarked ? marksOf(pair.old.text, pair.new.text) : null);

function unified(hunk) {
  const made = [];
  // Removed lines stand before those that came for them; who belongs to whom is what `pairsOf` says.
  let olds = [], news = [];
  const flush = () => { made.push(...olds, ...news); olds = []; news = []; };
  const line = (row, mark) => html`<tr class=${classOf(row.kind)}><td class="at">${row.old || ""}</td><td class="at">${row.new || ""}</td><td class="text">${sign(row)}${textOf(row, mark)}</td></tr>`;
  for (const pair of pairsOf(hunk.rows)) {
    if (pair.both) {
      flush();
      made.push(line(pair.both));
      continue;
    }
    const marks = marked(pair);
    if (pair.old) olds.push(line(pair.old, marks && marks[0]));
    if (pair.new) news.push(line(pair.new, marks && marks[1]));
  }
  flush();
  return made;
}

function split(hunk) {
  const side = (row, at, mark) => (row ? html`<td class="at">${at}</td><td class=${"text " + classOf(row.kind)}>${sign(row)}${textOf(row, mark)}</td>` : html`<td class="at"></td><td class="text none"></td>`);
  return pairsOf(hunk.rows).map((pair) => {
    const before = pair.both || pair.old, after = pair.both || pair.new, marks = marked(pair);
    return html`<tr>${side(before, before && before.old, marks && marks[0])}${side(after, after && after.new, marks && marks[1])}</tr>`;
  });
}

function File({file, two}) {
  const columns = two ? 4 : 3;
  return html`<table class=${"patch " + (two ? "split" : "one")} aria-label=${"Changes of " + file.name}>
    <thead><tr>${two ? html`<th class="at">line</th><th>before</th><th class="at">line</th><th>after</th>` : html`<th class="at">before</th><th class="at">after</th><th>text</th>`}</tr></thead>
    <tbody>${file.head.length > 0 && html`<tr class="file"><td colspan=${columns}>${file.head.map((line) => visible(line)).join("\n")}</td></tr>`}
    ${file.hunks.map((hunk) => html`<tr class="hunk"><td colspan=${columns}>${visible(hunk.head)}</td></tr>${two ? split(hunk) : unified(hunk)}`)}</tbody></table>`;
}

/// The beginning of it: whoever needs more has the command.
export function Patch({text}) {
  const files = parsePatch(text.split("\n").slice(0, mostLines)), two = standsSplit();
  return html`${!narrow.value && html`<p class="how"><button aria-pressed=${two} onClick=${() => (isSplit.value = !isSplit.value)}>side by side</button></p>`}
    <div class="patches" tabIndex="0" role="region" aria-label="Changes">${files.map((file, i) => html`<${File} key=${i} file=${file} two=${two}/>`)}</div>`;
}
export const isLonger = (text) => text.split("\n").length > mostLines;
