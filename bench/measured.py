"""A bench: runs contenders in turns, keeps medians, spreads and ratios, and shows them as text, JSON and Markdown."""
import json, os, resource, shutil, statistics, subprocess, tempfile, threading, time
from dataclasses import dataclass

from charts import beyond


@dataclass(frozen=True)
class Measure:
    """`better` of two values: 'less', 'more', or '' where a ratio says nothing. Shown as value * scale in `unit`."""
    key: str
    heading: str
    better: str = 'less'
    scale: float = 1
    digits: int = 3


TIME = Measure('time', 'time s')
CPU = Measure('cpu', 'cpu s')
MEMORY = Measure('memory', 'largest MB', scale=1e-6, digits=0)
MACHINE = Measure('machine', 'machine MB', scale=1e-6, digits=0)
OF_A_PROGRAM = (TIME, CPU, MEMORY)


class MachineMemory:
    """How much less memory the machine has to give while something runs, at most: all processes and the kernel's share together."""
    def __init__(self):
        self.before, self.least, self.over = self.available(), self.available(), threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    @staticmethod
    def available():
        with open('/proc/meminfo') as file:
            for line in file:
                if line.startswith('MemAvailable:'): return int(line.split()[1]) * 1024
        return 0

    def watch(self):
        while not self.over.wait(.1): self.least = min(self.least, self.available())

    def end(self):
        self.over.set()
        self.thread.join()
        return max(self.before - self.least, 0)


class Bench:
    def __init__(self, options):
        self.options, self.binary, self.part, self.rounds = options, os.path.abspath(options.binary), options.part, options.rounds
        self.rows, self.left_out, self.key = [], [], ''
        self.root = tempfile.mkdtemp(prefix='interlock-peers-')
        self.work = os.path.join(self.root, 'work')
        os.mkdir(self.work)
        self.env = {'PATH': os.environ['PATH'], 'HOME': self.root, 'XDG_STATE_HOME': os.path.join(self.root, 'state'), 'THE_KEY': 'sk-made-up',
                    'GIT_AUTHOR_NAME': 'a', 'GIT_AUTHOR_EMAIL': 'a@b', 'GIT_COMMITTER_NAME': 'a', 'GIT_COMMITTER_EMAIL': 'a@b'}

    def size(self, whole, least=10):
        return max(int(whole * self.part), least)

    def leave_out(self, what, why):
        print(f'\n{what}: {why}: left out', flush=True)
        self.left_out.append({'row': self.key, 'what': what, 'why': why})

    def write(self, name, text):
        path = os.path.join(self.work, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w') as file: file.write(text)
        return path

    def run(self, command, env={}, codes=(0,), machine=False):
        """Elapsed and processor seconds with all children, peak bytes; with `machine` those of all that runs meanwhile as well."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
            memory = MachineMemory() if machine else None
            begun = time.monotonic()
            child = subprocess.Popen(command, cwd=self.work, env={**self.env, **env}, stdin=subprocess.DEVNULL, stdout=out, stderr=errors)
            _, status, usage = os.wait4(child.pid, 0)
            took = time.monotonic() - begun
            child.returncode = os.waitstatus_to_exitcode(status)
            seen = {'time': took, 'cpu': usage.ru_utime + usage.ru_stime, 'memory': usage.ru_maxrss * 1024}
            if memory: seen['machine'] = memory.end()
            if child.returncode not in codes:
                errors.seek(0)
                out.seek(0)
                raise SystemExit(f'{" ".join(command)[:200]}: exit {child.returncode}\n{out.read()[-500:].decode(errors="replace")}'
                                 f'{errors.read()[-1500:].decode(errors="replace")}')
        return seen

    def interlock(self, *arguments, codes=(0,), machine=False, **env):
        return self.run([self.binary, *arguments], env, codes, machine)

    def plan(self, name, tasks, **more):
        return self.write(name, json.dumps({'interlock': 1, **more, 'tasks': tasks}))

    def program(self, name, *arguments):
        """Lines of JSON that one of our own measuring programs prints; nothing where it was not built."""
        folder = self.options.programs
        path = os.path.join(os.path.abspath(folder), name) if folder else ''
        if not os.access(path, os.X_OK):
            self.leave_out(name, 'not built (--programs FOLDER names where it lies)')
            return []
        done = subprocess.run([path, '--json', *map(str, arguments)], cwd=self.work, env=self.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, text=True)
        if done.returncode != 0: raise SystemExit(f'{name}: exit {done.returncode}')
        return [json.loads(line) for line in done.stdout.splitlines()]

    def endpoint(self, script):
        return Endpoint(self, script) if self.options.endpoint else None

    def compare(self, title, contenders, measures=OF_A_PROGRAM, unit=1, rounds=None, aims=()):
        """`contenders`: (name, a program that has to be installed or None, what runs it). The first is the reference."""
        samples = {}
        for name, program, _ in contenders:
            if program and not shutil.which(program): self.leave_out(f'{title}, {name}', f'`{program}` is not installed')
            else: samples[name] = []
        for _ in range(rounds or self.rounds):
            for name, _, go in contenders:
                if name in samples: samples[name].append(go())
        self.add(title, samples, measures, unit, aims)

    def add(self, title, samples, measures=OF_A_PROGRAM, unit=1, aims=()):
        """`samples`: by contender a list of what was measured, a dictionary each time."""
        row = {'row': self.key, 'title': title, 'contenders': [], 'measures': [measure.__dict__ for measure in measures], 'unit': unit}
        first = {}
        for name, seen in samples.items():
            it = {'name': name}
            for measure in measures:
                values = [one[measure.key] for one in seen if one.get(measure.key) is not None]
                if not values: continue
                middle = statistics.median(values)
                it[measure.key] = {'median': middle, 'spread': (max(values) - min(values)) / abs(middle) if middle else 0, 'rounds': len(values)}
                reference = first.setdefault(measure.key, middle)
                if measure.better and middle and reference:
                    it[measure.key]['ratio'] = reference / middle if measure.better == 'less' else middle / reference
            row['contenders'].append(it)
        row['aims'] = [checked for checked in (check_aim(row, aim) for aim in aims) if checked]
        self.rows.append(row)
        print('\n' + as_text(row), flush=True)

    def save(self):
        whole = {'version': 2, 'part': self.part, 'processors': os.cpu_count(), 'rows': self.rows, 'left_out': self.left_out}
        if self.options.json:
            with open(self.options.json, 'w') as file: json.dump(whole, file, indent=1)
        if self.options.markdown:
            with open(self.options.markdown, 'w') as file: file.write(as_markdown(self.rows, self.left_out))
        if self.options.page: put_into_page(self.options.page, as_markdown(self.rows, self.left_out))


@dataclass(frozen=True)
class Aim:
    """Of one contender: that a measure's median, ratio or, `each`, its median by unit is at least or at most `bound`."""
    contender: str
    measure: str
    of: str
    sense: str
    bound: float
    words: str


def check_aim(row, aim):
    it = next((it for it in row['contenders'] if it['name'] == aim.contender), {})
    values = it.get(aim.measure, {})
    value = values['median'] / row['unit'] if aim.of == 'each' and values else values.get(aim.of)
    if value is None: return None
    met = value >= aim.bound if aim.sense == 'at least' else value <= aim.bound
    return {'contender': aim.contender, 'words': aim.words, 'measured': value, 'sense': aim.sense, 'bound': aim.bound, 'met': met}


def number(value, measure):
    return f'{value * measure["scale"]:.{measure["digits"]}f}'


def lines_of(row):
    """Cells by line, the head first; each measure with its spread where it was taken several times, and its ratio where that says something."""
    def is_spread(measure): return any(it.get(measure['key'], {}).get('rounds', 1) > 1 for it in row['contenders'])
    head = ['']
    for measure in row['measures']:
        head += [measure['heading'], *['spread'] * is_spread(measure), *['ratio'] * bool(measure['better'])]
    if row['unit'] != 1: head.append('us each')
    lines = [head]
    for it in row['contenders']:
        line = [it['name']]
        for measure in row['measures']:
            values = it.get(measure['key'])
            line.append(number(values['median'], measure) if values else '—')
            if is_spread(measure): line.append(f'{values["spread"]:.0%}' if values else '—')
            if measure['better']: line.append(f'{values["ratio"]:.2f}' if values and 'ratio' in values else '—')
        if row['unit'] != 1: line.append(f'{1e6 * it["time"]["median"] / row["unit"]:.1f}' if 'time' in it else '—')
        lines.append(line)
    return lines


def lines_of_growth(points):
    """Microseconds for each, by operation and step of size; the last cell says how the largest compares with n log n."""
    steps = max(len(of) for of in points.values())
    lines = [['us each, by size', *[f'step {step + 1}' for step in range(steps)], 'of n log n']]
    for name, of in points.items():
        cells = [f'{point["size"]}: {1e6 * point["cpu"] / point["size"]:.2f}' for point in of]
        share = beyond(of)
        lines.append([name, *cells, *['—'] * (steps - len(cells)), '—' if share is None else f'{share:.2f}'])
    return lines


def as_text(row):
    lines = lines_of(row)
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    text = [row['title']] + ['  '.join(f'{cell:<{width}}' if column == 0 else f'{cell:>{width}}' for column, (cell, width) in enumerate(zip(line, widths)))
                             for line in lines]
    for aim in row['aims']: text.append(f'{aim["words"]}: {aim["measured"]:.3g}, {"met" if aim["met"] else "not met"}')
    return '\n'.join(text)


def as_markdown(rows, left_out):
    """The aims first, then every row."""
    aims = [(row, aim) for row in rows for aim in row['aims']]
    text = []
    if aims:
        text += ['| row | aim | measured | |', '|---|---|---|---|']
        text += [f'| {row["title"]}: {aim["contender"]} | {aim["words"]} | {aim["measured"]:.3g} | {"met" if aim["met"] else "**not met**"} |' for row, aim in aims]
        text.append('')
    for row in rows:
        head, *lines = lines_of_growth(row['points']) if 'points' in row else lines_of(row)
        text += [f'**{row["title"]}**', '', '| ' + ' | '.join(head) + ' |', '|---|' + '---:|' * (len(head) - 1)]
        text += ['| ' + ' | '.join(line) + ' |' for line in lines] + ['']
    if left_out: text += ['Left out:', ''] + [f'- {it["what"]}: {it["why"]}' for it in left_out]
    return '\n'.join(text).rstrip() + '\n'


def put_into_page(path, tables):
    """In the place of what stands between its two marks."""
    begin, end = '<!-- tables of make bench -->\n', '<!-- end of tables -->\n'
    with open(path) as file: head, rest = file.read().split(begin)
    _, tail = rest.split(end)
    with open(path, 'w') as file: file.write(f'{head}{begin}\n{tables}\n{end}{tail}')


class Endpoint:
    """The model endpoint of our tests, in a process of its own; it ends with the pipe to it."""
    def __init__(self, bench, script):
        path = bench.write('script.json', json.dumps(script))
        self.process = subprocess.Popen([os.path.abspath(bench.options.endpoint), '--script', path, '--until-eof'], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, env=bench.env)
        self.port = int(self.process.stdout.readline())

    def __enter__(self): return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def largest_number_of_files():
    """For us and whom we start: 10,000 streams take as many descriptors."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


