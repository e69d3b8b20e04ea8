#!/usr/bin/env python3
"""Interlock beside the tools people use instead, in one run: every row starts all in turns, several times.

    bench/peers.py BINARY                        every row: a table, medians and spreads
    bench/peers.py BINARY dispatch plan          some rows
    bench/peers.py BINARY --json FILE            the same as JSON as well; --markdown FILE as tables for a page
    bench/peers.py BINARY --page FILE            these tables between the marks of a page; all rows at their whole size
    bench/peers.py BINARY --part 0.1             a tenth of the size, to see that all runs
    bench/peers.py BINARY --rounds 5             so many turns (3)
    bench/peers.py BINARY --svg FOLDER           growth of each operation with size, as a chart
    bench/peers.py BINARY --programs build/bench/bench    our own measuring programs: what is within one process
    bench/peers.py BINARY --endpoint FILE        tests/endpoint's program, for tasks that call a model
    bench/peers.py BINARY --clients FOLDER       real agent clients that are installed there (tools/test-clients), for the row `tree`
    bench/peers.py BINARY --psplib FOLDER        instances of PSPLIB, for the rows `orders` and `noise` (../shared/data/psplib)

Rows:
{rows}

`time` is elapsed seconds, `cpu` processor seconds with all children, `largest` the largest process's peak memory, `machine` how much less memory the
machine had to give meanwhile. A ratio is to the first of the row: above 1 is better than that. A spread is (largest - smallest) / median. A
peer that is not installed is left out with a word.
"""
import argparse, os, shutil, sys, time

sys.dont_write_bytecode = True

from charts import growth_chart
from measured import Bench
from rows import dispatching, journaled, models, planning, trees

ROWS = {row.__name__: row for row in (
    dispatching.dispatch, planning.plan, dispatching.nothing, journaled.look, journaled.resume, trees.commits, models.chat, models.quota,
    dispatching.turns, trees.reads, trees.views, trees.tree, models.gateway, planning.growth, planning.orders, planning.noise)}


def main():
    rows = '\n'.join(f'      {name:<10}{row.__doc__}' for name, row in ROWS.items())
    options = argparse.ArgumentParser(description=__doc__.replace('{rows}', rows), formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument('binary')
    options.add_argument('rows', nargs='*', metavar='ROW', help=', '.join(ROWS))
    options.add_argument('--part', type=float, default=1)
    options.add_argument('--rounds', type=int, default=3)
    for name in ('json', 'markdown', 'page', 'svg', 'programs', 'endpoint', 'clients'): options.add_argument('--' + name)
    options.add_argument('--psplib', default='../shared/data/psplib')
    asked = options.parse_args()
    asked.psplib = os.path.abspath(asked.psplib)
    for name in asked.rows:
        if name not in ROWS: options.error(f'no row `{name}`: there are {", ".join(ROWS)}')
    if asked.page and (asked.rows or asked.part != 1): options.error('a page has all rows, at their whole size')
    bench, begun, failed = Bench(asked), time.monotonic(), []
    try:
        for name in asked.rows or ROWS:
            bench.key, at = name, time.monotonic()
            try:
                ROWS[name](bench)
            except (Exception, SystemExit) as why:
                # What the other rows give is kept, and the whole ends as a failure.
                failed.append(name)
                print(f'\n{name} FAILED: {why!r}' if not isinstance(why, SystemExit) else f'\n{name} FAILED: {why}', flush=True)
                bench.leave_out(name, 'it failed')
            print(f'[{name}: {time.monotonic() - at:.0f} s, {time.monotonic() - begun:.0f} s since the beginning]', flush=True)
    finally:
        shutil.rmtree(bench.root, True)
    bench.save()
    if asked.svg:
        os.makedirs(asked.svg, exist_ok=True)
        for row in bench.rows:
            if 'points' in row:
                with open(os.path.join(asked.svg, 'growth.svg'), 'w') as file: file.write(growth_chart(row['points']))
    if failed: sys.exit(f'failed: {", ".join(failed)}')


if __name__ == '__main__': main()
