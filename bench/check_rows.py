#!/usr/bin/env python3
"""That every row of bench/peers.py runs through, at a size at which its figures say nothing.

    bench/check_rows.py BINARY MODEL_ENDPOINT [PROGRAMS]

What is left out for want of an installed peer is no fault; a row that is missing, and one without a figure, is.
"""
import json, os, subprocess, sys, tempfile

sys.dont_write_bytecode = True
from peers import ROWS

# Rows of which all is measured by programs of our own, which are only built for the bench.
OF_PROGRAMS = {'quota', 'views', 'gateway', 'orders', 'noise'}


def main():
    binary, endpoint, *programs = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        found = os.path.join(folder, 'rows.json')
        page = os.path.join(folder, 'rows.md')
        command = [sys.executable, '-B', os.path.join(os.path.dirname(os.path.abspath(__file__)), 'peers.py'), binary, '--endpoint', endpoint,
                   '--part', '0.002', '--rounds', '1', '--json', found, '--markdown', page, '--svg', folder]
        if programs: command += ['--programs', programs[0]]
        if subprocess.run(command, stdin=subprocess.DEVNULL).returncode != 0: sys.exit('the bench did not run through')
        with open(found) as file: answer = json.load(file)
        faults = []
        for name in ROWS:
            of = [row for row in answer['rows'] if row['row'] == name]
            left_out = [it for it in answer['left_out'] if it['row'] == name]
            # Orders are measured with instances that not everybody has.
            if not of and not (left_out and (name == 'orders' or name in OF_PROGRAMS and not programs)): faults.append(f'row `{name}` is missing')
            for row in of:
                if len(row['contenders']) < 1 and 'points' not in row: faults.append(f'row `{name}`: `{row["title"]}` has no contenders')
                for it in row['contenders']:
                    for measure in row['measures']:
                        if measure['key'] not in it: faults.append(f'row `{name}`: `{it["name"]}` has no {measure["key"]}')
        if programs:
            for it in answer['left_out']:
                if 'not built' in it['why']: faults.append(f'{it["what"]}: {it["why"]}')
        for file in (page, os.path.join(folder, 'growth.svg')):
            if os.path.getsize(file) == 0: faults.append(f'{os.path.basename(file)} is empty')
        for fault in faults: print(f'fault: {fault}')
        sys.exit(1 if faults else 0)


main()
