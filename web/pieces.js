// A line of a log in pieces of one look each. No more is known here than text.

const lower = (text) => text.replace(/[A-Z]/g, (c) => c.toLowerCase());

/// `runs`: [length, classes, ...] of all of `text`, or nothing. Answers [text, classes, isMatch] each; what has `words` is a
/// match, upper and lower case of ASCII alike, whatever colours stand within it.
export function piecesOf(text, runs, words) {
  const cuts = new Set([0, text.length]), matches = [];
  const styles = [];
  let at = 0;
  for (let i = 0; runs && i < runs.length && at < text.length; i += 2) {
    styles.push([at, runs[i + 1]]);
    at += runs[i];
    cuts.add(Math.min(at, text.length));
  }
  const all = lower(text), some = words ? lower(words) : "";
  for (let from = some ? all.indexOf(some) : -1; from >= 0; from = all.indexOf(some, from + some.length)) {
    matches.push([from, from + some.length]);
    cuts.add(from).add(from + some.length);
  }
  const ends = [...cuts].sort((a, b) => a - b), pieces = [];
  let style = 0, match = 0;
  for (let i = 0; i + 1 < ends.length; i++) {
    const from = ends[i];
    while (style + 1 < styles.length && styles[style + 1][0] <= from) style++;
    while (match < matches.length && matches[match][1] <= from) match++;
    pieces.push([text.slice(from, ends[i + 1]), styles.length ? styles[style][1] : "", match < matches.length && matches[match][0] <= from]);
  }
  return pieces;
}
