"""Two real agent clients in a large tree: each walks it with the tool that it has for that, as its model asks. They run with an emptied
environment, a fresh HOME, a made-up key and, by `unshare -n`, a network that has nothing but loopback."""
import json, os, shutil, sys

from measured import CPU, MEMORY, TIME

TESTS = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), 'tests', 'clients')
WALK = {'rules': [{'after_tool': False, 'steps': [{'shell': 'find . -type f -size -2 | wc -l'}]}, {'after_tool': True, 'steps': [{'text': 'Seen.'}]}]}

# In a network of its own, so the endpoint is started there too: `inside.py ENDPOINT SCRIPT COMMAND...`, where PORT stands in the words.
INSIDE = r"""
import os, subprocess, sys
endpoint, script, *command = sys.argv[1:]
subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
server = subprocess.Popen([endpoint, '--script', script, '--until-eof'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
port = server.stdout.readline().strip()
def at(text): return text.replace('127.0.0.1:PORT', '127.0.0.1:' + port)
plans = [word for word in command if word.endswith('.json')]
for path in plans + [os.path.join(root, name) for root, _, names in os.walk(os.environ['HOME']) for name in names if name.endswith(('.json', '.toml'))]:
    with open(path) as file: text = file.read()
    with open(path, 'w') as file: file.write(at(text))
code = subprocess.run([at(word) for word in command], env={name: at(value) for name, value in os.environ.items()}, stdin=subprocess.DEVNULL).returncode
server.stdin.close()
server.wait()
sys.exit(code)
"""


def walked_by_clients(b, n, folder):
    sys.path.insert(0, TESTS)
    import known
    from by_hand import call_of, make_files
    if not (b.options.endpoint and shutil.which('unshare') and shutil.which('ip')):
        return b.leave_out('a real client in the tree', 'it takes --endpoint, `unshare` and `ip`')
    inside, script = b.write('inside.py', INSIDE), b.write('walk.json', json.dumps(WALK))
    endpoint = os.path.abspath(b.options.endpoint)
    clients = os.path.abspath(b.options.clients)
    for client in known.CLIENTS:
        program = known.program(clients, client)
        if client.name not in ('claude-code', 'opencode'): continue
        if not os.access(program, os.X_OK):
            b.leave_out(f'{client.name} in the tree', 'it is not installed')
            continue
        home = os.path.join(b.root, f'home-{client.name}')

        def afresh():
            shutil.rmtree(home, True)
            os.makedirs(home + '/tmp')
            arguments, variables, files = call_of(client, 'http://127.0.0.1:PORT', home)
            make_files(home, files)
            return arguments, {'PATH': '/usr/local/bin:/usr/bin:/bin', 'HOME': home, 'TMPDIR': home + '/tmp', 'LANG': 'C.UTF-8', **variables}

        def alone():
            arguments, variables = afresh()
            words = ' '.join(f"'{word}'" for word in [program, *arguments])
            return emptied(b, [sys.executable, inside, endpoint, script, 'sh', '-c', f'cd {folder} && echo "count the files" | {words}'], variables)

        def in_view(observe):
            _, variables = afresh()
            agent = {'kind': client.kind, 'model': client.model, 'bin': program, 'base_url': 'http://127.0.0.1:PORT', 'key': 'THE_KEY'}
            b.plan('client.json', [{'id': 'all', 'prompt': 'count the files', 'agent': 'it', 'output': 'text'}], workspace=folder, agents={'it': agent},
                   defaults={'isolation': 'view', 'observe': observe})
            return emptied(b, [sys.executable, inside, endpoint, script, b.binary, 'run', os.path.join(b.work, 'client.json'), '--fresh', '--effort', '0s'],
                           {**variables, 'XDG_STATE_HOME': b.env['XDG_STATE_HOME'], 'THE_KEY': 'sk-made-up'})
        try:
            b.compare(f'{client.name}, asked to walk over {n} files', [
                ('by itself', None, alone), ('interlock, view, opens', None, lambda: in_view('opens')),
                ('interlock, view, all', None, lambda: in_view('all'))], (TIME, CPU, MEMORY), rounds=1)
        except SystemExit as failed:
            # Not ours to mend here: the page says so, and the other rows go on.
            b.leave_out(f'{client.name} in the tree', f'it failed: {str(failed).splitlines()[-1][:200]}')


def emptied(b, command, variables):
    words = [f'{name}={value}' for name, value in variables.items()]
    root = [] if os.getuid() == 0 else ['-r']
    return b.run(['env', '-i', *words, 'unshare', '-n', *root, *command])
