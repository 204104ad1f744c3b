"""Fairness between classes of sites, by the program: a run, a model for a class, which cost
dominates, and a schedule that is watched."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

HANSE = os.environ["HANSE_BINARY"]
SOURCE = pathlib.Path(os.environ["HANSE_SOURCE"])
JOB = SOURCE / "examples/fair/bearings.toml"
# The old machines have some fifty records: at less, noise outweighs them and no gap is released.
HEARD = ("--set", "privacy.epsilon=8", "--set", "fairness.share=0.5")


def hanse(*arguments, code=0, cwd=None):
    done = subprocess.run([HANSE, *map(str, arguments)], capture_output=True, text=True, cwd=cwd,
                          timeout=600)
    assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
    return done


class FairnessTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = pathlib.Path(cls.folder.name)
        cls.runs = []
        for seed in (7, 8, 9):
            run = cls.path / f"run-{seed}"
            # The sites' kind of sensor is what differs; the schedule has a seed for each period.
            hanse("run", JOB, *HEARD, "--seed", seed, "--out", run, cwd=cls.path)
            cls.runs.append(run)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_a_run_says_what_it_did_by_class(self):
        report = json.loads((self.runs[0] / "report.json").read_text())
        fairness = report["fairness"]
        self.assertEqual([one["name"] for one in fairness["classes"]], ["modern", "legacy"])
        for arm in ("fair", "plain", "shrunk", "fair_minus_plain"):
            self.assertIn("excess_gap", json.dumps(fairness[arm]))
        page = (self.runs[0] / "report.html").read_text()
        self.assertIn("<h2>Fairness</h2>", page)
        # The round that asked by class is charged, and its share is the job's.
        mechanisms = report["privacy"]["guarantee"]["mechanisms"]
        self.assertEqual(sum(one["count"] for one in mechanisms), len(report["rounds"]))
        released = [one["name"] for one in report["rounds"][-1]["released"]]
        self.assertEqual(released, ["counted_modern", "loss_modern", "sampling_modern", "counted_legacy",
                                    "loss_legacy", "sampling_legacy", "gap"])
        shown = hanse("report", self.runs[0]).stdout
        self.assertIn("excess gap", shown)

    def test_a_class_has_its_model(self):
        model = json.loads((self.runs[0] / "model.json").read_text())
        names = [one["names"] for one in model["site_classes"]]
        self.assertEqual(names, [["modern"], ["legacy"]])
        wrong = hanse("predict", self.runs[0], self.path, "--class", "legasy", code=3)
        self.assertIn("did you mean 'legacy'", wrong.stderr)

    def test_the_cost_is_taken_apart(self):
        out = self.path / "risk"
        done = hanse("fairness", "risk", JOB, "--seeds", 3, "--ladder", "--out", out, "--json")
        risk = json.loads(done.stdout)
        self.assertEqual(risk["schema"], "hanse.fairness_risk/1")
        self.assertEqual((out / "risk.json").read_text(), done.stdout)
        self.assertEqual(list(risk["cells"]), ["neither", "fair", "private", "private_and_fair"])
        whole = risk["cells"]["private_and_fair"]["fleet"]["value"] - \
            risk["cells"]["neither"]["fleet"]["value"]
        self.assertAlmostEqual(sum(term["cost"]["value"] for term in risk["raw"]), whole, places=9)
        self.assertTrue(risk["ladder"]["levers"])
        self.assertIn("trainings", done.stderr)
        again = hanse("fairness", "risk", JOB, "--seeds", 3, "--ladder", "--json", "--threads", 1)
        self.assertEqual(again.stdout, done.stdout)
        taken = hanse("fairness", "risk", JOB, "--seeds", 2, "--out", out, code=6)
        self.assertIn("exists", taken.stderr)

    def test_a_bound_that_levels_down_is_refused(self):
        arguments = ("fairness", "risk", JOB, "--seeds", 3, "--set", "fairness.constraint=gap",
                     "--set", "fairness.bound=0.001")
        refused = hanse(*arguments, code=4)
        self.assertIn("levels down", refused.stderr)
        allowed = hanse(*arguments, "--allow-levelling-down")
        self.assertIn("levels down", allowed.stdout)

    def test_a_schedule_is_watched(self):
        watched = json.loads(hanse("fairness", "watch", *self.runs, "--reference", 5, "--json").stdout)
        self.assertFalse(watched["alarms"])
        self.assertEqual(len(watched["periods"]), 3)
        for period in watched["periods"]:
            gap = period["gap"]
            # Noise makes a gap look larger than it is; the correction never adds to it.
            self.assertLessEqual(gap["value"], gap["released"])
            self.assertTrue(0 <= gap["low"] <= gap["released"] <= gap["high"], gap)
        # No run before the first names the classes that it is watched by.
        pairs = [{period["worse"], period["better"]} for period in watched["periods"]]
        self.assertEqual(pairs, [{""}, {"modern", "legacy"}, {"modern", "legacy"}])
        shown = hanse("fairness", "watch", *self.runs, "--reference", 5).stdout
        for period in watched["periods"]:
            gap = period["gap"]
            self.assertIn(f"{gap['value']:.3f} ({gap['low']:.3f} to {gap['high']:.3f})", shown)
        self.assertIn("all classes", shown)
        # A gap that was never fine.
        alarmed = hanse("fairness", "watch", *self.runs, *self.runs, *self.runs,
                        "--reference", -3, code=4)
        self.assertIn("has grown", alarmed.stderr)
        one = hanse("fairness", "watch", self.runs[0], code=3)
        self.assertIn("2 runs at least", one.stderr)

    def test_a_training_that_weighs_classes_is_told_by_its_last_round(self):
        run = self.path / "agnostic"
        hanse("run", JOB, *HEARD, "--set", "fairness.method=agnostic", "--out", run, cwd=self.path)
        rounds = json.loads((run / "report.json").read_text())["rounds"]
        told = [{one["name"]: one["value"] for one in row["released"]} for row in rounds
                if row["released"]]
        self.assertEqual(len(told), 4)  # three that weigh, and the last
        self.assertAlmostEqual(told[0]["share_modern"] + told[0]["share_legacy"], 1)
        watched = json.loads(hanse("fairness", "watch", run, "--reference", 9, "--json").stdout)
        self.assertAlmostEqual(watched["periods"][0]["gap"]["released"], told[-1]["gap"])
        self.assertIn(f"gap {told[-1]['gap']:.3g} ", hanse("report", run).stdout)

    def test_a_class_that_noise_hides_has_no_gap(self):
        few = self.path / "few"
        hanse("run", JOB, "--out", few, cwd=self.path)
        refused = hanse("fairness", "watch", few, "--reference", 9, code=4)
        self.assertIn("the noise outweighs the records", refused.stderr)
        self.assertIn("fairness.share", refused.stderr)

    def test_what_has_no_fairness_is_refused(self):
        plain = hanse("fairness", "risk", SOURCE / "examples/private/bearings.toml", code=3)
        self.assertIn("[fairness]", plain.stderr)


if __name__ == "__main__":
    unittest.main()
