"""Ctrl-C in the middle of a run: exit code 130, one line that says how to go on."""

import os
import pty
import signal
import subprocess
import time
import unittest

from hanse import BEARINGS, BINARY, Case

LONG = ["run", BEARINGS, "--set", "training.rounds=2000"]


class Interrupt(Case):
    def interrupted(self, how, run, *words):
        process = subprocess.Popen([BINARY, *LONG, *words], cwd=self.folder,
                                   env=self.environment(), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        for line in process.stderr:  # a first line of progress: the run is on its way
            if "round" in line:
                break
        process.send_signal(how)
        out, err = process.communicate(timeout=30)
        self.assertEqual(out, "")
        self.assertEqual(err.splitlines()[-1], f"stopped; go on with: hanse resume {run}")
        self.assertNotIn("error", err)
        self.assertEqual(sorted(path.name for path in (self.folder / run).iterdir()),
                         ["job.toml", "run.db"])
        return process.returncode

    def test_interrupt(self):
        self.assertEqual(self.interrupted(signal.SIGINT, "runs/bearings-1"), 128 + signal.SIGINT)

    def test_interrupt_with_a_folder_of_ones_own(self):
        self.assertEqual(self.interrupted(signal.SIGINT, "mine", "--out", "mine"),
                         128 + signal.SIGINT)

    def test_termination(self):
        self.assertEqual(self.interrupted(signal.SIGTERM, "runs/bearings-1"), 128 + signal.SIGTERM)

    def test_quiet_is_not_that_quiet(self):
        process = subprocess.Popen([BINARY, *LONG, "--quiet"], cwd=self.folder,
                                   env=self.environment(), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        while not (self.folder / "runs" / "bearings-1" / "run.db").exists():
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        self.assertEqual(err, "stopped; go on with: hanse resume runs/bearings-1\n")

    def test_a_killed_run_is_in_nobodys_way(self):
        process = subprocess.Popen([BINARY, *LONG], cwd=self.folder,
                                   env=self.environment(), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            if "round" in line:
                break
        process.kill()
        process.communicate(timeout=30)
        done = self.succeeds("run", BEARINGS, "--set", "training.rounds=3", "--quiet")
        self.assertIn("runs/bearings-2/report.html", done.stdout)
        self.assertEqual(sorted(path.name for path in (self.folder / "runs").iterdir()),
                         ["bearings-1", "bearings-2"])


class OnATerminal(Case):
    def seen(self, **more):
        """What a run writes to stderr when that is a terminal."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen([BINARY, "run", BEARINGS], cwd=self.folder,
                                   env=self.environment(TERM="xterm", **more),
                                   stdout=subprocess.DEVNULL, stderr=theirs)
        os.close(theirs)
        text = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            text += piece
        os.close(ours)
        self.assertEqual(process.wait(timeout=30), 0)
        return text.decode()

    def test_one_line_is_rewritten_and_erased(self):
        text = self.seen()
        self.assertNotIn("\n", text)
        self.assertIn("sites in", text)
        self.assertIn("\x1b[32m", text)
        self.assertTrue(text.endswith("\r\x1b[K"), repr(text[-40:]))

    def test_no_color_is_obeyed(self):
        self.assertNotIn("\x1b[32m", self.seen(NO_COLOR="1"))


if __name__ == "__main__":
    unittest.main()
