// All tasks at once, small, with a frame around what is shown of them; there are more than fit, or the time is zoomed.
// Whoever has no pointer moves the frame by the keys of the list.
import {html, useEffect, useRef} from "/ui.js";
import {cellsOf, drawCells} from "/timeline.js";

const columns = 320, mostLines = 48, manyRows = 1000;
const dark = matchMedia("(prefers-color-scheme: dark)");

/// `spansOf(row)`: as they lie on the axis, of which `whole` is the length and `range` what is shown; `view`: [first, last) row
/// that is shown; `pick(time, row)`: parts of all, from 0 to 1, that are to be in the middle.
export function Minimap({rows, spansOf, names, whole, now, range, view, what, pick}) {
  const canvas = useRef(), drawn = useRef({at: 0, of: []}), timer = useRef(0), latest = useRef();
  latest.current = () => {
    const lines = Math.max(1, Math.min(rows.length, mostLines));
    drawn.current.at = performance.now();
    drawCells(canvas.current, cellsOf(rows.map(spansOf), names, whole, now, columns, lines), columns, lines);
  };
  useEffect(() => {
    const of = [rows, what, whole, dark.matches, canvas.current.clientWidth];
    if (timer.current || of.every((one, i) => one === drawn.current.of[i])) return;
    drawn.current.of = of;
    // Many are not drawn anew for each that changes.
    const wait = Math.max(0, drawn.current.at + (rows.length > manyRows ? 1000 : 100) - performance.now());
    timer.current = setTimeout(() => {
      timer.current = 0;
      if (canvas.current) latest.current();
    }, drawn.current.at ? wait : 0);
  });
  useEffect(() => () => clearTimeout(timer.current), []);
  function onPointer(event) {
    if (event.type === "pointermove" && !event.buttons) return;
    const box = canvas.current.getBoundingClientRect();
    event.preventDefault();
    pick((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  }
  const [left, right] = range.map((at) => Math.max(0, Math.min(1000, (1000 * at) / whole)));
  const [top, bottom] = view.map((row) => (100 * row) / Math.max(1, rows.length));
  return html`<div class="map" aria-hidden="true"><canvas ref=${canvas} onPointerDown=${onPointer} onPointerMove=${onPointer}></canvas>
    <svg viewBox="0 0 1000 100" preserveAspectRatio="none"><path class="out" fill-rule="evenodd" d=${`M0 0H1000V100H0ZM${left} ${top}H${right}V${bottom}H${left}Z`}/><path class="frame" d=${`M${left} ${top}H${right}V${bottom}H${left}Z`}/></svg></div>`;
}
