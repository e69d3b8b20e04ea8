"""Runs that were: a look at one, and taking it up again."""
import os

from large_run import make_large_run
from measured import Aim
from rows.dispatching import AS_IT_IS


def look(b):
    """`show` and `why` at a large run that is over"""
    n = b.size(3000)
    b.plan('looked.json', [{'id': f't{i}', 'run': ['/bin/true'], 'reads': [], 'writes': []} for i in range(n)])
    b.interlock('run', 'looked.json', *AS_IT_IS, '--parallel', '2')
    b.compare(f'one look at a run of {n} tasks', [
        ('interlock --version', None, lambda: b.interlock('--version')),
        ('interlock runs', None, lambda: b.interlock('runs')),
        ('interlock show', None, lambda: b.interlock('show', 'last')),
        ('interlock why', None, lambda: b.interlock('why', 'last', f't{n // 2}'))])


def resume(b):
    """a run of 1,000,000 events: taken up again, and one look at it; beside reading its journal and no more"""
    count = b.size(250_000)
    # It stands at a gate, which is not the end of its work.
    waits = (0, 1, 3)
    state = os.path.join(b.root, 'resumed')
    def go(*words): return b.interlock(*words, codes=waits, XDG_STATE_HOME=state)
    events = make_large_run(go, b.work, state, count)

    def read():
        journal = os.path.join(state, 'interlock', 'interlock.db')
        return b.run(['python3', '-c', f'import sqlite3\nfor row in sqlite3.connect({journal!r}).execute("SELECT seq, at, name, body FROM events"): pass'])
    b.compare(f'a run of {events} events', [
        ('its journal read by SQLite', None, read),
        ('plan', None, lambda: go('plan', 'large.json', '--effort', '0s')),
        ('resume', None, lambda: go('resume', 'last')),
        ('show', None, lambda: go('show', 'last')),
        ('show --json', None, lambda: go('show', 'last', '--json')),
        ('why', None, lambda: go('why', 'last', f't{count - 1}'))], unit=events,
        aims=[Aim('resume', 'time', 'median', 'at most', 1, 'below 1 s'),
              Aim('why', 'time', 'median', 'at most', .1, 'below 100 ms'),
              Aim('show', 'time', 'median', 'at most', .1, 'below 100 ms')])
