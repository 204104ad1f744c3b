"""Runs that were stopped, in whatever way, go on to the bytes of one that was left alone."""

import os
import random
import signal
import subprocess
import time
import unittest

from hanse import (BINARY, CORRUPTION, CSV_JOB, NOT_FOUND, PRECONDITION, UNAVAILABLE, Case,
                   csv_rows, without_timing)

FINISHED = ["job.toml", "model.json", "report.html", "report.json"]
KILLS = 100 if os.environ.get("HANSE_FULL") else 20


class Resume(Case):
    def setUp(self):
        super().setUp()
        self.write("job.toml", CSV_JOB)
        self.write("ovens.csv", "\n".join(csv_rows()) + "\n")

    def started(self, *words, ready=True):
        """A process that works on a run; ready: it has trained already."""
        process = subprocess.Popen([BINARY, *map(str, words)], cwd=self.folder,
                                   env=self.environment(), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        if ready:
            for line in process.stderr:
                if "round" in line:
                    break
        return process

    def run_words(self, rounds, out):
        return ["run", "job.toml", "--set", f"training.rounds={rounds}", "--repeats", 3,
                "--set", "model.kind=mlp", "--set", "model.hidden=[32, 32]", "--out", out]

    def stopped(self, rounds=10000, out="mine", how=signal.SIGINT):
        """A run that was stopped after it had begun to train."""
        process = self.started(*self.run_words(rounds, out))
        process.send_signal(how)
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 128 + how if how != signal.SIGKILL else -how)
        return self.folder / out

    def assert_same(self, run, reference):
        self.assertEqual(sorted(path.name for path in run.iterdir()), FINISHED)
        for name in ("model.json", "job.toml"):
            self.assertEqual((run / name).read_bytes(), (reference / name).read_bytes(), name)
        self.assertEqual(*(without_timing((one / "report.json").read_text())
                           for one in (run, reference)))

    def rounds_for(self, seconds):
        """So many rounds take about so long here."""
        begin = time.monotonic()
        self.succeeds(*self.run_words(200, "probe"), "--quiet")
        return min(int(200 * seconds / (time.monotonic() - begin)), 10000)

    def killed_up_to(self, kills, chance, words, out):
        """A run that was killed so often, or less where it was faster, and then left to finish."""
        process = self.started(*words, out)
        for kill in range(kills):
            # A save comes every two seconds: some processes get there, some do not.
            try:
                process.wait(timeout=chance.uniform(0, 4))
                kills = kill
                break
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
            process = self.started("resume", out, "--threads", 1 + kill % 3, ready=False)
        _, err = process.communicate(timeout=600)
        self.assertEqual(process.returncode, 0, err)
        return kills

    def test_killed_again_and_again(self):
        rounds = self.rounds_for(KILLS * 0.8)
        self.succeeds(*self.run_words(rounds, "whole"), "--quiet")
        chance = random.Random(11)
        kills = runs = 0
        # A fast machine finishes before it was killed often enough: then another run is killed.
        while kills < KILLS // 2:
            runs += 1
            words = self.run_words(rounds, f"mine{runs}")
            kills += self.killed_up_to(KILLS, chance, words[:-1], words[-1])
            self.assert_same(self.folder / f"mine{runs}", self.folder / "whole")

    def test_stopped_by_a_signal(self):
        rounds = self.rounds_for(1)
        self.succeeds(*self.run_words(rounds, "whole"), "--quiet")
        for how in (signal.SIGINT, signal.SIGTERM):
            run = self.stopped(rounds, f"by{how}", how)
            self.assertEqual(sorted(path.name for path in run.iterdir()), ["job.toml", "run.db"])
            done = self.succeeds("resume", run.name, "--threads", 1)
            self.assertIn(f"report: {run.name}/report.html", done.stdout)
            self.assert_same(run, self.folder / "whole")

    def test_an_unfinished_run_says_how_to_go_on(self):
        run = self.stopped()
        for words in (["report", "mine"], ["predict", "mine", "ovens.csv"]):
            self.fails(PRECONDITION, *words,
                       says=["'mine' is unfinished since 20", "go on with: hanse resume mine"])
        self.fails(6, "run", "job.toml", "--out", "mine", says=["hanse resume mine"])
        self.assertTrue((run / "run.db").exists())

    def test_a_finished_run_is_shown(self):
        self.succeeds(*self.run_words(5, "mine"), "--quiet")
        table = self.succeeds("report", "mine").stdout
        again = self.succeeds("resume", "mine/")
        self.assertIn("mine is finished already", again.stderr)
        self.assertEqual(again.stdout, table)
        self.assertEqual(self.succeeds("resume", "mine", "--json").stdout,
                         (self.folder / "mine" / "report.json").read_text())
        # Killed between the last two steps.
        (self.folder / "mine" / "run.db").write_bytes(b"whatever")
        (self.folder / "mine" / "model.json.123-0.tmp").write_bytes(b"half a mod")
        self.succeeds("resume", "mine")
        self.assertEqual(sorted(path.name for path in (self.folder / "mine").iterdir()), FINISHED)

    def test_what_is_no_run(self):
        self.fails(NOT_FOUND, "resume", "nowhere", says=["'nowhere' is no run"])
        (self.folder / "empty").mkdir()
        self.fails(NOT_FOUND, "resume", "empty", says=["'empty' is no run", "empty/job.toml"])

    def test_one_process_at_a_time(self):
        run = self.stopped()
        first = self.started("resume", "mine")
        done = self.hanse("resume", "mine")
        self.assertEqual(done.returncode, UNAVAILABLE, done.stderr)
        self.assertIn("cannot go on with 'mine'", done.stderr)
        self.assertIn("another process holds", done.stderr)
        self.fails(PRECONDITION, "report", "mine", says=["'mine' is unfinished; go on with"])
        first.send_signal(signal.SIGINT)
        _, err = first.communicate(timeout=30)
        self.assertEqual(first.returncode, 128 + signal.SIGINT)
        self.assertEqual(err.splitlines()[-1], "stopped; go on with: hanse resume mine")
        self.assertTrue((run / "run.db").exists())

    def test_what_changed_meanwhile_is_refused(self):
        run = self.stopped()
        job = (run / "job.toml").read_text()
        (run / "job.toml").write_text(job.replace("rounds = 10000", "rounds = 20"))
        self.fails(PRECONDITION, "resume", "mine", says=["the job file has changed", "hanse run"])
        (run / "job.toml").write_text(job.replace("rounds", "sounds"))
        self.fails(3, "resume", "mine", says=["mine/job.toml", "sounds"])
        (run / "job.toml").write_text(job)
        self.write("ovens.csv", "\n".join(csv_rows()[:-1]) + "\n")
        self.fails(PRECONDITION, "resume", "mine", says=["the data have changed", "hanse run"])
        (self.folder / "ovens.csv").unlink()
        self.fails(NOT_FOUND, "resume", "mine", says=["ovens.csv"])

    def test_a_damaged_record(self):
        run = self.stopped()
        good = (run / "run.db").read_bytes()
        self.assertGreater(len(good), 20000)
        for text, bad in (("another kind", b"x" * len(good)),
                          ("", good[:len(good) // 2]),
                          ("", good[:200] + bytes(len(good) - 200))):
            (run / "run.db").write_bytes(bad)
            self.fails(CORRUPTION, "resume", "mine",
                       says=[text, "begin a new run: hanse run mine/job.toml"])
        # One bit, anywhere: refused, or it does not matter.
        chance = random.Random(5)
        refused = 0
        for _ in range(20):
            bad = bytearray(good)
            bad[chance.randrange(100, len(bad))] ^= 1 << chance.randrange(8)
            (run / "run.db").write_bytes(bad)
            done = self.started("resume", "mine", ready=False)
            try:
                done.wait(timeout=0.5)
                self.assertEqual(done.returncode, CORRUPTION, done.stderr.read())
                refused += 1
            except subprocess.TimeoutExpired:
                done.kill()
                done.communicate()
                for path in run.glob("run.db-*"):
                    path.unlink()
        self.assertGreater(refused, 0)

    def test_names_that_a_shell_would_split(self):
        process = self.started(*self.run_words(10000, "my run's"))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        self.assertIn("stopped; go on with: hanse resume 'my run'\\''s'", err)


if __name__ == "__main__":
    unittest.main()
