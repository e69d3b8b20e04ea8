"""Growth against size as text and SVG."""
import math

COLORS = ('#06c', '#c40', '#080', '#a0a', '#a60', '#088', '#444', '#c06')


def beyond(points):
    """How much more the largest took than n log n lets one expect of the smallest that took long enough to be measured."""
    counted = [point for point in points if point['cpu'] >= .002] or points
    first, last = counted[0], counted[-1]
    if first is last or first['cpu'] <= 0: return None
    expected = first['cpu'] * last['size'] * math.log(last['size']) / (first['size'] * math.log(first['size']))
    return last['cpu'] / expected


def points_as_text(points):
    text = ['growth: microseconds of processor time for each, and how much of n log n the largest took']
    for name, of in points.items():
        cells = '  '.join(f'{point["size"]}: {1e6 * point["cpu"] / point["size"]:.2f}' for point in of)
        share = beyond(of)
        text.append(f'{name:<12}{cells}   {"—" if share is None else f"{share:.2f}"} of n log n')
    return '\n'.join(text)


def growth_chart(points):
    """Microseconds an item against size, both logarithmic; the thin lines are what n log n would be from each first point on."""
    width, height, edge, legend = 760, 440, 60, 130
    everything = [point for of in points.values() for point in of if point['cpu'] > 0]
    if not everything: return ''
    sizes = sorted({point['size'] for point in everything})
    each = [1e6 * point['cpu'] / point['size'] for point in everything]
    left, right = math.log(sizes[0]), math.log(max(sizes[-1], sizes[0] + 1))
    low, high = math.log(min(each) / 1.5), math.log(max(each) * 1.5)

    def at(size, value):
        return (edge + (math.log(size) - left) / (right - left) * (width - 2 * edge - legend),
                height - edge - (math.log(value) - low) / (high - low) * (height - 2 * edge))

    def line(of, style): return f'<polyline fill="none" {style} points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in of)}"/>'
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
             f'<rect width="{width}" height="{height}" fill="#fff"/>',
             f'<text x="{edge}" y="22">microseconds of processor time for each, by how many there are (thin: n log n)</text>']
    for power in range(math.floor(low / math.log(10)), math.ceil(high / math.log(10)) + 1):
        y = at(sizes[0], 10.0 ** power)[1]
        if edge <= y <= height - edge:
            lines.append(f'<line x1="{edge}" x2="{width - edge - legend}" y1="{y:.1f}" y2="{y:.1f}" stroke="#eee"/>'
                         f'<text x="{edge - 6}" y="{y + 4:.1f}" text-anchor="end">{10.0 ** power:g}</text>')
    for size in sizes: lines.append(f'<text x="{at(size, math.exp(low))[0]:.1f}" y="{height - edge + 20}" text-anchor="middle" font-size="10">{size}</text>')
    ends = []
    for color, (name, of) in zip(COLORS, points.items()):
        of = [point for point in of if point['cpu'] > 0]
        if not of: continue
        values = [(point['size'], 1e6 * point['cpu'] / point['size']) for point in of]
        first = values[0]
        lines.append(line([at(size, first[1] * math.log(size) / math.log(first[0])) for size, _ in values], f'stroke="{color}" stroke-opacity=".3"'))
        lines.append(line([at(*value) for value in values], f'stroke="{color}" stroke-width="2"'))
        lines += [f'<circle cx="{at(*value)[0]:.1f}" cy="{at(*value)[1]:.1f}" r="2.5" fill="{color}"/>' for value in values]
        ends.append([at(*values[-1])[1], name, color])
    ends.sort()
    for above, below in zip(ends, ends[1:]): below[0] = max(below[0], above[0] + 14)
    lines += [f'<text x="{width - edge - legend + 8}" y="{y + 4:.1f}" fill="{color}">{name}</text>' for y, name, color in ends]
    return '\n'.join(lines + ['</svg>', ''])
