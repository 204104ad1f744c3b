"""The main job on real recordings, bearings held out (skipped where HANSE_DATA is not set)."""

import json
import pathlib
import shutil
import unittest

from hanse import DATA, SOURCE, Case

JOB = str(SOURCE / "examples" / "cwru.toml")


@unittest.skipUnless(DATA and (pathlib.Path(DATA) / "cwru").is_dir(),
                     "cwru recordings: HANSE_DATA is not set or has no cwru folder")
class RealRecordings(Case):
    def test_reaches_the_bars(self):
        report = self.report(JOB)
        metrics = report["metrics"]
        self.assertEqual([site["name"] for site in report["sites"]],
                         ["1730", "1750", "1772", "1797"])
        self.assertEqual(len(metrics["folds"]), 3)
        self.assertGreaterEqual(metrics["pooled"]["roc_auc"]["value"], 0.72)
        self.assertLessEqual(
            abs(metrics["pooled"]["roc_auc"]["value"] - metrics["federated"]["roc_auc"]["value"]), 0.02)
        gain = metrics["federated_minus_local"]["roc_auc"]
        self.assertLessEqual(gain["low"], gain["value"])
        self.assertEqual(report["privacy"]["unit"], "recording")

    def test_predicts_recordings_that_were_not_in_training(self):
        self.succeeds("run", JOB, "--out", "run", "--set", "data.split.fold=3", "--quiet")
        model = json.loads((self.folder / "run" / "model.json").read_text())
        known = set(model["training_groups"])
        for name in ("new", "known"):
            (self.folder / name).mkdir()
        for recording in (pathlib.Path(DATA) / "cwru").glob("*_DE12.npy"):
            _, fault, size, _ = recording.name.split("_")
            shutil.copy(recording, self.folder / ("known" if f"{fault}_{size}" in known else "new"))
        said = self.succeeds("predict", "run", "new", "--json")
        self.assertNotIn("were in training", said.stderr)
        predictions = json.loads(said.stdout)
        self.assertEqual(predictions["groups_in_training"], [])
        self.assertGreater(len(predictions["records"]), 300)
        self.assertGreater(predictions["metrics"]["roc_auc"], 0.6)
        for record in predictions["records"]:
            self.assertAlmostEqual(sum(record["probabilities"].values()), 1, places=9)
        self.assertIn("were in training", self.succeeds("predict", "run", "known").stderr)

    def test_other_file_names(self):
        self.succeeds("run", JOB, "--out", "run", "--set", "data.split.fold=1", "--quiet")
        (self.folder / "new").mkdir()
        first = sorted((pathlib.Path(DATA) / "cwru").glob("1772_*.npy"))[0]
        shutil.copy(first, self.folder / "new" / "machine7.npy")
        said = self.succeeds("predict", "run", "new", "--files", "{machine}.npy", "--rpm", 1772)
        lines = said.stdout.splitlines()
        self.assertEqual(lines[0], "record,group,label,p_B,p_IR,p_ORat6")
        self.assertTrue(lines[1].startswith("1,machine7.npy,"), lines[1])


if __name__ == "__main__":
    unittest.main()
