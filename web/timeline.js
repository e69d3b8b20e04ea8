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

/// `rows`: lists of [kind, from, to] in milliseconds, to null: until `now`. `range`: [from, to].
export function draw(canvas, rows, range, now, marked) {
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
    for (const [kind, from, to] of row) {
      const until = to === null ? now : to;
      if (until < begin || from > end) continue;
      if (!byKind.has(kind)) byKind.set(kind, []);
      byKind.get(kind).push([line, from, until]);
    }
  });
  for (const [kind, bars] of byKind) {
    const how = kinds[kind] || kinds.forecast;
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
  if (marked >= 0) {
    paint.setLineDash([]);
    paint.lineWidth = 1;
    paint.strokeStyle = ink("--ink");
    paint.strokeRect(0.5, marked * rowHeight + 0.5, width - 1, rowHeight - 1);
  }
}
