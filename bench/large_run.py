#!/usr/bin/env python3
"""What a look at a large run costs, and asking something of it.

    bench/large_run.py BINARY [TASKS]

Makes a run of TASKS tasks (100,000) that waits at the gate of its first one while all others are done, without running them: the events of one
task of a small run are written into the journal for each. Prints processor seconds, the least of three.
"""
import json, os, resource, sqlite3, subprocess, sys, tempfile


def make_large_run(interlock, work, state, count):
    """`interlock`: runs it with some words in `work`. The run is the state folder's last; answers how many events it has."""
    def plan(name, tasks):
        with open(os.path.join(work, name), 'w') as file: json.dump({'interlock': 1, 'tasks': tasks}, file)

    def task(number, **more): return {'id': f't{number}', 'run': ['/bin/true'], 'reads': [], 'writes': [], **more}

    plan('small.json', [task(0)])
    plan('large.json', [task(0, gate='before')] + [task(i) for i in range(1, count)])
    interlock('run', 'small.json', '--fresh')
    interlock('run', 'large.json', '--pattern', 'sequential', '--fresh', '--effort', '0s')
    database = sqlite3.connect(os.path.join(state, 'interlock', 'interlock.db'))
    events = 'SELECT name, at, body FROM events WHERE run = ? ORDER BY seq'
    small, large = [row[0] for row in database.execute('SELECT number FROM runs ORDER BY number DESC LIMIT 2')][::-1]
    of_task = [(name, json.loads(body)) for name, _, body in database.execute(events, (small,)) if 'task' in json.loads(body)]
    of_run = [(name, body) for name, _, body in database.execute(events, (large,))]
    seq, written = len(of_run), 0
    at = database.execute('SELECT max(at) FROM events').fetchone()[0]

    def rows():
        nonlocal written
        def row(name, body, task=-1):
            nonlocal written
            written += 1
            return large, seq + written, at, name, body, task
        yield row('run_began', dict(of_run)['run_began'])
        for number in range(1, count):
            for name, body in of_task: yield row(name, json.dumps({**body, 'task': number}, separators=(',', ':')), number)
        yield row('run_ended', dict(of_run)['run_ended'])
    database.executemany('INSERT INTO events(run, seq, at, name, body, task) VALUES(?, ?, ?, ?, ?, ?)', rows())
    database.execute('UPDATE tasks SET state = (SELECT state FROM tasks WHERE run = ? AND number = 0) WHERE run = ? AND number > 0', (small, large))
    database.commit()
    database.execute('PRAGMA wal_checkpoint(TRUNCATE)')
    database.close()
    return seq + written


def main():
    binary = os.path.abspath(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    with tempfile.TemporaryDirectory() as top:
        work, state = os.path.join(top, 'work'), os.path.join(top, 'state')
        os.makedirs(work)
        environment = {'PATH': '/usr/bin:/bin', 'HOME': top, 'XDG_STATE_HOME': state, 'NO_COLOR': '1'}

        def interlock(*words):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            done = subprocess.run([binary, *words], cwd=work, env=environment, capture_output=True, text=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            return done, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

        events = make_large_run(interlock, work, state, count)
        print(f'{count} tasks, {events} events')
        for words in (['--version'], ['runs'], ['why', 'last', f't{count - 1}'], ['why', 'last', 't0'], ['show', 'last', '--json'], ['approve', 'last', 't0'], ['approve', 'last']):
            answers = [interlock(*words) for _ in range(3)]
            done = answers[0][0]
            said = (done.stdout or done.stderr).strip().splitlines()
            print(f'{min(took for _, took in answers):8.3f} s  {" ".join(words):24} exit {done.returncode}: {said[0][:80] if said else ""}')


if __name__ == '__main__': main()
