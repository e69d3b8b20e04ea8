"""Calls of models: streams of many tasks at once, a quota that binds, the gateway."""
import json, os, urllib.request

from measured import MACHINE, OF_A_PROGRAM, Aim, Measure, largest_number_of_files

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
STREAMED = 'one of some words that a model says, ' * 8


def chat_plan(b, name, n, port):
    b.plan(name, [{'id': f't{k}', 'prompt': f'hello {k}', 'reads': [], 'writes': [], 'output': 'text'} for k in range(n)],
           agents={'m': {'kind': 'chat', 'api': 'anthropic', 'base_url': f'http://127.0.0.1:{port}', 'model': 'claude-sonnet-4-5', 'key': 'THE_KEY'}},
           defaults={'agent': 'm', 'join': '0s'})


def most_at_once(port):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f'http://127.0.0.1:{port}/books', timeout=60) as answer: return json.load(answer)['in_flight_most']


def chat(b):
    """1,000 and 10,000 streaming `chat` tasks, beside a client of node with a pool of promises; processor time, memory"""
    if not b.options.endpoint: return b.leave_out('streaming chat tasks', 'no --endpoint is named')
    largest_number_of_files()
    # The most that a plan may ask for is 1,024 at once.
    for n, at_once, rounds in ((b.size(1000), b.size(1000), min(b.rounds, 2)), (b.size(10_000), b.size(1024), 1)):
        # So long that all are open at once; each start takes some milliseconds.
        seconds = max(.008 * at_once, .2)
        with b.endpoint({'otherwise': {'text': STREAMED, 'wait': seconds, 'delay': .02}}) as endpoint:
            chat_plan(b, 'chat.json', n, endpoint.port)
            pattern = 'parallel' if n <= at_once else 'queue'
            go = ['run', 'chat.json', '--fresh', '--effort', '0s', '--pattern', pattern, '--parallel', str(at_once)]
            pool = ['node', os.path.join(HERE, 'pool.mjs'), str(endpoint.port), str(n), str(n)]
            b.compare(f'{n} streaming chat tasks of {seconds:.1f} s', [
                (f'node, a pool of {n} promises', 'node', lambda: b.run(pool, machine=True)),
                (f'interlock, {at_once} at once', None, lambda: b.interlock(*go, machine=True))], (*OF_A_PROGRAM, MACHINE), n, rounds)
            print(f'most at once, as the endpoint saw it: {most_at_once(endpoint.port)}')


def quota(b):
    """use of a binding quota over 20 simulated minutes, beside check-then-debit and an adaptive limit (AIMD)"""
    samples = {}
    for line in b.program('quota_bench', 20, b.rounds):
        samples.setdefault(line['contender'], []).append(line)
    if not samples: return
    share = Measure('share', 'share of the quota %', 'more', scale=100, digits=1)
    refused = Measure('refused', 'refusals', '', digits=0)
    b.add('20 simulated minutes of a quota', samples, (share, refused, Measure('answers', 'answers', '', digits=0)),
          aims=[Aim('rate gate', 'share', 'median', 'at least', .97, 'at least 97 % of the quota'),
                Aim('rate gate', 'refused', 'median', 'at most', 0, 'no refusals')])


def gateway(b):
    """streams and whole answers through the gateway, beside nginx as a plain reverse proxy"""
    samples = {}
    for line in b.program('gateway_bench', max(1 * b.part, .1), max(int(5 * b.part), 2)):
        if 'why' in line: b.leave_out(f'gateway, {line["contender"]}', line['why'])
        else: samples.setdefault(line['row'], {}).setdefault(line['contender'], {})[line['measure']] = line['samples']
    measures = (Measure('rate', 'requests/s', 'more', digits=0), Measure('p50', 'p50 us', digits=0), Measure('p99', 'p99 us', digits=0))
    for title, of in samples.items():
        # nginx is what we are held against; the way without a proxy stands last.
        runs = {name: [dict(zip(seen, values)) for values in zip(*seen.values())] for name, seen in of.items()}
        runs = {name: runs[name] for name in ('nginx', 'gateway', 'direct') if name in runs}
        bound = .9 if title.startswith('streams, 1 ') else .8
        b.add(title, runs, measures, aims=[Aim('gateway', 'rate', 'ratio', 'at least', bound, f'at least {bound} of nginx')] if 'nginx' in runs else [])
