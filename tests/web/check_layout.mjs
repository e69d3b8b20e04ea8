// Holds the layout of graphs against what it promises: `node check_layout.mjs PATH/web/layout.js`.
import assert from "node:assert/strict";
import {pathToFileURL} from "node:url";
import {dirname, join, resolve} from "node:path";

const {familyOf, folded, layered, withoutImplied} = await import(pathToFileURL(resolve(process.argv[2])));
const near = (name) => pathToFileURL(join(dirname(resolve(process.argv[2])), name));
const {atOnce, cellsOf, curveOf} = await import(near("timeline.js")), {axisOf, placed} = await import(near("axis.js"));
const {marksOf, pairsOf, parsePatch} = await import(near("patch.js")), {piecesOf} = await import(near("pieces.js"));

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

// A map of all rows: what is urgent stands for its neighbours, and nothing that there is shows as nothing.
const kinds = ["needs", "succeeded", "failed"];
assert.deepEqual([...cellsOf([[0, 0, 50, 1, 50, 100]], kinds, 100, 100, 4, 1)], [12, 12, 4, 4]);
assert.deepEqual([...cellsOf([[1, 0, 100], [2, 10, 11]], kinds, 100, 100, 4, 1)], [1, 4, 4, 4], "one that failed is seen among those that did not");
assert.deepEqual([...cellsOf([[1, 99, -1]], kinds, 100, 100, 2, 1)], [0, 4], "what goes on goes on until now");
assert.deepEqual([...cellsOf([[1, 100, 100]], kinds, 100, 100, 2, 1)], [0, 4], "the shortest has a cell");
const all = cellsOf(Array.from({length: 10000}, (_, i) => [1, i, i + 1]), kinds, 10000, 10000, 320, 48);
assert.ok(Array.from({length: 48}, (_, line) => all.subarray(320 * line, 320 * (line + 1)).some((one) => one === 4)).every(Boolean), "every line has its rows");
assert.equal(cellsOf([], kinds, 1, 1, 4, 2).length, 8);
console.log("ok   draws all rows small");

// A patch: lines belong to a hunk by its counts, whatever they look like.
const patch = parsePatch(`diff --git a/x.md b/x.md
--- a/x.md
+++ b/x.md
@@ -1,4 +1,4 @@ heading
 same
--- a gone
+++ came
+diff --git is text
-last
\\ No newline at end of file
 end
diff --git a/new b/new
new file mode 100755
@@ -0,0 +1 @@
+one
diff --git a/bin b/bin
Binary files a/bin and b/bin differ
# mode of \`d\`: 755 to 700
`.split("\n"));
assert.deepEqual(patch.map(({name, head, hunks}) => [name, head.length, hunks.map(({rows}) => rows.map(({kind, old, new: next, text, isOpen}) => kind + old + "/" + next + " " + text + (isOpen ? "$" : "")))]), [
  ["x.md", 3, [[" 1/1 same", "-2/0 -- a gone", "+0/2 ++ came", "+0/3 diff --git is text", "-3/0 last$", " 4/4 end"]]],
  ["new", 2, [["+0/1 one"]]],
  ["bin", 2, []],
  ["mode of `d`: 755 to 700", 1, []],
]);
assert.deepEqual(parsePatch([""]), []);
const shown = (pairs) => pairs.map((pair) => (pair.both ? "=" + pair.both.text : (pair.old ? pair.old.text : "") + "|" + (pair.new ? pair.new.text : "")));
assert.deepEqual(shown(pairsOf(patch[0].hunks[0].rows)), ["=same", "-- a gone|++ came", "|diff --git is text", "last|", "=end"]);
// However lines come and go, both sides have all of theirs in their order.
for (let round = 0; round < 100; round++) {
  const draw = numbers(round + 7), rows = Array.from({length: 30}, (_, i) => ({kind: " +-"[Math.floor(draw.next().value * 3)], text: String(i)}));
  const pairs = pairsOf(rows), side = (key, sign) => assert.deepEqual(pairs.map((pair) => pair.both || pair[key]).filter(Boolean).map((row) => row.text), rows.filter((row) => row.kind === " " || row.kind === sign).map((row) => row.text));
  side("old", "-");
  side("new", "+");
}
assert.deepEqual(marksOf("const alpha = 1;", "const beta = 1;"), [[6, 11], [6, 10]], "whole words");
assert.deepEqual(marksOf("f(a)", "f(a, b)"), [[3, 3], [3, 6]]);
assert.equal(marksOf("all of it", "something else"), null);
for (const [one, other] of [["", ""], ["a", ""], ["same", "same"], ["aa", "aaa"], ["x y z", "x z"]]) {
  const marks = marksOf(one, other);
  if (marks) assert.equal(one.slice(0, marks[0][0]) + other.slice(...marks[1]) + one.slice(marks[0][1]), other, one + " to " + other);
}
console.log("ok   takes patches apart");

// A line in pieces: all of it, in order, whatever its looks and matches are.
assert.deepEqual(piecesOf("a red b", [2, "", 3, "bold red", 2, ""], ""), [["a ", "", false], ["red", "bold red", false], [" b", "", false]]);
assert.deepEqual(piecesOf("a red b", [2, "", 3, "red", 2, ""], "D B"), [["a ", "", false], ["re", "red", false], ["d", "red", true], [" b", "", true]]);
assert.deepEqual(piecesOf("aaa", null, "aa"), [["aa", "", true], ["a", "", false]]);
assert.deepEqual(piecesOf("\u{1f680}!", [2, "red", 1, ""], ""), [["\u{1f680}", "red", false], ["!", "", false]]);
assert.deepEqual(piecesOf("", null, "x"), []);
assert.deepEqual(piecesOf("ab", [1, "red"], "zz"), [["a", "red", false], ["b", "red", false]], "runs that are too short lose nothing");
console.log("ok   cuts lines of logs by their colours");
