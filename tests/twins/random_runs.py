#!/usr/bin/env python3
"""Random plans on real processes, held against their sequential twins.

    tests/twins/random_runs.py --interlock build/release/interlock --runs 500 [--seed N] [--keep]

Each run is made from one seed: a handful of tasks, in views and in git worktrees, most of which share
files. What a task writes, deletes, or fails at follows from what it reads alone. Every other plan grows:
tasks for each item of an output, rounds until a condition holds, tasks that are needed only if another
failed, and needs of which one is enough. The twin does the tasks one after the other, each upon what the
one before left, a failed one leaving nothing, and knows of conditions, items and rounds by itself.
Interlock does them at once and is killed (kill -9) at random instants, then resumed, until the run is
over. The two trees and the states of all tasks must be equal. Exit status: 0 all equal, 1 some not, 77
cannot run here.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile

FILES = ["a", "b", "c", "d/x", "d/y", "e/f/g"]


def draw_task(dice, number, isolation):
    """One shell line, deterministic in what it reads, and what it declares."""
    reads = sorted(dice.sample(FILES, dice.randint(0, 3)))
    writes = sorted(dice.sample(FILES + [f"own{number}"], dice.randint(1, 2)))
    seen = " ".join(reads) or "/dev/null"
    steps = [f"sum=$(cat {seen} 2>/dev/null | cksum)"]
    pause = f"sleep 0.{dice.randint(0, 25):02d}"
    kind = dice.random()
    looked_at = []
    if kind < 0.15:
        steps.append(f'case "$sum" in *[02468]) exit 3;; esac')
    elif kind < 0.25:
        looked_at.append(dice.choice(FILES))
        steps.append(f"cat {looked_at[0]} >/dev/null")
    steps.append(pause)
    for path in writes:
        folder = os.path.dirname(path)
        if folder:
            steps.append(f"mkdir -p {folder}")
        act = dice.random()
        if act < 0.2:
            steps.append(f"rm -f {path}")
        elif act < 0.5:
            steps.append(f'echo "t{number} $sum" >>{path}')
        else:
            steps.append(f'echo "t{number} $sum" >{path}')
    task = {"id": f"t{number}", "run": "; ".join(["set -e"] + steps), "isolation": isolation}
    if dice.random() < 0.5:
        # All of it: who leaves out what a later task has changed by then is told so, and fails.
        task["reads"], task["writes"] = sorted(set(reads + writes + looked_at)), writes
    if number and dice.random() < 0.25:
        task["needs"] = [f"t{dice.randrange(number)}"]
    return task


def draw_growing(dice, number, isolation, earlier):
    """Something that grows or may not be needed: a task of the document, or nothing that fits here."""
    task = draw_task(dice, number, isolation)
    task.pop("needs", None)
    splits = [one["id"] for one in earlier if one.get("output") == "json"]
    kind = dice.choice(["each", "each", "each", "round", "when", "any"] if splits else ["split"])
    plain = [one["id"] for one in earlier if "foreach" not in one and "repeat" not in one]
    if kind == "split":
        # As many items as follows from what it read: none, some, now and then too many.
        task["run"] += ('; n=$(( ${sum%% *} % 5 )); list=; for i in $(seq $n); do list="$list,\\"i$i\\""; done; '
                        'echo "[${list#,}]"')
        task["output"] = "json"
    elif kind == "each" and splits:
        task["id"] += "-{item}"
        task["foreach"] = f"{{outputs.{dice.choice(splits)}}}"
        task["at_most"] = dice.randint(2, 4)
        task["run"] += f"; echo {{item}} >>each{number}-{{item}}"
        if "writes" in task:
            each = f"each{number}-{{item}}"
            task["reads"], task["writes"] = task["reads"] + [each], task["writes"] + [each]
    elif kind == "round":
        # The round before is seen in the file only, which stays from round to round.
        task["run"] = f"set -e; echo round >>round{number}; sed -n 's/o/0/gp' round{number} >>a"
        task["run"] += f"; if [ $(wc -l <round{number}) -ge {dice.randint(1, 4)} ]; then echo yes; else echo no; fi"
        task["output"] = "text"
        task["repeat"] = {"until": f"outputs.t{number} == 'yes'", "at_most": dice.randint(1, 3)}
        for key in ("reads", "writes"):
            if key in task:
                task[key] = ["a", f"round{number}"]
    if plain and kind != "round" and dice.random() < (1 if kind == "when" else 0.2):
        task["when"] = f"outcome.{dice.choice(plain)} {dice.choice(['==', '!='])} 'done'"
    if kind == "any" and len(plain) > 1:
        task["needs"] = [{"any_of": sorted(dice.sample(plain, 2))}]
    elif earlier and dice.random() < 0.3:
        task["needs"] = [dice.choice(earlier)["id"].replace("{item}", "*")]
    return task


def draw_plan(seed):
    dice = random.Random(seed)
    some = dice.choice([["view"], ["view"], ["worktree"], ["view", "worktree"]])
    grows = seed % 2 == 1
    tasks = []
    for n in range(dice.randint(3, 8)):
        draw = draw_growing if grows and dice.random() < 0.7 else lambda *most: draw_task(*most[:3])
        task = draw(dice, n, dice.choice(some), tasks)
        names = {one["id"].split("-")[0]: one["id"].replace("{item}", "*") for one in tasks}
        if "needs" in task:
            task["needs"] = [names.get(need, need) if isinstance(need, str) else need for need in task["needs"]]
        tasks.append(task)
    return {"interlock": 1, "workspace": "ws",
            "limits": {"parallel": dice.randint(2, 6), "min_saving": "0s"}, "tasks": tasks}


def lay_out(folder):
    os.makedirs(folder)
    for path in FILES[:4]:
        full = os.path.join(folder, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as out:
            out.write(f"{path} at first\n")
    quiet = {"cwd": folder, "stdout": subprocess.DEVNULL, "check": True}
    subprocess.run(["git", "init", "-q", "-b", "main"], **quiet)
    subprocess.run(["git", "add", "-A"], **quiet)
    subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.org",
                    "commit", "-q", "-m", "first"], **quiet)


def tree_of(folder):
    found = {}
    for here, folders, files in os.walk(folder):
        if ".git" in folders:
            folders.remove(".git")
        for name in files:
            full = os.path.join(here, name)
            with open(full, "rb") as content:
                found[os.path.relpath(full, folder)] = content.read()
    return found


class Twin:
    """Does the tasks of a plan one by one, in plan order, in a folder of its own."""

    def __init__(self, plan, folder):
        self.folder, self.states, self.outputs = folder, {}, {}
        self.members = {}  # What a name in `needs` means: itself, or all rounds and items.
        for task in plan["tasks"]:
            self.members[task["id"]] = []
            if "foreach" in task:
                self.do_each(task)
            elif "repeat" in task:
                self.do_rounds(task)
            else:
                self.do(task, task["id"], task["run"])

    def succeeded(self, name):
        return all(self.states[one] == "done" or one in self.unneeded
                   for one in self.members[name.replace("*", "{item}")])

    unneeded = frozenset()

    def mark(self, task, name, state):
        self.states[name] = state
        self.members[task["id"]].append(name)

    def may_run(self, task):
        """Whether its needs are met; None: its condition says that it is not needed."""
        for need in task.get("needs", []):
            names = need["any_of"] if isinstance(need, dict) else [need]
            if not any(self.succeeded(name) for name in names):
                return False
        if "when" in task:
            left, how, _ = task["when"].split()
            state = self.states[left.removeprefix("outcome.")]
            if (state == "done") != (how == "=="):
                return None
        return True

    def do(self, task, name, line):
        may = self.may_run(task)
        if not may:
            self.mark(task, name, "skipped")
            if may is None:
                self.unneeded = self.unneeded | {name}
            return
        trial = self.folder + ".trial"
        shutil.copytree(self.folder, trial, symlinks=True)
        ended = subprocess.run(["sh", "-c", line], cwd=trial, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=False)
        self.mark(task, name, "done" if ended.returncode == 0 else "failed")
        if ended.returncode == 0:
            self.outputs[name] = ended.stdout.decode()
            shutil.rmtree(self.folder)
            os.rename(trial, self.folder)
        else:
            shutil.rmtree(trial)

    def do_each(self, task):
        first = task["id"].replace("-{item}", "[1]")
        source = task["foreach"].removeprefix("{outputs.").removesuffix("}")
        if self.states[source] != "done":
            self.mark(task, first, "skipped")
            if source in self.unneeded:
                self.unneeded = self.unneeded | {first}
            return
        items = json.loads(self.outputs[source])
        if len(items) > task["at_most"]:
            self.mark(task, first, "failed")
            return
        for item in items:
            self.do(task, task["id"].replace("{item}", item), task["run"].replace("{item}", item))

    def do_rounds(self, task):
        name, held, failed = task["id"], False, False
        for number in range(1, task["repeat"]["at_most"] + 1):
            one = f"{name}.{number}"
            if held or failed:
                self.mark(task, one, "skipped")
                if not failed:
                    self.unneeded = self.unneeded | {one}
                continue
            self.do(task, one, task["run"])
            failed = self.states[one] != "done"
            held = not failed and self.outputs[one].strip() == "yes"
        self.mark(task, f"{name}.until", "done" if held else "skipped" if failed else "failed")


class Interlock:
    def __init__(self, program, folder):
        self.program, self.folder, self.kills = program, folder, 0
        self.env = dict(os.environ, XDG_STATE_HOME=folder + "/state", GIT_CONFIG_NOSYSTEM="1",
                        GIT_CONFIG_GLOBAL="/dev/null")

    def call(self, *arguments):
        return subprocess.run([self.program, *arguments], cwd=self.folder, env=self.env,
                              capture_output=True, text=True, check=False)

    def run_to_the_end(self, plan_file, seed):
        """Runs, kills and resumes; the exit status of the last dispatcher and what it said."""
        dice = random.Random(seed * 31 + 7)
        kills = dice.choice([0, 1, 1, 2, 3])
        command = ["run", plan_file, "--pattern", "parallel", "--face", "lines"]
        while True:
            with subprocess.Popen([self.program, *command], cwd=self.folder, env=self.env,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as running:
                try:
                    said, _ = running.communicate(
                        timeout=dice.uniform(0.02, 1.2) if kills else 120)
                except subprocess.TimeoutExpired:
                    running.send_signal(signal.SIGKILL)
                    said, _ = running.communicate()
                    if not kills:
                        return -9, "it hangs: " + said.decode(errors="replace")
                    kills -= 1
                    self.kills += 1
            if running.returncode != -signal.SIGKILL:
                return running.returncode, said.decode(errors="replace")
            if self.call("show", "last").returncode == 0:
                command = ["resume", "last", "--face", "lines"]  # Else it died before it began.


def compare(program, seed, folder):
    plan = draw_plan(seed)
    lay_out(folder + "/ws")
    shutil.copytree(folder + "/ws", folder + "/twin", symlinks=True)
    plan_file = folder + "/plan.yaml"
    with open(plan_file, "w", encoding="utf-8") as out:
        json.dump(plan, out, indent=1)
    expected = Twin(plan, folder + "/twin").states
    interlock = Interlock(program, folder)
    code, said = interlock.run_to_the_end(plan_file, seed)
    shown = interlock.call("show", "last", "--json")
    try:
        states = {one["id"]: one["state"] for one in json.loads(shown.stdout)["tasks"]}
    except (ValueError, KeyError):
        return interlock.kills, f"nothing can be shown: {shown.stderr}; {said}"
    if states != expected:
        return interlock.kills, f"states {states}, one by one {expected} (exit {code}): {said}"
    mine, theirs = tree_of(folder + "/ws"), tree_of(folder + "/twin")
    different = sorted(p for p in mine.keys() | theirs.keys() if mine.get(p) != theirs.get(p))
    if different:
        return interlock.kills, f"different: {different} (exit {code}): {said}"
    if (code == 0) != all(state != "failed" for state in states.values()):
        return interlock.kills, f"exit {code} with states {states}"
    return interlock.kills, ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--interlock", required=True)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1, help="of the first run")
    parser.add_argument("--keep", action="store_true", help="the folders of runs that differ")
    wanted = parser.parse_args()
    program = os.path.abspath(wanted.interlock)
    if shutil.which("git") is None:
        print("no git here")
        return 77
    unequal = killed = 0
    for seed in range(wanted.seed, wanted.seed + wanted.runs):
        folder = tempfile.mkdtemp(prefix="interlock-twins-")
        try:
            kills, why = compare(program, seed, folder)
        finally:
            if not wanted.keep or not why:
                subprocess.run(["chmod", "-R", "u+rwX", folder], check=False)
                shutil.rmtree(folder, ignore_errors=True)
        killed += kills
        if why:
            unequal += 1
            print(f"seed {seed}: {why}" + (f"\n  in {folder}" if wanted.keep else ""))
    print(f"{wanted.runs} runs, {killed} kills, {unequal} not equal to their twins")
    return 1 if unequal else 0


if __name__ == "__main__":
    sys.exit(main())
