"""Starting tasks: no-op processes, a second run with nothing to do, the longest turn of the dispatcher."""
import os, shutil, struct, tempfile

from measured import Aim, Measure
from rows.models import STREAMED, chat_plan

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
AS_IT_IS = ['--pattern', 'queue', '--fresh', '--effort', '0s']


def dispatch(b):
    """no-op processes, two at a time: a bare posix_spawn loop, make, xargs, ninja, parallel; the state on disk and in memory"""
    n = b.size(2000)
    b.run(['cc', '-O1', '-o', 'bare', os.path.join(HERE, 'bare.c')])
    b.write('Makefile', '.PHONY: all\nall:' + ''.join(f' t{i}' for i in range(n)) + '\n'
            + ''.join(f'.PHONY: t{i}\nt{i}:\n\t@/bin/true\n' for i in range(n)))
    b.write('build.ninja', 'rule run\n  command = /bin/true\n' + ''.join(f'build t{i}: run\n' for i in range(n)))
    b.write('seq', ''.join(f'{i}\n' for i in range(n)))
    b.plan('true.json', [{'id': f't{i}', 'run': ['/bin/true'], 'reads': [], 'writes': []} for i in range(n)])
    memory = tempfile.mkdtemp(prefix='interlock-peers-', dir='/dev/shm')
    go = ['run', 'true.json', *AS_IT_IS, '--parallel', '2']
    try:
        b.compare(f'{n} no-op processes, 2 at a time', [
            ('bare posix_spawn loop', None, lambda: b.run(['./bare', str(n), '2'])),
            ('make -j2', 'make', lambda: b.run(['make', '-j2'])),
            ('xargs -P2', 'xargs', lambda: b.run(['sh', '-c', 'exec xargs -P2 -n1 /bin/true < seq'])),
            ('ninja -j2', 'ninja', lambda: b.run(['sh', '-c', 'rm -f .ninja_log; exec ninja --quiet -j2'])),
            ('parallel -j2', 'parallel', lambda: b.run(['sh', '-c', 'exec parallel -j2 /bin/true :::: seq'])),
            ('interlock, state on disk', None, lambda: b.interlock(*go)),
            ('interlock, state in memory', None, lambda: b.interlock(*go, XDG_STATE_HOME=memory))], unit=n,
            aims=[Aim('interlock, state on disk', 'time', 'ratio', 'at least', 1, 'at least the speed of the bare loop'),
                  Aim('interlock, state on disk', 'cpu', 'ratio', 'at least', 1, 'no more processor time than the bare loop')])
    finally:
        shutil.rmtree(memory, True)


def nothing(b):
    """a second run with nothing to do, beside ninja and make"""
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
        ('interlock --version', None, lambda: b.interlock('--version')),
        ('interlock run', None, lambda: b.interlock('run', 'copies.json'))], unit=n,
        aims=[Aim('interlock run', 'time', 'ratio', 'at least', 1 / 1.5, 'at most one and a half times ninja')])


LONGEST = Measure('longest', 'longest turn ms', scale=1e-6, digits=2)
LATE = Measure('late', '99 of 100 turns below ms', scale=1e-6, digits=2)
MEAN = Measure('mean', 'mean ms', '', scale=1e-6, digits=3)
TURNS = Measure('turns', 'turns', '', digits=0)


def turns_of(b, plan, *options, codes=(0,)):
    page = b.write('turns', '\0' * 512)
    # A build with a sanitizer wants to be the first to be loaded, which does not matter here.
    seen = b.interlock('run', plan, *options, codes=codes, LD_PRELOAD=os.path.join(b.work, 'turns.so'), TURNS=page, ASAN_OPTIONS='verify_asan_link_order=0')
    with open(page, 'rb') as file: count, whole, longest, *powers = struct.unpack('64Q', file.read())
    if count == 0: raise SystemExit('no turns were seen: is the program linked to the C library at run time?')
    below, power = 0, 0
    for power, times in enumerate(powers):
        below += times
        if below >= .99 * count: break
    return {**seen, 'turns': count, 'mean': whole / count, 'longest': longest, 'late': 2 ** (power + 1)}


def turns(b):
    """the longest turn of the dispatcher, in which it does not hear what comes in, under each load"""
    b.run(['cc', '-O1', '-shared', '-fPIC', '-o', 'turns.so', os.path.join(HERE, 'turns.c'), '-ldl'])
    n, bytes_each = b.size(3000), b.size(500_000_000)
    free = {'reads': [], 'writes': []}
    b.plan('turns-noop.json', [{'id': f't{i}', 'run': ['/bin/true'], **free} for i in range(n)])
    b.plan('turns-output.json', [{'id': f't{i}', 'run': f'head -c {bytes_each // 5} /dev/zero | tr "\\0" "x" | fold', **free} for i in range(4)])
    for i in range(4):
        with open(b.write(f'large/{i}', ''), 'wb') as file: file.truncate(bytes_each)
    b.plan('turns-hashed.json', [{'id': f't{i}', 'run': ['true'], 'reads': [f'large/{i}'], 'writes': [f'hashed/{i}']} for i in range(4)], defaults={'isolation': 'guard'})
    for i in range(b.size(1000)): b.write(f'many/{i}.txt', 'x' * 2000)
    views, queue = b.size(200), [*AS_IT_IS, '--parallel']
    b.plan('turns-views.json', [{'id': f't{i}', 'run': f'head -c 100000 /dev/zero > made-{i}', 'writes': [f'made-{i}']} for i in range(views)],
           workspace='many', defaults={'isolation': 'view'})
    loads = [(f'{n} no-op processes, 8 at a time', lambda: turns_of(b, 'turns-noop.json', *queue, '8')),
             (f'{views} views of {b.size(1000)} files, 50 at a time', lambda: turns_of(b, 'turns-views.json', *queue, '50')),
             (f'4 outputs of {bytes_each // 5_000_000} MB', lambda: turns_of(b, 'turns-output.json', *queue, '4')),
             (f'4 files of {bytes_each // 1_000_000} MB to hash', lambda: turns_of(b, 'turns-hashed.json', '--pattern', 'parallel', '--parallel', '4'))]
    samples = {name: [] for name, _ in loads}
    if b.options.endpoint:
        chats = b.size(200)
        samples[f'{chats} chat tasks at once'] = []
        with b.endpoint({'otherwise': {'text': STREAMED, 'wait': .008 * chats, 'delay': .02}}) as endpoint:
            chat_plan(b, 'turns-chat.json', chats, endpoint.port)
            for _ in range(b.rounds):
                samples[f'{chats} chat tasks at once'].append(turns_of(b, 'turns-chat.json', '--pattern', 'parallel', '--fresh', '--effort', '0s', '--parallel', str(chats)))
    for _ in range(b.rounds):
        for name, go in loads: samples[name].append(go())
        # Hashed once more: what was known of them is not asked for again.
        for i in range(4): os.utime(os.path.join(b.work, f'large/{i}'))
    b.add('turns of the dispatcher', samples, (LONGEST, LATE, MEAN, TURNS, Measure('time', 'all of it s', '')))
