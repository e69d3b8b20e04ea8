#!/usr/bin/env python3
"""What a look at a large run costs, and asking something of it.

    bench/large_run.py BINARY [TASKS]

Makes a run of TASKS tasks (100,000) that waits at the gate of its first one while all others are done, without running them: the events of one
task of a small run are written into the journal for each. Prints processor seconds, the least of three.
"""
import json, os, resource, sqlite3, subprocess, sys, tempfile


def main():
    binary = os.path.abspath(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    with tempfile.TemporaryDirectory() as top:
        work = os.path.join(top, 'work')
        os.makedirs(work)
        environment = {'PATH': '/usr/bin:/bin', 'HOME': top, 'XDG_STATE_HOME': os.path.join(top, 'state'), 'NO_COLOR': '1'}

        def interlock(*words):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            done = subprocess.run([binary, *words], cwd=work, env=environment, capture_output=True, text=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            return done, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

        def plan(name, tasks):
            with open(os.path.join(work, name), 'w') as file: json.dump({'interlock': 1, 'tasks': tasks}, file)

        def task(number, **more): return {'id': f't{number}', 'run': ['/bin/true'], 'reads': [], 'writes': [], **more}

        plan('small.json', [task(0)])
        plan('large.json', [task(0, gate='before')] + [task(i) for i in range(1, count)])
        interlock('run', 'small.json', '--fresh')
        done, _ = interlock('run', 'large.json', '--pattern', 'sequential', '--fresh', '--effort', '0s')
        print(f'run ends with {done.returncode}: {done.stderr.strip().splitlines()[-1] if done.stderr else ""}')
        database = sqlite3.connect(os.path.join(top, 'state', 'interlock', 'interlock.db'))
        events = 'SELECT name, at, body FROM events WHERE run = ? ORDER BY seq'
        small, large = [row[0] for row in database.execute('SELECT number FROM runs ORDER BY number')]
        of_task = [(name, json.loads(body)) for name, _, body in database.execute(events, (small,)) if 'task' in json.loads(body)]
        of_run = [(name, body) for name, _, body in database.execute(events, (large,))]
        seq = len(of_run)
        at = database.execute('SELECT max(at) FROM events').fetchone()[0]
        rows = [(large, seq + 1, at, 'run_began', dict(of_run)['run_began'], -1)]
        for number in range(1, count):
            for name, body in of_task:
                rows.append((large, seq + len(rows) + 1, at, name, json.dumps({**body, 'task': number}, separators=(',', ':')), number))
        rows.append((large, seq + len(rows) + 1, at, 'run_ended', dict(of_run)['run_ended'], -1))
        database.executemany('INSERT INTO events(run, seq, at, name, body, task) VALUES(?, ?, ?, ?, ?, ?)', rows)
        database.execute('UPDATE tasks SET state = (SELECT state FROM tasks WHERE run = ? AND number = 0) WHERE run = ? AND number > 0', (small, large))
        database.commit()
        database.execute('PRAGMA wal_checkpoint(TRUNCATE)')
        database.close()
        print(f'{count} tasks, {seq + len(rows)} events, {os.path.getsize(os.path.join(top, "state", "interlock", "interlock.db")) // 1_000_000} MB')
        for words in (['--version'], ['runs'], ['why', 'last', f't{count - 1}'], ['why', 'last', 't0'], ['show', 'last', '--json'], ['approve', 'last', 't0'], ['approve', 'last']):
            answers = [interlock(*words) for _ in range(3)]
            done = answers[0][0]
            said = (done.stdout or done.stderr).strip().splitlines()
            print(f'{min(took for _, took in answers):8.3f} s  {" ".join(words):24} exit {done.returncode}: {said[0][:80] if said else ""}')


main()
