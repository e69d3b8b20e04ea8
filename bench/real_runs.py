#!/usr/bin/env python3
"""Real runs beside what `interlock plan` foretold of them. By hand, on a quiet machine; nothing here is a test.

    bench/real_runs.py BINARY [MODEL_ENDPOINT]         forecasts; a server that slows; the break-even, at both sides; batching
    bench/real_runs.py BINARY MODEL_ENDPOINT forecasts    one part: forecasts, server, breakeven or batching

Elapsed is the journal's, from the first start to the last end. MODEL_ENDPOINT is tests/endpoint's program; without it
the run with a gateway quota and batching are left out. The server takes jobs in lock-step: of k at once each goes at
1 / (1 + a * max(0, k - k0)) of its speed. SCALE=4 in the environment makes all tasks four times as long, for a busy machine.
"""
import json, math, os, random, select, shutil, socket, statistics, subprocess, sys, tempfile, threading, time

BINARY = os.path.abspath(sys.argv[1])
ENDPOINT = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else None
PART = sys.argv[3] if len(sys.argv) > 3 else ''
SCALE = float(os.environ.get('SCALE', 1))


class Place:
    """A workspace and a state folder of its own."""
    def __init__(self):
        self.root = tempfile.mkdtemp(prefix='real-runs-'); self.work = os.path.join(self.root, 'work'); os.mkdir(self.work)
        self.env = {'PATH': os.environ['PATH'], 'HOME': self.root, 'XDG_STATE_HOME': os.path.join(self.root, 'state'), 'THE_KEY': 'sk-made-up'}
    def __enter__(self): return self
    def __exit__(self, *_): shutil.rmtree(self.root, True)
    def interlock(self, *args):
        done = subprocess.run([BINARY, *args], cwd=self.work, env=self.env, capture_output=True, text=True, timeout=300)
        if done.returncode: raise SystemExit(f'interlock {" ".join(args)}: exit {done.returncode}\n{done.stdout[-800:]}{done.stderr[-1500:]}')
        return done.stdout
    def plan(self, plan, *options):
        with open(os.path.join(self.work, 'plan.json'), 'w') as f: json.dump({'interlock': 1, 'name': 'real', **plan}, f)
        return json.loads(self.interlock('plan', 'plan.json', '--json', *options))
    def run(self, *options):
        self.interlock('run', 'plan.json', '--fresh', *options)
        return json.loads(self.interlock('show', 'last', '--json'))


def elapsed(shown):
    return shown['totals']['elapsed_s']


def compare(name, plan, *options, prepare=None):
    """One row: what was foretold, what it took, and what that is beyond the forecast."""
    with Place() as place:
        if prepare: prepare(place)
        told = place.plan(plan, *options); d = told['decision']; forecast = told['forecast'][d['pattern']]['elapsed_s']
        took = elapsed(place.run(*options))
        print(f"{name:44} {d['pattern']:10} {d['n']:2}   {forecast:7.3f} s {took:7.3f} s {100 * (took / forecast - 1):+6.1f} %", flush=True)
        return took / forecast - 1


def task(k, seconds, **more):
    seconds *= SCALE
    return {'id': f't{k}', 'run': ['sleep', str(seconds)], 'reads': [], 'writes': [f'out/{k}'], 'estimate': {'time': f'{round(seconds * 1000)}ms'}, **more}


def forecasts():
    free = {'min_saving': '0s', 'parallel': 16}
    print(f"{'run':44} {'pattern':10}  n   forecast      took      off")
    off = [compare('one task', {'tasks': [task(0, 1)]}),
           compare('8 in sequence', {'tasks': [task(k, .25) for k in range(8)], 'limits': free}, '--pattern', 'sequential'),
           compare('8 at once', {'tasks': [task(k, 1) for k in range(8)], 'limits': free}),
           compare('12 in a queue of 3', {'tasks': [task(k, .5) for k in range(12)], 'limits': {**free, 'parallel': 3}}),
           compare('needs: a chain of 3 beside 4', {'tasks': [task(k, .6, needs=[f't{k - 1}'] if 0 < k < 3 else []) for k in range(7)], 'limits': free}),
           compare('2 slots for 6', {'tasks': [task(k, .5, uses=['gpu']) for k in range(6)], 'resources': {'gpu': {'kind': 'slots', 'capacity': 2}}, 'limits': free}),
           compare('a lock for 3 of 6', {'tasks': [task(k, .6, uses=['db'] if k < 3 else []) for k in range(6)], 'resources': {'db': {'kind': 'lock'}}, 'limits': free}),
           compare('10 by a quota of 120 a minute', {'tasks': [task(k, .5, uses=['api']) for k in range(10)], 'resources': {'api': {'kind': 'quota', 'requests': f'{round(120 / SCALE)}/min', 'burst': f'{round(1000 * SCALE)}ms'}}, 'limits': free}),
           compare('8 in views', {'tasks': [task(k, 1, isolation='view') for k in range(8)], 'limits': free}),
           compare('4 in views, forced, on one file', {'tasks': [
               {'id': f't{k}', 'run': ['sh', '-c', f'cat f >/dev/null; sleep {.8 * SCALE}; echo {k} >>f'], 'reads': ['f'], 'writes': ['f'], 'isolation': 'view',
                'estimate': {'time': f'{round(800 * SCALE)}ms'}} for k in range(4)], 'limits': free}, '--pattern', 'parallel', prepare=lambda p: open(p.work + '/f', 'w').close()),
           compare('4 that fail once (failures: 60%)', {'tasks': [
               {'id': f't{k}', 'run': ['sh', '-c', f'if [ -e .{k} ]; then sleep {SCALE}; else sleep {.65 * SCALE}; touch .{k}; exit 1; fi'], 'reads': [], 'writes': [f'.{k}'],
                'retries': 1, 'backoff': '100ms', 'estimate': {'time': f'{round(1000 * SCALE)}ms', 'failures': '60%'}} for k in range(4)], 'limits': free})]
    if ENDPOINT: off.append(through_gateway())
    print(f'{sum(abs(x) <= .05 for x in off)} of {len(off)} within 5 %; worst {100 * max(off, key=abs):+.1f} %')


def through_gateway():
    """Ten calls of half a second where sixty a minute are let through, six of them at once (a scale of one)."""
    with tempfile.NamedTemporaryFile('w', suffix='.json') as script:
        json.dump({'otherwise': {'text': 'Yes.', 'wait': 0.5 * SCALE}}, script); script.flush()
        server = subprocess.Popen([ENDPOINT, '--script', script.name, '--until-eof'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            port = int(server.stdout.readline())
            return compare('10 chat calls by a gateway quota of 60/min', {
                'agents': {'m': {'kind': 'chat', 'api': 'anthropic', 'base_url': f'http://127.0.0.1:{port}', 'model': 'claude-sonnet-4-5', 'key': 'THE_KEY'}},
                'resources': {'api': {'kind': 'quota', 'requests': f'{round(60 / SCALE)}/min', 'burst': f'{round(6 * SCALE)}s'}}, 'limits': {'min_saving': '0s', 'parallel': 16}, 'defaults': {'agent': 'm', 'join': '0s'},
                'tasks': [{'id': f't{k}', 'prompt': 'hello', 'reads': [], 'writes': [], 'uses': ['api'], 'output': 'text', 'estimate': {'time': f'{round(500 * SCALE)}ms'}} for k in range(10)]})
        finally:
            server.stdin.close(); server.wait()


def batching(tasks=200, alone=.3, more=.05, together=20):
    """Tiny calls, each by itself and then twenty in one attempt. A call of n of them takes `alone` and `more` for each but the first."""
    answers = {str(k + 1): {'n': k} for k in range(together)}
    script_of = {'rules': [{'prompt': '=== Task 1 ===', 'steps': [{'structured': answers, 'wait': (alone + more * (together - 1)) * SCALE}]}], 'otherwise': {'structured': {'n': 7}, 'wait': alone * SCALE}}
    with tempfile.NamedTemporaryFile('w', suffix='.json') as script:
        json.dump(script_of, script); script.flush()
        server = subprocess.Popen([ENDPOINT, '--script', script.name, '--until-eof'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            port = int(server.stdout.readline())
            for batch in ('off', together, 'auto'):
                with Place() as place:
                    with open(os.path.join(place.work, 'n.json'), 'w') as f: json.dump({'type': 'object', 'properties': {'n': {'type': 'integer'}}, 'required': ['n']}, f)
                    told = place.plan({'agents': {'m': {'kind': 'chat', 'api': 'anthropic', 'base_url': f'http://127.0.0.1:{port}', 'model': 'claude-sonnet-4-5', 'key': 'THE_KEY'}},
                                       'limits': {'min_saving': '0s', 'parallel': 4}, 'defaults': {'agent': 'm', **({} if batch == 'off' else {'batch': batch})},
                                       'tasks': [{'id': f't{k}', 'prompt': f'Number {k}?', 'reads': [], 'writes': [], 'output': {'schema': 'n.json'},
                                                  'estimate': {'time': f'{round(alone * SCALE * 1000)}ms', 'tokens': 300}} for k in range(tasks)]})
                    shown = place.run(); calls = sum(not a.get('batched_with') or k < min(int(t[1:]) for t in a['batched_with']) for k, task in enumerate(shown['tasks']) for a in task['history'])
                    used = sum(t['tokens'].get(part) or 0 for t in shown['tasks'] for part in ('input', 'output', 'cache_read', 'cache_write'))
                    d = told['decision']
                    print(f"{tasks} tiny tasks, batch {batch}: {calls} attempts, {used / 1000:.1f}k tokens, {elapsed(shown):.2f} s (forecast {told['forecast'][d['pattern']]['elapsed_s']:.2f} s, {told['forecast'][d['pattern']]['tokens'] / 1000:.0f}k tokens)", flush=True)
        finally:
            server.stdin.close(); server.wait()


class LockStep(threading.Thread):
    """Takes `SECONDS\\n` on each connection and closes it when so much work is done."""
    def __init__(self, k0, a):
        super().__init__(daemon=True); self.k0, self.a = k0, a; self.door = socket.create_server(('127.0.0.1', 0)); self.port = self.door.getsockname()[1]; self.start()
    def run(self):
        jobs, at = {}, time.monotonic()
        while True:
            speed = 1 / (1 + self.a * max(0, len(jobs) - self.k0))
            ready, _, _ = select.select([self.door], [], [], max(0, min(jobs.values()) / speed) if jobs else None)
            now = time.monotonic()
            for c in jobs: jobs[c] -= (now - at) * speed
            at = now
            for c in [c for c, left in jobs.items() if left <= 0]: del jobs[c]; c.close()
            if ready:
                c, _ = self.door.accept(); line = b''
                while not line.endswith(b'\n'): line += c.recv(64)
                jobs[c] = float(line)


def asks(server, k, seconds, said):
    return {'id': f't{k}', 'run': ['bash', '-c', f'exec 3<>/dev/tcp/127.0.0.1/{server.port}; echo {seconds:.4f} >&3; read -r _ <&3; true'], 'reads': [], 'writes': [f'out/{k}'],
            'estimate': {'time': f'{round(said * 1000)}ms'}}


def taught(k0, a, cap, tasks):
    return {'agents': {'sh': {'kind': 'command', 'slowing': {'beyond': k0, 'by': a}}}, 'defaults': {'agent': 'sh'}, 'limits': {'parallel': cap, 'min_saving': '0s'}, 'tasks': tasks}


def on_server():
    server = LockStep(3, 1.0)
    compare('12 on a server with k0 = 3, a = 1, taught', taught(3, 1, 12, [asks(server, k, .5 * SCALE, .5 * SCALE) for k in range(12)]))
    compare('... and 8 at once, asked for', taught(3, 1, 8, [asks(server, k, .5 * SCALE, .5 * SCALE) for k in range(8)]), '--pattern', 'parallel')


def breakeven(samples=12):
    """The sentence, then real runs of one task less and of as many as it names: all at once and in a queue, with the same drawn times."""
    size = .4 * SCALE
    for k0, a in ((3, 1.0), (4, 1.0)):
        server = LockStep(k0, a)
        with Place() as place:
            place.plan(taught(k0, a, 20, [asks(server, 0, size, size), asks(server, 1, size, size)]))
            it = json.loads(place.interlock('breakeven', 'plan.json', '--json')); print(it['sentence'])
            crossing, width = it['queue_from'], it['queue_of']
            for n in (crossing - 1, crossing):
                took = {}
                for way, cap in (('all at once', n), (f'queue of {min(width, n - 1)}', min(width, n - 1))):
                    times = []
                    for s in range(samples):
                        rng = random.Random(f'{n}/{s // 2}'); luck = 1 if s % 2 else -1
                        place.plan(taught(k0, a, cap, [asks(server, k, size * math.exp(luck * math.log(2) * rng.gauss(0, 1)), size) for k in range(n)]), '--parallel', str(cap), '--pattern', 'parallel')
                        times.append(elapsed(place.run('--parallel', str(cap), '--pattern', 'parallel')))
                    took[way] = statistics.fmean(times)
                (one, x), (other, y) = took.items()
                print(f'  knee {k0}, {n} tasks, {samples} real runs each: {one} {x:.3f} s, {other} {y:.3f} s: the queue is {100 * (1 - y / x):+.1f} % faster', flush=True)


if __name__ == '__main__':
    if PART in ('', 'forecasts'): forecasts()
    if PART in ('', 'server'): on_server()
    if PART in ('', 'breakeven'): breakeven()
    if ENDPOINT and PART in ('', 'batching'): batching()
