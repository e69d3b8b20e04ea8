"""What a case stands in: a folder of its own, the endpoint, Interlock, and nothing from outside."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request


class Place:
    """Where everything lies; from the command line of suite.py."""
    interlock = endpoint = clients = scratch = node = ""
    gateway = True
    figures = False


PATIENCE_S = 120


def bare_environment(home):
    """All that a program here is given. Whatever else it sees is a leak."""
    path = "/usr/local/bin:/usr/bin:/bin"
    return {"PATH": f"{Place.node}:{path}" if Place.node else path, "HOME": home,
            "TMPDIR": home + "/tmp", "LANG": "C.UTF-8"}


class Endpoint:
    def __init__(self, script, folder):
        path = os.path.join(folder, "script.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(script, file)
        # It ends when the pipe to it does, so that not even a killed suite leaves it behind.
        self.process = subprocess.Popen(
            [Place.endpoint, "--script", path, "--until-eof"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, env=bare_environment(folder))
        self.url = "http://127.0.0.1:" + self.process.stdout.readline().strip()

    def get(self, path):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self.url + path, timeout=20) as answer:
            return json.load(answer)

    def books(self):
        return self.get("/books")

    def wait_for(self, holds, what):
        """Until it holds of the books: the endpoint has no way to call back, so it is asked again."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            books = self.books()
            if holds(books):
                return books
            time.sleep(0.05)
        raise AssertionError(f"never came: {what}\n{json.dumps(self.books()['total'], indent=1)}")

    def end(self):
        self.process.stdin.close()
        self.process.wait(timeout=20)
        self.process.stdout.close()


class World:
    """A workspace with one file in it, the state of Interlock, and an endpoint with a script."""

    def __init__(self, script):
        self.folder = tempfile.mkdtemp(prefix="case-", dir=Place.scratch)
        self.home = os.path.join(self.folder, "home")
        self.workspace = os.path.join(self.folder, "work")
        os.makedirs(self.home + "/tmp")
        os.makedirs(self.workspace)
        self.write("notes.txt", "first line\n")
        self.endpoint = Endpoint({"keep_bodies": True, **script}, self.folder)
        self.environment = bare_environment(self.home)
        self.started, self.descriptors = [], []

    def end(self):
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            process.stdout.close()
            process.stderr.close()
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.endpoint.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, path, content):
        with open(os.path.join(self.workspace, path), "w", encoding="utf-8") as file:
            file.write(content)

    def read(self, path):
        try:
            with open(os.path.join(self.workspace, path), encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def fifo(self, name):
        """Beside the workspace; what waits on it goes on when the descriptor is written to."""
        path = os.path.join(self.folder, name)
        os.mkfifo(path)
        descriptor = os.open(path, os.O_RDWR)
        self.descriptors.append(descriptor)
        return descriptor

    def bodies_of(self, task):
        """The requests of a task with tools, in their order: what its client sent."""
        return [self.endpoint.get(f"/books/{call['n']}") for call in self.endpoint.books()["calls"]
                if call["task"] == task and call["tools"]]

    def start(self, arguments, environment=None, stdin=subprocess.DEVNULL):
        process = subprocess.Popen(
            arguments, cwd=self.workspace, stdin=stdin, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env={**self.environment, **(environment or {})},
            start_new_session=True)
        self.started.append(process)
        return process

    def interlock(self, *arguments, environment=None):
        """To its end: exit status, standard output, standard error."""
        process = self.start([Place.interlock, *arguments], environment)
        out, err = process.communicate(timeout=PATIENCE_S)
        return process.returncode, out, err

    def show(self):
        status, out, err = self.interlock("show", "last", "--json")
        if status not in (0, 1):
            raise AssertionError(f"show: {status} {err}")
        return json.loads(out)
