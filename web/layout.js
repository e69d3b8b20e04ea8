// Places the tasks of a graph in layers: no more is known here than numbers. Tasks come in an order in which
// everyone stands behind those it waits for, as plans have it.

/// `count` nodes, `edges`: [[before, after], ...] with before < after. Answers `layer` of each node, `x` (its layer)
/// and `y` (its place across, in units of a node), `layers` and `width`: how many of them.
export function layered(count, edges, sweeps = 12) {
  const layer = new Int32Array(count);
  const sorted = edges.slice().sort((a, b) => a[1] - b[1]);
  for (const [from, to] of sorted) layer[to] = Math.max(layer[to], layer[from] + 1);
  // An edge over several layers passes a place of its own in each of them.
  const layerOf = Array.from(layer), into = [], outOf = [];
  const link = (a, b) => { (outOf[a] ??= []).push(b); (into[b] ??= []).push(a); };
  for (const [from, to] of edges) {
    let last = from;
    for (let at = layer[from] + 1; at < layer[to]; at++) {
      layerOf.push(at);
      link(last, layerOf.length - 1);
      last = layerOf.length - 1;
    }
    link(last, to);
  }
  const rows = [];
  layerOf.forEach((at, node) => (rows[at] ??= []).push(node));
  const place = new Float64Array(layerOf.length);
  const number = () => rows.forEach((row) => row.forEach((node, i) => (place[node] = i)));
  number();
  const mean = (nodes, own) => (nodes && nodes.length ? nodes.reduce((sum, node) => sum + place[node], 0) / nodes.length : own);
  let best = null, fewest = Infinity;
  for (let sweep = 0; sweep <= sweeps && fewest > 0; sweep++) {
    const found = crossings(rows, outOf, place);
    if (found < fewest) {
      fewest = found;
      best = rows.map((row) => row.slice());
    }
    const down = sweep % 2 === 0;
    for (let i = down ? 1 : rows.length - 2; down ? i < rows.length : i >= 0; i += down ? 1 : -1) {
      const wish = new Map(rows[i].map((node) => [node, mean((down ? into : outOf)[node], place[node])]));
      rows[i].sort((a, b) => wish.get(a) - wish.get(b));
      rows[i].forEach((node, at) => (place[node] = at));
    }
  }
  rows.splice(0, rows.length, ...(best || rows));
  number();
  // Across, everyone is drawn to the mean of its neighbours, as far as its own neighbours in the row leave room.
  const widest = Math.max(1, ...rows.map((row) => row.length));
  rows.forEach((row) => row.forEach((node, i) => (place[node] = i + (widest - row.length) / 2)));
  for (let round = 0; round < 6; round++) {
    for (const row of round % 2 ? rows.slice().reverse() : rows) {
      const wish = row.map((node) => mean([...(into[node] || []), ...(outOf[node] || [])], place[node]));
      const low = [], high = [];
      row.forEach((_, i) => (low[i] = Math.max(wish[i], i ? low[i - 1] + 1 : -Infinity)));
      for (let i = row.length - 1; i >= 0; i--) high[i] = Math.min(wish[i], i < row.length - 1 ? high[i + 1] - 1 : Infinity);
      row.forEach((node, i) => (place[node] = (low[i] + high[i]) / 2));
    }
  }
  let least = Infinity, most = -Infinity;
  for (const row of rows) for (const node of row) {
    least = Math.min(least, place[node]);
    most = Math.max(most, place[node]);
  }
  const y = Array.from({length: count}, (_, node) => place[node] - least);
  return {layer: Array.from(layer), y, layers: rows.length, width: count ? most - least + 1 : 0, crossings: count ? fewest : 0};
}

/// How many pairs of lines between neighbouring rows cross; by a Fenwick tree.
function crossings(rows, outOf, place) {
  let sum = 0;
  for (let i = 0; i + 1 < rows.length; i++) {
    const size = rows[i + 1].length, tree = new Int32Array(size + 1);
    let seen = 0;
    for (const node of rows[i]) {
      const ends = (outOf[node] || []).map((to) => place[to]);
      for (const end of ends) {
        let below = 0;
        for (let k = end + 1; k > 0; k -= k & -k) below += tree[k];
        sum += seen - below;
      }
      for (const end of ends) {
        seen++;
        for (let k = end + 1; k <= size; k += k & -k) tree[k]++;
      }
    }
  }
  return sum;
}

/// Leaves out the edges that others imply: a before b, b before c says a before c.
export function withoutImplied(count, edges) {
  const words = (count + 31) >> 5, before = new Uint32Array(count * words), into = Array.from({length: count}, () => []);
  edges.forEach((edge) => into[edge[1]].push(edge));
  const kept = [];
  for (let to = 0; to < count; to++) {
    // The latest first: who stands before it is implied by it.
    into[to].sort((a, b) => b[0] - a[0]);
    for (const edge of into[to]) {
      const from = edge[0];
      if (before[to * words + (from >> 5)] & (1 << (from & 31))) continue;
      kept.push(edge);
      for (let i = 0; i < words; i++) before[to * words + i] |= before[from * words + i];
      before[to * words + (from >> 5)] |= 1 << (from & 31);
    }
  }
  return kept;
}

/// What the tasks of a `foreach` share in their names: `check[a.py]`, `check-3` and `check/b` are of `check`.
export function familyOf(id) {
  const found = /^(.*?)(?:\[.*\]|[-_./:]?\d+)$/.exec(id);
  return found && found[1] ? found[1] : id.includes("/") ? id.slice(0, id.indexOf("/")) : id;
}

/// Puts tasks together until at most `most` nodes are left: those of a family in one layer, then whole layers, then
/// runs of layers. Answers `groups`: lists of tasks, and the `edges` between them: [before, after, indices of edges].
/// `familyAt`: whose a task is by its place, where that is known better than by its name.
export function folded(ids, edges, most, familyAt = (task) => familyOf(ids[task])) {
  const {layer} = layers(ids.length, edges);
  const byName = [(task) => layer[task] + " " + familyAt(task), (task) => layer[task]];
  if (ids.length <= most) byName.unshift((task) => task);
  const deepest = layer.reduce((a, b) => Math.max(a, b), 0) + 1;
  byName.push((task) => Math.floor((layer[task] * most) / deepest));
  for (const nameOf of byName) {
    const places = new Map(), order = ids.map((_, task) => task).sort((a, b) => layer[a] - layer[b] || a - b), groups = [];
    const groupOf = new Int32Array(ids.length);
    for (const task of order) {
      const name = nameOf(task);
      if (!places.has(name)) {
        places.set(name, groups.length);
        groups.push([]);
      }
      groupOf[task] = places.get(name);
      groups[groupOf[task]].push(task);
    }
    if (groups.length > most && nameOf !== byName[byName.length - 1]) continue;
    const between = new Map();
    edges.forEach(([from, to], index) => {
      const a = groupOf[from], b = groupOf[to];
      if (a === b) return;
      const key = a * groups.length + b;
      if (!between.has(key)) between.set(key, [a, b, []]);
      between.get(key)[2].push(index);
    });
    return {groups, edges: [...between.values()]};
  }
}

/// The longest path to each task; whoever is in a circle, which plans refuse, stays in the first layer.
function layers(count, edges) {
  const layer = new Int32Array(count), open = new Int32Array(count), outOf = Array.from({length: count}, () => []);
  for (const [from, to] of edges) {
    outOf[from].push(to);
    open[to]++;
  }
  const free = [];
  open.forEach((left, task) => left || free.push(task));
  for (let i = 0; i < free.length; i++) {
    for (const to of outOf[free[i]]) {
      layer[to] = Math.max(layer[to], layer[free[i]] + 1);
      if (--open[to] === 0) free.push(to);
    }
  }
  return {layer};
}
