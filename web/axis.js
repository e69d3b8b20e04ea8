// An axis of time on which long spells in which nothing ran are short: no more is known here than numbers.

const longest = 60000;         // Shorter spells, in milliseconds, are never shortened.
const partOfShortened = 0.04;  // Of all the time that is shown to scale.

/// `steps` as `atOnce` has them, `end`: of what is shown. Answers `gaps`: [[from, to], ...] that are shortened; `place`: where a
/// moment is on the axis; `moment`: which one is at a place. Both go up with their argument, and are each other's inverse.
export function axisOf(steps, end) {
  const idle = [];
  let at = 0, busy = 0;
  for (let i = 0; i <= steps.length; i += 2) {
    const next = Math.min(i < steps.length ? steps[i] : end, end), isIdle = i === 0 || steps[i - 1] === 0;
    if (isIdle) idle.push([at, next]);
    else busy += next - at;
    at = next;
  }
  // Where nothing ran at all there is nothing to make room for.
  const most = Math.max(longest, busy / 4), gaps = busy > 0 ? idle.filter(([from, to]) => to - from > most) : [];
  const shown = gaps.reduce((left, [from, to]) => left - (to - from), end), unit = Math.max(1, shown) * partOfShortened;
  function place(moment) {
    let left = moment;
    for (const [from, to] of gaps) if (moment > from) left -= (Math.min(moment, to) - from) * (1 - unit / (to - from));
    return left;
  }
  function moment(at) {
    let past = 0;  // What gaps before it took away.
    for (const [from, to] of gaps) {
      const begin = from - past;
      if (at <= begin) break;
      if (at < begin + unit) return from + ((at - begin) * (to - from)) / unit;
      past += to - from - unit;
    }
    return at + past;
  }
  return {gaps, place, moment};
}

/// `[kind, from, to, ...]` as they lie on the axis; to below 0 stays: it goes on.
export function placed(spans, axis) {
  return axis.gaps.length ? spans.map((value, i) => (i % 3 && value >= 0 ? axis.place(value) : value)) : spans;
}
