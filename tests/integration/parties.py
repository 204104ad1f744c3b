"""Consortia of real processes: founded with the real commands, started, watched and killed."""

import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.request

from hanse import BINARY, Case

PATIENCE = 180  # seconds that a busy machine may take for anything; no test waits for it to pass

SITES = ("bremen", "essen", "ulm")

# Ovens that are hot above 50 degrees; where the records lie is every site's own word.
JOB = """name = "{name}"
seed = 5
[data]
source = "csv"
{paths}
[data.split]
kind = "holdout"
by = "group"
test = 0.25
[[data.column]]
name = "degrees"
kind = "number"
unit = "C"
low = 0
high = 100
[[data.column]]
name = "state"
kind = "label"
values = ["cold", "hot"]
[[data.column]]
name = "oven"
kind = "group"
{columns}
[model]
{model}
[training]
strategy = "fedavg"
rounds = {rounds}
[privacy]
{privacy}
[aggregation]
{aggregation}
"""

# Nothing but consortia of tests runs in the clear.
IN_THE_CLEAR = 'entrance = "in_the_clear"'

# One table with all plants, for `hanse run` and for consortia of tests.
TOGETHER = {"paths": 'path = "ovens.csv"',
            "columns": '[[data.column]]\nname = "plant"\nkind = "site"'}


def job(name="ovens", rounds=4, min_sites=3, model='kind = "logistic"', paths='path = "unknown.csv"',
        columns="", privacy=IN_THE_CLEAR):
    # Masked among three sites; a sum of fewer can only be plain, which is for consortia of tests.
    how = "max_colluders = 0" if min_sites >= 3 else 'backend = "plain"'
    text = JOB.format(name=name, rounds=rounds, model=model, paths=paths, columns=columns,
                      privacy=privacy, aggregation=f"{how}\nmin_sites = {min_sites}")
    return text if privacy == IN_THE_CLEAR else text.replace('"fedavg"', '"fedsgd"')


def rows(site, ovens=8):
    source = random.Random(site)
    for oven in range(ovens):
        for _ in range(3):
            hot = oven % 2
            degrees = round(source.uniform(55, 95) if hot else source.uniform(5, 45), 1)
            yield f"{degrees},{'hot' if hot else 'cold'},{site}{oven}"


def free_port():
    """Below the ports that connections take for themselves: nobody has it when it is bound."""
    source = random.SystemRandom()
    while True:
        port = source.randint(15000, 32000)
        with socket.socket() as found:
            try:
                found.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def eventually(look, what, seconds=PATIENCE):
    """What `look` says once that is true."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = look()
        if found:
            return found
        time.sleep(.02)
    raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")


class Process:
    """A party that runs, or ran."""

    def __init__(self, words, log, **options):
        self.log = pathlib.Path(log)
        self.offset = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as stderr:
            self.child = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL,
                                          stdout=subprocess.DEVNULL, stderr=stderr,
                                          start_new_session=True, **options)

    def said(self):
        """All of its log since this start."""
        with open(self.log, "rb") as file:
            file.seek(self.offset)
            return file.read().decode()

    def lines(self):
        """Its log as JSON; a line that is none fails the test."""
        return [json.loads(line) for line in self.said().splitlines()]

    def texts(self):
        return [line["text"] for line in self.lines()]

    def waits_for(self, text, seconds=PATIENCE):
        def look():
            said = self.said()
            if text in said:
                return said
            if self.child.poll() is not None:
                raise AssertionError(f"ended ({self.child.returncode}) without '{text}': {said}")
            return None
        return eventually(look, lambda: f"'{text}' in {self.log}: {self.said()}", seconds)

    def page(self, path, seconds=10):
        said = self.waits_for("/metrics on port")
        port = int(said.split("/metrics on port ")[1].split('"')[0])
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=seconds) as reply:
            return reply.read().decode()

    def ends(self, seconds=PATIENCE):
        return self.child.wait(seconds)

    def running(self):
        return self.child.poll() is None

    def stop(self):
        """Asked to; its exit code."""
        if self.running():
            self.child.send_signal(signal.SIGTERM)
        return self.ends()

    def kill(self):
        """With what runs it, such as strace: killed alone, that leaves its child behind."""
        if self.running():
            os.killpg(self.child.pid, signal.SIGKILL)
        return self.ends()


class Parties(Case):
    def setUp(self):
        super().setUp()
        self.started = []
        self.addCleanup(self.kill_all)
        self.port = free_port()

    def kill_all(self):
        for process in self.started:
            process.kill()

    def found(self, *sites, test=True, engineer=True, address=None, every=None, classes=None):
        """Keys, epoch 1 signed by all founders and pinned by all; as people do it."""
        self.sites = sites or SITES
        people = ("engineer",) if engineer else ()
        for name in (*self.sites, *people):
            words = ("--role", "engineer") if name in people else ()
            if classes and name in classes:
                words = ("--class", classes[name])
            self.succeeds("site", "join", "--home", name, "--consortium", "ovens", "--name", name,
                          *words)
        homes = [*self.sites, *people]
        self.succeeds("consortium", "init", "ovens", "--home", "hub", "--address",
                      address or f"127.0.0.1:{self.port}", *(["--test"] if test else []),
                      *[f"{home}/request" for home in homes])
        shutil.copy(self.folder / "hub/proposal", self.folder / "epoch-1")
        for home in homes:
            self.succeeds("consortium", "approve", "epoch-1", "--home", home, "--yes")
        for home in ("hub", *homes):
            self.succeeds("site", "join", "--home", home, "epoch-1", "--yes")
        for site in self.sites:
            self.own_table(site)

    def own_table(self, site, consent="any", limits="", more="", budget=""):
        """The owner's word: a table beside local/site.toml."""
        local = self.folder / site / "local"
        local.mkdir(exist_ok=True)
        (local / "ovens.csv").write_text("\n".join(["degrees,state,oven", *rows(site)]) + "\n")
        (local / "site.toml").write_text(
            f'[data]\npath = "ovens.csv"\n{more}\n[consent]\njobs = "{consent}"\n[limits]\nmax_colluders = 0\n{limits}\n{budget}\n')

    def one_table(self):
        """All plants in one file, for jobs that say where it lies."""
        lines = ["degrees,state,oven,plant"]
        for site in self.sites:
            lines += [f"{row},{site}" for row in rows(site)]
        self.write("ovens.csv", "\n".join(lines) + "\n")
        for site in self.sites:
            (self.folder / site / "local/site.toml").write_text(
                '[consent]\njobs = "any"\n[limits]\nmax_colluders = 0\n')

    def start(self, *words, home, before=(), **options):
        options.setdefault("env", self.environment())
        process = Process([*before, BINARY, *words, "--home", home], self.folder / f"{home}.log",
                          cwd=self.folder, **options)
        self.started.append(process)
        return process

    def coordinator(self, *words, clear=True, bind=None, home="hub", ready=True, **options):
        """`ready`: once it takes orders; else it may as well refuse to start."""
        process = self.start("coordinator", "run", "--bind", bind or f"127.0.0.1:{self.port}",
                             "--http", "127.0.0.1:0", *(["--in-the-clear"] if clear else []),
                             *words, home=home, **options)
        if ready:
            process.waits_for("listens on port")
        return process

    def site(self, name, *words, clear=True, **options):
        return self.start("site", "run", "--threads", "1",
                          *(["--in-the-clear"] if clear else []), *words, home=name, **options)

    def all_sites(self, *words, **options):
        return {name: self.site(name, *words, **options) for name in self.sites}

    def submit(self, text, *words, home="engineer"):
        self.write("submitted.toml", text)
        done = self.succeeds("job", "submit", "submitted.toml", "--home", home, "--json", *words)
        return json.loads(done.stdout)["jobs"][0]

    def jobs(self, home="engineer"):
        done = self.succeeds("job", "list", "--home", home, "--json")
        return {one["job"]: one for one in json.loads(done.stdout)["jobs"]}

    def watch(self, name="ovens", home="engineer"):
        return self.hanse("job", "watch", name, "--home", home, "--json", timeout=4 * PATIENCE)

    def finishes(self, name="ovens", home="engineer"):
        done = self.watch(name, home)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)["jobs"][0]

    def last_head_is_cosigned(self):
        """By all sites; the hub publishes a head a second as long as there are leaves to come."""
        seen = []

        def settled():
            seen.append((self.folder / "hub/audit/checkpoint").read_text())
            return seen[-1].count("\n\u2014 ovens/site/") == 3 and len(seen) > 120 and \
                len(set(seen[-120:])) == 1

        eventually(settled, "cosignatures of the last head")

    def deployed_report(self, name="ovens"):
        return json.loads((self.folder / "hub/runs" / name / "report.json").read_text())

    def model(self, run="hub/runs/ovens"):
        """A model, apart from what the simulation knows more of."""
        model = json.loads((self.folder / run / "model.json").read_text())
        model.pop("training_groups", None)
        return model


def is_root():
    return os.geteuid() == 0


# The kinds of entries that stores keep, by field number (docs/formats/store.md names the files).
OPENED, CLOSED, ABORTED, ENDED = 1, 2, 3, 4   # of a training, at the coordinator
ANSWERED, RECEIPTED, DROPPED = 1, 2, 3        # of a site


def fields(message):
    """Number and value of a protobuf message's fields, in their order."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        key = varint()
        size = {1: 8, 5: 4}.get(key & 7) or varint()
        if key & 7 == 0:
            yield key >> 3, size
            continue
        yield key >> 3, message[at:at + size]
        at += size


def entries(store, log):
    """The kind and body of each entry; no process has the store open."""
    with contextlib.closing(sqlite3.connect(store)) as at:
        rows_of_log = at.execute("SELECT bytes FROM entry WHERE log = ? ORDER BY number", (log,))
        return [next(fields(row[0])) for row in rows_of_log]


def releases(store, site, kind):
    """What a site's record says that it answered, or has receipts for: one name per release."""
    found = []
    for number, body in entries(store, f"site/{site}"):
        release = next(fields(body))[1] if number == ANSWERED else body
        if number == kind:
            found.append(tuple(fields(release)))
    return found
