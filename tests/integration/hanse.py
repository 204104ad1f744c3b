"""Drives the built binary: a folder of its own per case, nothing of the caller's environment."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

BINARY = os.environ["HANSE_BINARY"]
SOURCE = pathlib.Path(os.environ["HANSE_SOURCE"])
DATA = os.environ.get("HANSE_DATA")
BEARINGS = str(SOURCE / "examples" / "bearings.toml")

# docs/operating/command_line.md
USAGE, INVALID, PRECONDITION, NOT_FOUND, EXISTS, DENIED, CORRUPTION, UNAVAILABLE = (
    2, 3, 4, 5, 6, 7, 9, 10)

CSV_JOB = """name = "ovens"
seed = 5
[data]
source = "csv"
path = "ovens.csv"
[data.split]
kind = "holdout"
by = "group"
test = 0.5
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
[[data.column]]
name = "plant"
kind = "site"
[model]
kind = "logistic"
[training]
strategy = "fedavg"
rounds = 10
[privacy]
entrance = "in_the_clear"
[aggregation]
backend = "plain"
"""


def csv_rows(plants=("a", "b")):
    """Ovens that are hot above 50 degrees; four of each state per plant, two records each."""
    rows = ["degrees,state,oven,plant"]
    for plant in plants:
        for oven in range(8):
            for record in range(2):
                hot = oven % 2
                degrees = (70 if hot else 20) + 3 * record + oven
                rows.append(f"{degrees},{'hot' if hot else 'cold'},{plant}{oven},{plant}")
    return rows


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, text):
        (self.folder / name).write_text(text)
        return name

    def environment(self, **more):
        kept = {"PATH": os.environ["PATH"]}
        for name in ("HANSE_DATA", "ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                kept[name] = os.environ[name]
        return {**kept, **more}

    def hanse(self, *words, **options):
        options.setdefault("env", self.environment())
        return subprocess.run([BINARY, *map(str, words)], cwd=self.folder, capture_output=True,
                              text=True, check=False, **options)

    def succeeds(self, *words, **options):
        done = self.hanse(*words, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def fails(self, code, *words, says=(), **options):
        """Exit code and words of the error; nothing on stdout, no folder half written."""
        before = self.entries()
        done = self.hanse(*words, **options)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertEqual(done.stdout, "")
        for part in says:
            self.assertIn(part, done.stderr)
        self.assertEqual(self.entries(), before)
        return done

    def entries(self):
        """What lies in the folder; a party that runs beside writes its audit log when it likes."""
        paths = (path.relative_to(self.folder) for path in self.folder.rglob("*"))
        return sorted(str(path) for path in paths
                      if "audit" not in path.parts and path.suffix != ".tlog-proof")

    def report(self, *words):
        return json.loads(self.succeeds("run", *words, "--json", "--quiet").stdout)


def without_timing(text):
    report = json.loads(text)
    del report["timing"]
    return json.dumps(report)
