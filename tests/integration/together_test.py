"""Runs started together: each is whole, none is mixed with another, none is lost."""

import json
import subprocess
import unittest

from hanse import BINARY, CSV_JOB, EXISTS, Case, csv_rows

FILES = ["job.toml", "model.json", "report.html", "report.json"]


class Together(Case):
    def setUp(self):
        super().setUp()
        self.write("job.toml", CSV_JOB)
        self.write("ovens.csv", "\n".join(csv_rows()) + "\n")

    def start(self, seed, *words):
        return subprocess.Popen([BINARY, "run", "job.toml", "--set", "training.rounds=1", "--seed",
                                 str(seed), *words], cwd=self.folder, env=self.environment(),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def seed_of(self, run):
        """The seed of a whole run; all its files are of that run."""
        self.assertEqual(sorted(path.name for path in run.iterdir()), FILES)
        seed = json.loads((run / "report.json").read_text())["seed"]
        self.assertIn(f"seed = {seed}\n", (run / "job.toml").read_text())
        return seed

    def test_two_runs_ten_times(self):
        for time in range(10):
            seeds = [2 * time + 1, 2 * time + 2]
            both = [self.start(seed) for seed in seeds]
            for process in both:
                _, err = process.communicate(timeout=30)
                self.assertEqual(process.returncode, 0, err)
        runs = self.folder / "runs"
        self.assertEqual(sorted(path.name for path in runs.iterdir()),
                         sorted(f"ovens-{n}" for n in range(1, 21)))
        self.assertEqual(sorted(self.seed_of(run) for run in runs.iterdir()), list(range(1, 21)))

    def test_two_runs_to_one_place(self):
        for time in range(10):
            both = [self.start(seed, "--out", f"mine{time}") for seed in (1, 2)]
            ends = []
            for process in both:
                _, err = process.communicate(timeout=30)
                ends.append((process.returncode, err))
            # Who takes the place first has it; the other one has not begun to work.
            self.assertEqual(sorted(code for code, _ in ends), [0, EXISTS], ends)
            first = self.seed_of(self.folder / f"mine{time}")
            self.assertEqual(ends[first - 1][0], 0)
            self.assertIn(f"'mine{time}' exists", ends[2 - first][1])
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()),
                         sorted(["job.toml", "ovens.csv", *(f"mine{t}" for t in range(10))]))

    def test_a_place_with_slashes_behind(self):
        done = self.succeeds("run", "job.toml", "--out", "mine//")
        self.assertIn(" mine/report.html", done.stdout)
        self.seed_of(self.folder / "mine")
        self.fails(EXISTS, "run", "job.toml", "--out", "mine/", says=["'mine' exists"])


if __name__ == "__main__":
    unittest.main()
