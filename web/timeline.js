// Draws rows of bars on a canvas: attempts thick, waits thin, each reason with dashes of its own.

export const kinds = {
  needs: {name: "waits: needs", ink: "--needs", width: 2, dash: [1, 3]},
  conflict: {name: "waits: conflict", ink: "--conflict", width: 3, dash: [5, 2]},
  slot: {name: "waits: slot", ink: "--slot", width: 2, dash: []},
  quota: {name: "waits: quota", ink: "--quota", width: 4, dash: [2, 2]},
  gate: {name: "waits: gate", ink: "--gate", width: 3, dash: [9, 3]},
  "back-off": {name: "waits: back-off", ink: "--backoff", width: 3, dash: [1, 2]},
  turn: {name: "waits: turn to commit", ink: "--turn", width: 2, dash: [9, 2, 2, 2]},
  waiting: {name: "still waits", ink: "--faint", width: 2, dash: [2, 5]},
  succeeded: {name: "succeeded", ink: "--work", width: 12, dash: []},
  failed: {name: "failed", ink: "--failed", width: 12, dash: [3, 1]},
  redone: {name: "done again", ink: "--redone", width: 6, dash: []},
  running: {name: "running", ink: "--running", width: 12, dash: [6, 1]},
  forecast: {name: "foretold", ink: "--faint", width: 10, dash: []},
};

export const rowHeight = 24;

/// Calls `visit` with kind, begin and end of each span of [kind, from, to, ...]; to below 0: until `now`.
function each(spans, now, visit) {
  for (let i = 0; i < spans.length; i += 3) visit(spans[i], spans[i + 1], spans[i + 2] < 0 ? now : spans[i + 2]);
}

/// The span at a part (0..1) of the width, or one that is at most three pixels away: [kind, from, to].
export function spanAt(spans, range, now, part, width) {
  const at = range[0] + (range[1] - range[0]) * part, near = (3 * (range[1] - range[0])) / width;
  let found = null, least = near;
  each(spans, now, (kind, from, to) => {
    const away = at < from ? from - at : at > to ? at - to : -1;
    if (away <= least) {
      least = away;
      found = [kind, from, to];
    }
  });
  return found;
}

/// How many attempts go on at once: `[moment, number, ...]`, each until the next one.
export function atOnce(tasks, isAttempt) {
  const begun = [], over = [];
  for (const {spans} of tasks) each(spans, Infinity, (kind, from, to) => {
    if (!isAttempt(kind)) return;
    begun.push(from);
    over.push(to);
  });
  const starts = Float64Array.from(begun).sort(), ends = Float64Array.from(over).sort(), steps = [];
  for (let i = 0, j = 0; i < starts.length || ends[j] < Infinity;) {
    const at = Math.min(i < starts.length ? starts[i] : Infinity, ends[j]);
    while (starts[i] <= at) i++;
    while (ends[j] <= at) j++;
    steps.push(at, i - j);
  }
  return steps;
}

/// The steps as a line over a part of the axis, 1000 wide and 100 high where there are `most`; above what is between
/// two of its points is never more than it shows.
export function curveOf(steps, range, now, most, points = 400) {
  const [begin, end] = range, width = (end - begin) / points;
  let at = 0, line = "M0 100", last = 0;
  for (let point = 0; point < points; point++) {
    const from = begin + point * width, to = from + width;
    if (from >= now) break;
    while (at + 2 < steps.length && steps[at + 2] <= from) at += 2;
    let high = steps.length && steps[at] <= from ? steps[at + 1] : 0;
    for (let next = at; next < steps.length && steps[next] < to; next += 2) if (steps[next] >= from) high = Math.max(high, steps[next + 1]);
    last = (1000 * Math.min(to, now) - 1000 * begin) / (end - begin);
    line += "V" + (100 - (100 * high) / most).toFixed(1) + "H" + last.toFixed(1);
  }
  return line + "V100";
}

/// Whatever is most worth to be seen stands for its neighbours where there is no room for all.
const urgent = ["failed", "running", "redone", "succeeded", "forecast", "gate", "conflict", "quota", "back-off", "turn", "slot", "needs", "waiting"];

/// All rows in few cells: `lines` of `columns`, of each the place in `urgent` of the first kind that is in it, plus 1; 0: nothing
/// is. `spans`: of each row; `end`: of the axis; `names` of the kinds that are numbers.
export function cellsOf(spans, names, end, now, columns, lines) {
  const cells = new Uint8Array(columns * lines), ranks = new Map();
  const rankOf = (kind) => {
    if (!ranks.has(kind)) ranks.set(kind, 1 + urgent.indexOf(typeof kind === "string" ? kind : names[kind]));
    return ranks.get(kind);
  };
  const scale = columns / Math.max(1, end);
  spans.forEach((own, row) => {
    const line = Math.floor((row * lines) / spans.length) * columns;
    each(own, now, (kind, from, to) => {
      const rank = rankOf(kind), last = Math.min(columns - 1, Math.ceil(to * scale) - 1);
      for (let cell = Math.max(0, Math.min(columns - 1, Math.floor(from * scale))), first = true; first || cell <= last; cell++, first = false) {
        const old = cells[line + cell];
        if (rank && (!old || rank < old)) cells[line + cell] = rank;
      }
    });
  });
  return cells;
}

/// Draws `cells` over the whole of a canvas.
export function drawCells(canvas, cells, columns, lines) {
  const scale = window.devicePixelRatio || 1, box = canvas.getBoundingClientRect();
  canvas.width = Math.max(1, Math.round(box.width * scale));
  canvas.height = Math.max(1, Math.round(box.height * scale));
  const paint = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
  const width = canvas.width / columns, height = canvas.height / lines;
  const inks = urgent.map((kind) => style.getPropertyValue(kinds[kind].ink));
  for (let line = 0; line < lines; line++) {
    for (let from = 0, to; from < columns; from = to) {
      const rank = cells[line * columns + from];
      for (to = from + 1; to < columns && cells[line * columns + to] === rank; to++);
      if (!rank) continue;
      // What only waits is paler: a line of it is as high as one of work, for there is no room for less.
      paint.globalAlpha = kinds[urgent[rank - 1]].width > 5 ? 1 : 0.3;
      paint.fillStyle = inks[rank - 1];
      paint.fillRect(from * width, line * height, (to - from) * width, height);
    }
  }
}

/// `rows`: {spans, ghost, critical}, in milliseconds; `names`: of the kinds that are numbers. `range`: [from, to].
export function draw(canvas, rows, names, range, now, marked) {
  const box = canvas.getBoundingClientRect();
  const scale = window.devicePixelRatio || 1;
  const width = Math.max(1, box.width), height = rows.length * rowHeight;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const paint = canvas.getContext("2d");
  paint.setTransform(scale, 0, 0, scale, 0, 0);
  paint.clearRect(0, 0, width, height);
  const style = getComputedStyle(document.documentElement);
  const ink = (name) => style.getPropertyValue(name);
  const [begin, end] = range;
  const place = (ms) => ((ms - begin) / Math.max(1, end - begin)) * width;
  paint.strokeStyle = ink("--line");
  paint.lineWidth = 1;
  paint.setLineDash([]);
  for (let quarter = 1; quarter < 4; quarter++) {
    const x = Math.round((width * quarter) / 4) + 0.5;
    paint.beginPath();
    paint.moveTo(x, 0);
    paint.lineTo(x, height);
    paint.stroke();
  }
  // One pass a kind: changing colours is what takes time.
  const byKind = new Map();
  rows.forEach((row, line) => {
    each(row.spans, now, (kind, from, to) => {
      if (to < begin || from > end) return;
      if (!byKind.has(kind)) byKind.set(kind, []);
      byKind.get(kind).push([line, from, to]);
    });
  });
  for (const [kind, bars] of byKind) {
    const how = kinds[typeof kind === "string" ? kind : names[kind]] || kinds.forecast;
    paint.strokeStyle = ink(how.ink);
    paint.lineWidth = how.width;
    paint.setLineDash(how.dash);
    paint.beginPath();
    for (const [line, from, to] of bars) {
      const y = line * rowHeight + rowHeight / 2;
      const x = Math.max(0, place(from));
      paint.moveTo(x, y);
      paint.lineTo(Math.max(x + (how.width > 5 ? 2 : 0), Math.min(width, place(to))), y);
    }
    paint.stroke();
  }
  paint.setLineDash([]);
  paint.lineWidth = 2;
  paint.strokeStyle = ink("--ink");
  paint.beginPath();
  rows.forEach((row, line) => {
    if (!row.critical) return;
    const y = line * rowHeight + rowHeight - 2;
    each(row.spans, now, (kind, from, to) => {
      if (to < begin || from > end) return;
      paint.moveTo(Math.max(0, place(from)), y);
      paint.lineTo(Math.min(width, Math.max(place(to), place(from) + 2)), y);
    });
  });
  paint.stroke();
  paint.lineWidth = 1;
  paint.strokeStyle = ink("--faint");
  rows.forEach((row, line) => {
    if (!row.ghost || row.ghost[1] < begin || row.ghost[0] > end) return;
    const x = place(row.ghost[0]);
    paint.strokeRect(x + 0.5, line * rowHeight + 4.5, Math.max(2, place(row.ghost[1]) - x), rowHeight - 9);
  });
  if (marked >= 0) {
    paint.strokeStyle = ink("--ink");
    paint.strokeRect(0.5, marked * rowHeight + 0.5, width - 1, rowHeight - 1);
  }
}
