"""Plans, and everything that grows with them."""
import json, os, statistics

from charts import beyond, points_as_text
from measured import Aim, Measure


def layered(n, width=1000):
    """Each task reads what two of the layer before it write."""
    for i in range(n):
        layer, at = divmod(i, width)
        yield i, [] if layer == 0 else [i - width, (layer - 1) * width + (at + 1) % width]


def write_layered(b, n, width=1000):
    """Line by line: what this process holds would count as its children's memory."""
    def path(i): return f'f/{i // 1000}/{i}'
    with open(os.path.join(b.work, f'layered-{n}.json'), 'w') as plan, open(os.path.join(b.work, f'layered-{n}.ninja'), 'w') as rules:
        plan.write('{"interlock": 1, "tasks": [\n')
        rules.write('rule run\n  command = true\n')
        for i, of in layered(n, width):
            task = {'id': f't{i}', 'run': ['true'], 'reads': [path(j) for j in of], 'writes': [path(i)]}
            plan.write(('' if i == 0 else ',\n') + json.dumps(task))
            rules.write(f'build {path(i)}: run {" ".join(path(j) for j in of)}\n')
        plan.write('\n]}\n')


def plan(b):
    """a layered graph with two inputs a task, as text and as JSON, beside `ninja -n` of the same graph; then ten times as large"""
    for n, rounds, seconds, memory in ((b.size(100_000), None, .2, 600), (b.size(1_000_000), 1, 2, 300)):
        write_layered(b, n)
        b.compare(f'plan of {n} tasks', [
            ('ninja -n', 'ninja', lambda: b.run(['ninja', '-n', '-f', f'layered-{n}.ninja'])),
            ('interlock plan', None, lambda: b.interlock('plan', f'layered-{n}.json')),
            ('interlock plan --json', None, lambda: b.interlock('plan', f'layered-{n}.json', '--json'))], unit=n, rounds=rounds,
            aims=[Aim('interlock plan', 'cpu', 'median', 'at most', seconds, f'at most {seconds} s'),
                  Aim('interlock plan', 'memory', 'each', 'at most', memory, f'at most {memory} bytes a task')])


def growth(b):
    """processor time of each core operation against size, beside n log n: `plan` from outside, the others by `operations_bench`"""
    points = {}
    for n in [b.size(n) for n in (1000, 3000, 10_000, 30_000, 100_000)]:
        # Ten layers, so that all sizes have as many edges a task.
        write_layered(b, n, max(n // 10, 2))
        runs = [b.interlock('plan', f'layered-{n}.json', '--effort', '0s') for _ in range(b.rounds)]
        points.setdefault('plan', []).append({'size': n, 'cpu': statistics.median(run['cpu'] for run in runs),
                                              'memory': statistics.median(run['memory'] for run in runs)})
    for line in b.program('operations_bench', b.part, b.rounds):
        points.setdefault(line['operation'], []).append({'size': line['size'], 'cpu': statistics.median(line['cpu']), 'elapsed': statistics.median(line['elapsed'])})
    aims = []
    for name, of in points.items():
        if (share := beyond(of)) is not None: aims.append(aim_of(name, 'nothing over n log n', share, 1.2))
    if 'commit' in points:
        most = points['commit'][-1]
        aims.append(aim_of('commit', f'at most 0.5 ms each, {most["size"]} of them', 1000 * most['elapsed'] / most['size'], .5))
    b.rows.append({'row': 'growth', 'title': 'growth', 'points': points, 'contenders': [], 'measures': [], 'unit': 1, 'aims': aims})
    print('\n' + points_as_text(points))
    for aim in aims: print(f'{aim["contender"]}, {aim["words"]}: {aim["measured"]:.3g}, {"met" if aim["met"] else "not met"}')


def aim_of(name, words, measured, bound):
    return {'contender': name, 'words': words, 'measured': measured, 'sense': 'at most', 'bound': bound, 'met': measured <= bound}


def orders(b):
    """orders of PSPLIB beside the best known schedules, and what they are worth when durations are wrong by a factor of two"""
    beyond = [Measure(key, heading, '', digits=2) for key, heading in (('critical_path', 'critical path %'), ('improved', 'improved %'), ('worst', 'worst %'),
                                                                       ('orders', 'orders tried'))]
    for ms, every, bounds in ((100, 5, {'j30': 1, 'j60': 2, 'j120': 5}), (1000, 40, {'j30': .1, 'j60': 1, 'j120': 3})):
        samples = {}
        for line in b.program('schedule_bench', b.options.psplib, max(int(ms * b.part), 1), max(int(every / b.part), 1)):
            samples.setdefault(line['set'], []).append(line)
        if not samples: return b.leave_out('orders of PSPLIB', f'no instances in `{b.options.psplib}`, or no program')
        b.add(f'over the best known schedule, after {ms} ms of processor time for each', samples, beyond,
              aims=[Aim(name, 'improved', 'median', 'at most', bound, f'at most {bound} %') for name, bound in bounds.items()])


def noise(b):
    """what a better order is worth when durations are wrong by a factor of two, beside exact ones"""
    samples = {}
    for line in b.program('noise_bench', b.options.psplib, max(int(20 / b.part), 1), max(int(10 * b.part), 2)):
        samples.setdefault(f'{line["set"]}, {line["effort_ms"]} ms', []).append(line)
    if not samples: return
    gains = [Measure(key, heading, '', digits=2) for key, heading in (('exact', 'as estimated %'), ('wrong', 'off by two %'), ('chosen', 'taken where it pays %'),
                                                                    ('spread', 'sd of worlds %'))]
    b.add('what an improved order saves of the critical path order', samples, gains)
