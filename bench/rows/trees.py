"""Trees of files: views and commits, what observing reads costs, a walk over very many."""
import os, shutil

from measured import CPU, TIME, Aim, Measure
from rows.dispatching import AS_IT_IS


def commits(b):
    """tasks that each write a file of their own, in views that are committed, beside `git merge` of as many branches"""
    n = b.size(500)
    def afresh(name):
        folder = os.path.join(b.work, name)
        shutil.rmtree(folder, True)
        os.makedirs(os.path.join(folder, 'out'))
    tasks = [{'id': f't{i}', 'run': ['sh', '-c', f'echo {i} > out/{i}'], 'reads': [], 'writes': [f'out/{i}']} for i in range(n)]
    for how in ('direct', 'view'): b.plan(f'{how}.json', tasks, workspace='tree', defaults={'isolation': how})
    def ours(how):
        afresh('tree')
        return b.interlock('run', f'{how}.json', *AS_IT_IS, '--parallel', '2')
    if shutil.which('git'):
        afresh('repository')
        b.write('repository/make.sh', 'set -e\ngit init -q .\ngit commit -q --allow-empty -m base\n'
                + f'for i in $(seq {n}); do git checkout -q -b b$i master 2>/dev/null || git checkout -q -b b$i main; '
                  'mkdir -p out; echo $i > out/$i; git add out/$i; git commit -q -m $i; done\n'
                + 'git checkout -q master 2>/dev/null || git checkout -q main\ngit tag base\n')
        b.run(['sh', '-c', 'cd repository && sh make.sh'])
    merge = f'cd repository && git reset -q --hard base && for i in $(seq {n}); do git merge -q -m m b$i || exit 1; done'
    b.compare(f'{n} tasks that each write a file of their own', [
        ('git merge, one by one', 'git', lambda: b.run(['sh', '-c', merge])),
        ('interlock, direct', None, lambda: ours('direct')),
        ('interlock, views committed', None, lambda: ours('view'))], unit=n)


def traced(command):
    """As people observe a program without Interlock: by strace, which stops for the calls that name files alone."""
    return ['strace', '-f', '--seccomp-bpf', '-qq', '-e', 'trace=%file', '-o', '/dev/null', *command]


def observed(b, name, command, ways):
    """A plan of one task that does `command`, for each (words, isolation, observe)."""
    for at, (_, isolation, observe) in enumerate(ways):
        kind = {'isolation': isolation, **({'observe': observe} if observe else {})}
        b.plan(f'{name}-{at}.json', [{'id': 'all', 'run': command}], workspace=name, defaults=kind)
    return [(words, None, lambda at=at: b.interlock('run', f'{name}-{at}.json', '--fresh', '--effort', '0s')) for at, (words, _, _) in enumerate(ways)]


WAYS = [('interlock, direct', 'direct', ''), ('interlock, view, declared', 'view', 'declared'), ('interlock, view, opens', 'view', 'opens'),
        ('interlock, view, all', 'view', 'all')]


def reads(b):
    """what observing reads costs: a C build in views, and each open and stat by itself, beside strace --seccomp-bpf"""
    n = b.size(60, 3)
    headers = 'stdio stdlib string math errno signal unistd fcntl time pthread'.split()
    for i in range(n):
        b.write(f'c/{i}.c', ''.join(f'#include <{header}.h>\n' for header in headers) + f'#include "own.h"\nint f{i}(int n) {{ return n + OWN; }}\n')
    b.write('c/own.h', '#define OWN 1\n')
    build = ['sh', '-c', 'for file in *.c; do cc -O0 -c $file || exit 1; done']
    b.compare(f'a C build of {n} files, its reads observed', [
        ('by itself', None, lambda: b.run(['sh', '-c', f'cd c && {build[2]}'])),
        ('strace --seccomp-bpf', 'strace', lambda: b.run(traced(['sh', '-c', f'cd c && {build[2]}']))),
        *observed(b, 'c', build, WAYS)], (TIME, CPU),
        aims=[Aim('interlock, view, opens', 'cpu', 'ratio', 'at least', 1 / 1.05, 'at most 5 % more processor time (ratio 0.95)'),
              Aim('interlock, view, all', 'cpu', 'ratio', 'at least', 1 / 1.1, 'at most 10 % more processor time (ratio 0.91)')])
    samples = {}
    for line in b.program('observe_bench', b.size(50_000)):
        if 'why' in line: b.leave_out(f'one open and stat, {line["contender"]}', line['why'])
        else: samples.setdefault(line['contender'], {})[line['measure']] = line['samples']
    if samples:
        b.add('one open and one stat', {name: [dict(zip(seen, values)) for values in zip(*seen.values())] for name, seen in samples.items()},
              (Measure('cpu', 'cpu us', scale=1, digits=2), Measure('time', 'elapsed us', scale=1, digits=2)))


def views(b):
    """a view, from being opened to its changes in the workspace, beside `git worktree add` and a copy"""
    for files in (b.size(10_000, 100), b.size(100_000, 100)):
        samples = {}
        for line in b.program('snapshots_bench', files):
            if 'contender' in line: samples[line['contender']] = [{'time': value / 1000} for value in line['samples']]
        if not samples: return
        b.add(f'ten changes in a copy of {files} files', samples, (Measure('time', 'ms', scale=1000, digits=2),),
              aims=[Aim('  open', 'time', 'median', 'at most', .001, 'at most 1 ms to open')])


def tree(b):
    """a tree of 340,000 files, walked in a view: by `find`, which stands for a client that walks, and by real clients where there are any"""
    n, folder = b.size(340_000, 100), os.path.join(b.work, 'walked')
    for i in range(n):
        if i % 1000 == 0: os.makedirs(os.path.join(folder, f'd{i // 1000}'))
        with open(os.path.join(folder, f'd{i // 1000}', f'{i}.txt'), 'w') as file: file.write(f'{i}\n')
    # Names, kinds and sizes: what a client asks of a tree before it reads anything.
    walk = ['sh', '-c', 'find . -type f -size -2 | wc -l']
    b.compare(f'a walk over {n} files (find stands for a client)', [
        ('by itself', None, lambda: b.run(['sh', '-c', f'cd walked && {walk[2]}'])),
        ('strace --seccomp-bpf', 'strace', lambda: b.run(traced(['sh', '-c', f'cd walked && {walk[2]}']))),
        *observed(b, 'walked', walk, WAYS)], unit=n, rounds=min(b.rounds, 2))
    if not b.options.clients: return b.leave_out('a real client in the tree', 'no --clients FOLDER is named')
    from rows.clients import walked_by_clients
    walked_by_clients(b, n, folder)
