// Holds the layout of graphs against what it promises: `node check_layout.mjs PATH/web/layout.js`.
import assert from "node:assert/strict";
import {pathToFileURL} from "node:url";
import {dirname, join, resolve} from "node:path";

const {familyOf, folded, layered, withoutImplied} = await import(pathToFileURL(resolve(process.argv[2])));
const near = (name) => pathToFileURL(join(dirname(resolve(process.argv[2])), name));
const {atOnce, curveOf} = await import(near("timeline.js")), {axisOf, placed} = await import(near("axis.js"));

/// The same numbers each time.
function* numbers(seed) {
  for (;;) yield (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
}

const diamond = [[0, 1], [0, 2], [1, 3], [2, 3]];
assert.deepEqual(layered(4, diamond).layer, [0, 1, 1, 2]);
assert.equal(layered(4, diamond).crossings, 0);
assert.deepEqual(withoutImplied(4, [...diamond, [0, 3]]).sort(), diamond.slice().sort());
assert.deepEqual(layered(0, []).layers, 0);
// Two pairs that cross as they stand need not.
assert.equal(layered(4, [[0, 3], [1, 2]]).crossings, 0);
for (const [id, family] of [["check[a.py]", "check"], ["note-3", "note"], ["a/b", "a"], ["x", "x"], ["12", "12"]]) assert.equal(familyOf(id), family, id);

for (let round = 0; round < 200; round++) {
  const draw = numbers(round + 1), next = () => draw.next().value, count = 2 + Math.floor(next() * 40), edges = [];
  for (let to = 1; to < count; to++) for (let from = 0; from < to; from++) if (next() < 0.1) edges.push([from, to]);
  const {layer, y, layers, width} = layered(count, edges);
  for (const [from, to] of edges) assert.ok(layer[from] < layer[to], "an edge goes forward");
  for (let a = 0; a < count; a++) {
    assert.ok(y[a] >= 0 && y[a] <= width && layer[a] < layers);
    for (let b = 0; b < a; b++) assert.ok(layer[a] !== layer[b] || Math.abs(y[a] - y[b]) > 0.999, "no node on another");
  }
  // What is left out is implied by what is kept, and nothing kept is implied by the rest.
  const kept = withoutImplied(count, edges);
  const reaches = (list, from, to) => {
    const seen = new Set([from]), open = [from];
    while (open.length) {
      const at = open.pop();
      if (at === to) return true;
      for (const [a, b] of list) if (a === at && !seen.has(b)) seen.add(b), open.push(b);
    }
    return false;
  };
  for (const [from, to] of edges) assert.ok(reaches(kept, from, to));
  for (const edge of kept) assert.ok(!reaches(kept.filter((one) => one !== edge), edge[0], edge[1]));
}

// However plans name and order their tasks, no more than asked for are left, and no edge between them is lost.
for (const [count, most] of [[5, 120], [1000, 120], [10000, 120], [500, 3]]) {
  const ids = Array.from({length: count}, (_, i) => (i % 2 ? "part-" + i : "other " + "abcdefgh"[i % 8] + i));
  const edges = Array.from({length: count - 1}, (_, i) => [i + 1, Math.floor(i / 2)]);  // Backwards as plans may have it.
  const {groups, edges: between} = folded(ids, edges, most);
  assert.ok(groups.length <= most, groups.length + " of " + most);
  assert.equal(groups.flat().length, count);
  const groupOf = new Map(groups.flatMap((group, at) => group.map((task) => [task, at])));
  assert.equal(between.flatMap(([, , list]) => list).length, edges.filter(([from, to]) => groupOf.get(from) !== groupOf.get(to)).length);
  for (const [from, to] of between) assert.ok(from < to);
}
console.log("ok   lays graphs out");

// Attempts at once: waits are none, one that ends where another begins is not beside it, and what goes on has no end.
const steps = atOnce([{spans: [0, 0, 3, 8, 3, 10, 8, 20, 30]}, {spans: [8, 5, 20]}, {spans: [11, 27, -1]}], (kind) => kind >= 8);
assert.deepEqual(steps, [3, 1, 5, 2, 10, 1, 20, 1, 27, 2, 30, 1]);
assert.deepEqual(atOnce([], () => true), []);
// Each point shows the most that went on in its part of the axis, and nothing is drawn of what is still to come.
assert.equal(curveOf(steps, [0, 40], 35, 2, 8), "M0 100V50.0H125.0V0.0H250.0V50.0H375.0V50.0H500.0V50.0H625.0V0.0H750.0V50.0H875.0V100");
assert.equal(curveOf(steps, [28, 29], 35, 2, 2), "M0 100V0.0H500.0V0.0H1000.0V100");
assert.equal(curveOf([], [0, 10], 10, 1, 1), "M0 100V100.0H1000.0V100");
console.log("ok   counts attempts that go on at once");

// A night at a gate is short on the axis; what is to scale stays so, and each place is one moment.
const hour = 3600000, night = axisOf([0, 1, 10000, 0, 8 * hour, 2, 8 * hour + 10000, 0], 8 * hour + 20000);
assert.deepEqual(night.gaps, [[10000, 8 * hour]]);
assert.equal(night.place(5000), 5000);
assert.ok(Math.abs(night.place(8 * hour + 20000) - (30000 + 0.04 * 30000)) < 1e-6, "two spells of work, what came after, and the gap");
assert.equal(Math.round(night.place(8 * hour + 6000) - night.place(8 * hour)), 6000);
for (let moment = 0, last = -1; moment <= 8 * hour + 20000; moment += 97000) {
  assert.ok(night.place(moment) > last, "later is further");
  assert.ok(Math.abs(night.moment(night.place(moment)) - moment) < 1e-3 * (1 + moment / 1000));
  last = night.place(moment);
}
assert.deepEqual(placed([7, 0, 10000, 11, 8 * hour, -1], night).map(Math.round), [7, 0, 10000, 11, Math.round(night.place(8 * hour)), -1]);
// Short spells, and what is not known to be over, are left as they are.
assert.deepEqual(axisOf([5000, 1, 30000, 0, 50000, 1], 90000).gaps, []);
assert.deepEqual(axisOf([], 10 * hour).gaps, []);
assert.deepEqual(axisOf([0, 1], 10 * hour).gaps, []);
console.log("ok   shortens long spells in which nothing ran");
