#!/usr/bin/env python3
"""Interlock beside the tools people use instead, in one run: every row starts all in turns, several times.

    bench/peers.py BINARY                        every row: a table, medians and spreads
    bench/peers.py BINARY dispatch plan          some rows
    bench/peers.py BINARY --json FILE            the same as JSON as well
    bench/peers.py BINARY --part 0.1             a tenth of the size, to see that all runs
    bench/peers.py BINARY --rounds 5             so many turns (3)
    bench/peers.py BINARY --svg FOLDER           growth of planning with size, as a chart

Rows: dispatch  no-op processes, two at a time: a bare posix_spawn loop, make, xargs, ninja, parallel; the state on disk and in memory
      plan      a layered graph with two inputs a task, as text and as JSON, beside `ninja -n` of the same graph; then ten times as large
      nothing   a second run with nothing to do, beside ninja and make
      look      `show` and `why` at a large run that is over
      commits   tasks that each write a file of their own, in views that are committed, beside `git merge` of as many branches
      growth    processor time and memory of `plan` against size

`time` is elapsed seconds, `cpu` processor seconds with all children, `memory` the largest process's peak. The ratio is elapsed time,
reference / contender: above 1 is faster than the reference; `cpu ratio` says the same of processor time, which other work on the machine
disturbs less. A spread is (largest - smallest) / median. A peer that is not installed is left out with a word.
"""
import argparse, json, os, shutil, statistics, subprocess, sys, tempfile, time

BARE = r"""
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
extern char **environ;
int main(int count, char **arguments) {
  int all = atoi(arguments[1]), most = atoi(arguments[2]), started = 0, running = 0;
  char *const program[] = {"/bin/true", 0};
  (void)count;
  while (started < all || running > 0) {
    pid_t pid;
    if (started < all && running < most) {
      if (posix_spawn(&pid, program[0], 0, 0, program, environ) != 0) return 1;
      ++started, ++running;
    } else if (waitpid(-1, 0, 0) > 0) {
      --running;
    }
  }
  return 0;
}
"""


class Bench:
    def __init__(self, binary, part, rounds):
        self.binary, self.part, self.rounds, self.rows = os.path.abspath(binary), part, rounds, []
        self.root = tempfile.mkdtemp(prefix='interlock-peers-')
        self.work = os.path.join(self.root, 'work')
        os.mkdir(self.work)
        self.env = {'PATH': os.environ['PATH'], 'HOME': self.root, 'XDG_STATE_HOME': os.path.join(self.root, 'state'),
                    'GIT_AUTHOR_NAME': 'a', 'GIT_AUTHOR_EMAIL': 'a@b', 'GIT_COMMITTER_NAME': 'a', 'GIT_COMMITTER_EMAIL': 'a@b'}

    def size(self, whole):
        return max(int(whole * self.part), 10)

    def write(self, name, text):
        path = os.path.join(self.work, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w') as file: file.write(text)
        return path

    def run(self, command, env={}):
        """Elapsed and processor seconds, peak bytes, and the output."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
            begun = time.monotonic()
            child = subprocess.Popen(command, cwd=self.work, env={**self.env, **env}, stdin=subprocess.DEVNULL, stdout=out, stderr=errors)
            _, status, usage = os.wait4(child.pid, 0)
            took = time.monotonic() - begun
            child.returncode = os.waitstatus_to_exitcode(status)
            if child.returncode != 0:
                errors.seek(0)
                raise SystemExit(f'{" ".join(command)[:200]}: exit {child.returncode}\n{errors.read()[-1500:].decode(errors="replace")}')
            out.seek(0, os.SEEK_END)
            written = out.tell()
        return {'time': took, 'cpu': usage.ru_utime + usage.ru_stime, 'memory': usage.ru_maxrss * 1024, 'written': written}

    def interlock(self, *arguments, **env):
        return self.run([self.binary, *arguments], env)

    def plan(self, name, tasks, **more):
        return self.write(name, json.dumps({'interlock': 1, **more, 'tasks': tasks}))

    def compare(self, title, contenders, unit=1, rounds=None):
        """`contenders`: (name, installed program or None, what runs it). The first is the reference. `unit`: things done a run."""
        seen = {}
        for name, program, _ in contenders:
            if program and not shutil.which(program): print(f'{title}: {program} is not installed: left out')
            else: seen[name] = []
        for _ in range(rounds or self.rounds):
            for name, _, go in contenders:
                if name in seen: seen[name].append(go())
        row = {'row': title, 'unit': unit, 'contenders': []}
        first = None
        for name, runs in seen.items():
            it = {'name': name}
            for what in ('time', 'cpu', 'memory', 'written'):
                values = [run[what] for run in runs]
                middle = statistics.median(values)
                it[what] = middle
                it[what + '_spread'] = (max(values) - min(values)) / middle if middle else 0
            first = first or it
            it['ratio'] = first['time'] / it['time'] if it['time'] else None
            it['cpu_ratio'] = first['cpu'] / it['cpu'] if it['cpu'] else None
            row['contenders'].append(it)
        self.rows.append(row)
        self.show(row)

    @staticmethod
    def show(row):
        print(f'\n{row["row"]}\n{"":<34}{"time s":>9}{"spread":>8}{"ratio":>7}{"cpu s":>9}{"spread":>8}{"ratio":>7}{"memory MB":>11}{"us each":>10}')
        for it in row['contenders']:
            print(f'{it["name"]:<34}{it["time"]:>9.3f}{it["time_spread"]:>7.0%} {it["ratio"]:>7.2f}{it["cpu"]:>9.3f}{it["cpu_spread"]:>7.0%} '
                  f'{it["cpu_ratio"]:>7.2f}{it["memory"] / 1e6:>11.0f}{1e6 * it["time"] / row["unit"]:>10.1f}')
        sys.stdout.flush()


def dispatch(b):
    n = b.size(3000)
    b.write('bare.c', BARE)
    b.run(['cc', '-O1', '-o', 'bare', 'bare.c'])
    b.write('Makefile', '.PHONY: all\nall:' + ''.join(f' t{i}' for i in range(n)) + '\n'
            + ''.join(f'.PHONY: t{i}\nt{i}:\n\t@/bin/true\n' for i in range(n)))
    b.write('build.ninja', 'rule run\n  command = /bin/true\n' + ''.join(f'build t{i}: run\n' for i in range(n)))
    b.write('seq', ''.join(f'{i}\n' for i in range(n)))
    b.plan('true.json', [{'id': f't{i}', 'run': ['/bin/true'], 'reads': [], 'writes': []} for i in range(n)])
    memory = tempfile.mkdtemp(prefix='interlock-peers-', dir='/dev/shm')
    go = ['run', 'true.json', '--pattern', 'queue', '--parallel', '2', '--fresh', '--effort', '0s']
    try:
        b.compare(f'dispatch {n} x /bin/true, 2 at a time', [
            ('bare posix_spawn loop', None, lambda: b.run(['./bare', str(n), '2'])),
            ('make -j2', 'make', lambda: b.run(['make', '-j2'])),
            ('xargs -P2', 'xargs', lambda: b.run(['sh', '-c', 'exec xargs -P2 -n1 /bin/true < seq'])),
            ('ninja -j2', 'ninja', lambda: b.run(['sh', '-c', 'rm -f .ninja_log; exec ninja --quiet -j2'])),
            ('parallel -j2', 'parallel', lambda: b.run(['sh', '-c', 'exec parallel -j2 /bin/true :::: seq'])),
            ('interlock, state on disk', None, lambda: b.interlock(*go)),
            ('interlock, state in memory', None, lambda: b.interlock(*go, XDG_STATE_HOME=memory))], n)
    finally:
        shutil.rmtree(memory, True)


def layered(n, width=1000):
    """Each task reads what two of the layer before it write."""
    for i in range(n):
        layer, at = divmod(i, width)
        yield i, [] if layer == 0 else [i - width, (layer - 1) * width + (at + 1) % width]


def write_layered(b, n):
    """Line by line: what this process holds would count as its children's memory."""
    def path(i): return f'f/{i // 1000}/{i}'
    with open(os.path.join(b.work, f'layered-{n}.json'), 'w') as plan, open(os.path.join(b.work, f'layered-{n}.ninja'), 'w') as rules:
        plan.write('{"interlock": 1, "tasks": [\n')
        rules.write('rule run\n  command = true\n')
        for i, of in layered(n):
            task = {'id': f't{i}', 'run': ['true'], 'reads': [path(j) for j in of], 'writes': [path(i)]}
            plan.write(('' if i == 0 else ',\n') + json.dumps(task))
            rules.write(f'build {path(i)}: run {" ".join(path(j) for j in of)}\n')
        plan.write('\n]}\n')


def plan(b):
    for n, rounds in ((b.size(100_000), None), (b.size(1_000_000), 1)):
        write_layered(b, n)
        b.compare(f'plan of {n} tasks', [
            ('ninja -n', 'ninja', lambda: b.run(['ninja', '-n', '-f', f'layered-{n}.ninja'])),
            ('interlock plan', None, lambda: b.interlock('plan', f'layered-{n}.json')),
            ('interlock plan --json', None, lambda: b.interlock('plan', f'layered-{n}.json', '--json'))], n, rounds)


def nothing(b):
    n = b.size(1000)
    for i in range(n): b.write(f'in/{i}', f'{i}\n')
    os.makedirs(os.path.join(b.work, 'out'), exist_ok=True)
    b.plan('copies.json', [{'id': f't{i}', 'run': ['cp', f'in/{i}', f'out/{i}'], 'reads': [f'in/{i}'], 'writes': [f'out/{i}']} for i in range(n)],
           defaults={'isolation': 'guard'})
    b.write('copies.ninja', 'rule copy\n  command = cp $in $out\n' + ''.join(f'build out/{i}: copy in/{i}\n' for i in range(n)))
    b.write('copies.mk', 'all:' + ''.join(f' out/{i}' for i in range(n)) + '\n' + ''.join(f'out/{i}: in/{i}\n\t@cp $< $@\n' for i in range(n)))
    second = {'ninja': ['ninja', '-f', 'copies.ninja'], 'make': ['make', '-s', '-f', 'copies.mk']}
    b.interlock('run', 'copies.json')
    for command in second.values():
        if shutil.which(command[0]): b.run(command)
    b.compare(f'{n} tasks, nothing to do', [
        ('ninja', 'ninja', lambda: b.run(second['ninja'])),
        ('make', 'make', lambda: b.run(second['make'])),
        ('interlock run', None, lambda: b.interlock('run', 'copies.json'))], n)


def look(b):
    n = b.size(3000)
    b.plan('looked.json', [{'id': f't{i}', 'run': ['/bin/true'], 'reads': [], 'writes': []} for i in range(n)])
    b.interlock('run', 'looked.json', '--pattern', 'queue', '--parallel', '2', '--fresh', '--effort', '0s')
    b.compare(f'one look at a run of {n} tasks', [
        ('interlock --version', None, lambda: b.interlock('--version')),
        ('interlock runs', None, lambda: b.interlock('runs')),
        ('interlock show', None, lambda: b.interlock('show', 'last')),
        ('interlock why', None, lambda: b.interlock('why', 'last', f't{n // 2}'))])


def commits(b):
    n = b.size(500)
    def afresh(name):
        folder = os.path.join(b.work, name)
        shutil.rmtree(folder, True)
        os.makedirs(os.path.join(folder, 'out'))
    tasks = [{'id': f't{i}', 'run': ['sh', '-c', f'echo {i} > out/{i}'], 'reads': [], 'writes': [f'out/{i}']} for i in range(n)]
    for how in ('direct', 'view'): b.plan(f'{how}.json', tasks, workspace='tree', defaults={'isolation': how})
    def ours(how):
        afresh('tree')
        return b.interlock('run', f'{how}.json', '--pattern', 'queue', '--parallel', '2', '--fresh', '--effort', '0s')
    if shutil.which('git'):
        afresh('repository')
        b.write('repository/make.sh', 'set -e\ngit init -q .\ngit commit -q --allow-empty -m base\n'
                + f'for i in $(seq {n}); do git checkout -q -b b$i master 2>/dev/null || git checkout -q -b b$i main; '
                  'mkdir -p out; echo $i > out/$i; git add out/$i; git commit -q -m $i; done\n'
                + 'git checkout -q master 2>/dev/null || git checkout -q main\ngit tag base\n')
        b.run(['sh', '-c', 'cd repository && sh make.sh'])
    merge = f'cd repository && git reset -q --hard base && for i in $(seq {n}); do git merge -q -m m b$i || exit 1; done'
    b.compare(f'{n} tasks that each write a file of their own', [
        ('interlock, direct', None, lambda: ours('direct')),
        ('interlock, views committed', None, lambda: ours('view')),
        ('git merge, one by one', 'git', lambda: b.run(['sh', '-c', merge]))], n)


def growth(b):
    sizes = [b.size(n) for n in (1000, 3000, 10_000, 30_000, 100_000)]
    points = []
    for n in sizes:
        write_layered(b, n)
        runs = [b.interlock('plan', f'layered-{n}.json', '--effort', '0s') for _ in range(b.rounds)]
        points.append({'tasks': n, 'cpu': statistics.median(r['cpu'] for r in runs), 'memory': statistics.median(r['memory'] for r in runs)})
    b.rows.append({'row': 'growth of plan', 'points': points})
    print('\ngrowth of `plan`\n      tasks    cpu s   us a task   bytes a task')
    for p in points: print(f'{p["tasks"]:>11}{p["cpu"]:>9.3f}{1e6 * p["cpu"] / p["tasks"]:>12.2f}{p["memory"] / p["tasks"]:>15.0f}')


def chart(points):
    """Processor time against tasks, both logarithmic; the thin line is what n log n would be from the first point on."""
    import math
    width, height, edge = 640, 400, 50
    def at(n, cpu, ends=(points[0], points[-1])):
        low, high = (math.log(p['tasks']) for p in ends)
        least, most = math.log(min(p['cpu'] for p in points) / 2), math.log(max(p['cpu'] for p in points) * 2)
        return (f'{edge + (math.log(n) - low) / (high - low) * (width - 2 * edge):.1f},'
                f'{height - edge - (math.log(cpu) - least) / (most - least) * (height - 2 * edge):.1f}')
    first = points[0]
    base = first['cpu'] / (first['tasks'] * math.log(first['tasks']))
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
             f'<rect width="{width}" height="{height}" fill="#fff"/>',
             f'<polyline fill="none" stroke="#bbb" points="{" ".join(at(p["tasks"], base * p["tasks"] * math.log(p["tasks"])) for p in points)}"/>',
             f'<polyline fill="none" stroke="#06c" stroke-width="2" points="{" ".join(at(p["tasks"], p["cpu"]) for p in points)}"/>']
    for p in points:
        x, y = at(p['tasks'], p['cpu']).split(',')
        lines.append(f'<circle cx="{x}" cy="{y}" r="3" fill="#06c"/><text x="{x}" y="{float(y) - 8}" text-anchor="middle">{p["cpu"]:.3f} s</text>'
                     f'<text x="{x}" y="{height - edge + 18}" text-anchor="middle">{p["tasks"]}</text>')
    return '\n'.join(lines + [f'<text x="{edge}" y="20">interlock plan: processor seconds by tasks (grey: n log n)</text>', '</svg>', ''])


ROWS = {row.__name__: row for row in (dispatch, plan, nothing, look, commits, growth)}

if __name__ == '__main__':
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument('binary')
    options.add_argument('rows', nargs='*', metavar='ROW', help=', '.join(ROWS))
    options.add_argument('--part', type=float, default=1)
    options.add_argument('--rounds', type=int, default=3)
    options.add_argument('--json')
    options.add_argument('--svg')
    asked = options.parse_args()
    for name in asked.rows:
        if name not in ROWS: options.error(f'no row `{name}`: there are {", ".join(ROWS)}')
    bench = Bench(asked.binary, asked.part, asked.rounds)
    try:
        for name in asked.rows or ROWS: ROWS[name](bench)
    finally:
        shutil.rmtree(bench.root, True)
    if asked.json:
        with open(asked.json, 'w') as file: json.dump({'version': 1, 'rows': bench.rows}, file, indent=1)
    if asked.svg:
        for row in bench.rows:
            if 'points' in row:
                os.makedirs(asked.svg, exist_ok=True)
                with open(os.path.join(asked.svg, 'plan-growth.svg'), 'w') as file: file.write(chart(row['points']))
