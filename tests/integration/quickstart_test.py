"""The first thing people try: a consortium of processes that starts, trains and ends by itself."""

import json
import os
import pathlib
import signal
import subprocess
import unittest

from hanse import BINARY, EXISTS, UNAVAILABLE, Case
from parties import PATIENCE, eventually

PARTIES = ("coordinator", "gdansk", "hamburg", "riga")


def processes_in(folder):
    """Running processes whose words name this folder: their numbers, by party."""
    found = {}
    for line in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = line.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        homes = [word for word in words if word.startswith(f"{folder}/")]
        if "--home" in words and homes:
            found[pathlib.Path(homes[0]).name] = int(line.parent.name)
    return found


class Quickstart(Case):
    def setUp(self):
        super().setUp()
        self.out = self.folder / "trial"

    def start(self):
        child = subprocess.Popen([BINARY, "quickstart", "--out", str(self.out)], cwd=self.folder,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                 env=self.environment())
        self.addCleanup(child.communicate)
        self.addCleanup(child.kill)
        return child

    def nobody_is_left(self):
        eventually(lambda: not processes_in(self.out), lambda: processes_in(self.out))

    def test_runs_to_its_end(self):
        done = self.succeeds("quickstart", "--out", str(self.out), timeout=PATIENCE)
        self.assertEqual(processes_in(self.out), {})
        self.assertIn("21 rounds", done.stdout)
        self.assertIn("epsilon 3 per record", done.stdout)
        self.assertEqual(done.stderr.count("first round closed after"), 1)
        named = [word.rstrip(",") for word in done.stdout.split() if str(self.out) in word]
        self.assertEqual(len(named), 7)
        for path in named:
            self.assertTrue(list(pathlib.Path("/").glob(path[1:])), path)
        # What it proposes proves what was done.
        said = done.stdout[done.stdout.index("hanse audit verify"):].splitlines()[0].split()
        self.assertIn("\nin order\n", self.succeeds(*said[1:]).stdout)
        report = json.loads((self.out / "result/report.json").read_text())
        self.assertEqual(report["mode"], "deployed")
        self.assertEqual([(one["round"], one["sites_in"]) for one in report["rounds"]],
                         [(number, 3) for number in range(1, 22)])
        for party in PARTIES:
            self.assertTrue((self.out / party / "store.db").exists())
            lines = [json.loads(line)
                     for line in (self.out / party / "log.jsonl").read_text().splitlines()]
            self.assertEqual({line["party"] for line in lines}, {party})
            self.assertIn("stopping", "".join(line["text"] for line in lines))
        self.fails(EXISTS, "quickstart", "--out", str(self.out))

    def test_noise_that_nobody_can_repeat(self):
        """What is called private has noise from the system, not from a seed."""
        done = self.succeeds("quickstart", "--json", "--out", str(self.out), timeout=PATIENCE)
        status = json.loads(done.stdout)["jobs"][0]
        self.assertEqual((status["phase"], status["rounds"], status["sites"]), ("finished", 21, 3))
        self.succeeds("run", self.out / "result/job.toml", "--out", "alone")
        self.succeeds("quickstart", "--out", "again", timeout=PATIENCE)
        models = [json.loads((self.folder / run / "model.json").read_text())
                  for run in ("trial/result", "alone", "again/result")]
        for model in models:
            model.pop("training_groups")  # the deployed coordinator knows of none
        parameters = [model.pop("parameters") for model in models]
        self.assertEqual(models[1:], models[:1] * 2)
        self.assertEqual(len({tuple(one) for one in parameters}), 3)

    def test_ctrl_c_ends_all(self):
        child = self.start()
        eventually(lambda: len(processes_in(self.out)) == 4, "four processes")
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(PATIENCE), 128 + signal.SIGINT)
        self.nobody_is_left()

    def test_ends_when_it_is_killed_itself(self):
        child = self.start()
        eventually(lambda: len(processes_in(self.out)) == 4, "four processes")
        child.kill()
        child.wait(PATIENCE)
        self.nobody_is_left()

    def test_a_process_that_dies_ends_all(self):
        for party in ("coordinator", "riga"):
            with self.subTest(party):
                self.out = self.folder / f"without-{party}"
                child = self.start()
                pid = eventually(lambda: processes_in(self.out).get(party), party)
                os.kill(pid, signal.SIGKILL)
                said = child.communicate(timeout=PATIENCE)[1]
                self.assertEqual(child.returncode, UNAVAILABLE, said)
                self.assertIn("a process ended by itself", said)
                self.nobody_is_left()


if __name__ == "__main__":
    unittest.main()
