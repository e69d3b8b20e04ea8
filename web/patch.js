// From a patch's text to its parts. No more is known here than text.

/// Of lines as `git diff` writes them, the files: `name`, `head` (lines before its hunks), and `hunks` with `head` and
/// `rows` of `{kind, text, old, new, isOpen}`: ` `, `+` or `-`, the numbers that the line has before and after, and whether
/// no line end follows it.
export function parsePatch(lines) {
  const files = [];
  let file = null, hunk = null, old = 0, next = 0, oldLeft = 0, newLeft = 0;
  for (const line of lines) {
    // As many lines as the hunk says belong to it, whatever they look like.
    if (hunk && line[0] === "\\" && hunk.rows.length) {
      hunk.rows[hunk.rows.length - 1].isOpen = true;
      continue;
    }
    if (hunk && (oldLeft > 0 || newLeft > 0) && " +-".includes(line[0] ?? " ")) {
      const kind = line[0] ?? " ", row = {kind, text: line.slice(1), old: 0, new: 0, isOpen: false};
      if (kind === " " || kind === "-") (row.old = old++, oldLeft--);
      if (kind === " " || kind === "+") (row.new = next++, newLeft--);
      hunk.rows.push(row);
      continue;
    }
    const at = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line);
    if (at && file) {
      [old, next] = [+at[1], +at[3]];
      [oldLeft, newLeft] = [+(at[2] ?? 1), +(at[4] ?? 1)];
      file.hunks.push((hunk = {head: line, rows: []}));
      continue;
    }
    hunk = null;
    if (!file || line.startsWith("diff ") || line.startsWith("# ")) {
      if (!file && !line) continue;
      files.push((file = {name: "", head: [], hunks: []}));
      file.name = (/ "?b\/(.*?)"?$/.exec(line) || [, line.replace(/^# /, "")])[1];
    }
    if (line) file.head.push(line);
  }
  return files;
}

/// The rows beside each other: `{both}`, or `{old, new}` of which one may be missing. Of lines that went and lines that came
/// for them the first stands beside the first.
export function pairsOf(rows) {
  const pairs = [];
  let olds = [], news = [];
  function flush() {
    for (let i = 0; i < Math.max(olds.length, news.length); i++) pairs.push({old: olds[i], new: news[i]});
    olds = [];
    news = [];
  }
  for (const row of rows) {
    if (row.kind === "-") {
      if (news.length) flush();
      olds.push(row);
    } else if (row.kind === "+") news.push(row);
    else {
      flush();
      pairs.push({both: row});
    }
  }
  flush();
  return pairs;
}

/// What of two lines is not the same: [[from, to), [from, to)], to whole words; nothing where they have little in common.
export function marksOf(one, other) {
  const isWord = (c) => c !== undefined && /[\p{L}\p{N}_]/u.test(c);
  const least = Math.min(one.length, other.length);
  let front = 0, back = 0;
  while (front < least && one[front] === other[front]) front++;
  while (back < least - front && one[one.length - 1 - back] === other[other.length - 1 - back]) back++;
  if (front + back < Math.max(one.length, other.length) / 4) return null;
  while (front > 0 && isWord(one[front - 1]) && (isWord(one[front]) || isWord(other[front]))) front--;
  while (back > 0 && isWord(one[one.length - back]) && (isWord(one[one.length - back - 1]) || isWord(other[other.length - back - 1]))) back--;
  return [[front, one.length - back], [front, other.length - back]];
}
