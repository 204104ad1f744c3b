"""A job under examples/ on real data, one seed: python3 examples.py NAME [unittest's options].

Skipped by name where HANSE_DATA is not set or lacks the set. Ten seeds and intervals: ./dev results data.
"""

import os
import pathlib
import sys
import unittest

from hanse import DATA, SOURCE, Case

NAME = sys.argv.pop(1) if len(sys.argv) > 1 and sys.argv[1] in (
    "ai4i", "cmapss", "concrete", "heart", "femto", "steel") else None
FULL = os.environ.get("HANSE_FULL") == "1"


@unittest.skipUnless(DATA and NAME and (pathlib.Path(DATA) / NAME).is_dir(),
                     f"{NAME}: HANSE_DATA is not set or has no such folder")
class Example(Case):
    def run_job(self, *words):
        return self.report(str(SOURCE / "examples" / f"{NAME}.toml"), *words)

    def value(self, metrics, arm, metric):
        return metrics[arm][metric]["value"]

    def at_least(self, report, metric, bar):
        self.assertGreaterEqual(self.value(report["metrics"], "federated", metric), bar)

    def test_ai4i(self):
        # The interval of the smallest class takes ten seeds: some minutes.
        report = self.run_job("--repeats", 10 if FULL else 1)
        self.assertEqual([site["group"] for site in report["sites"]], ["H"] + ["L"] * 4 + ["M"] * 2)
        self.assertEqual(len(report["metrics"]["folds"]), 50 if FULL else 5)
        self.at_least(report, "pr_auc", .70)
        gain = next(site for site in report["sites"] if site["group"] == "H")
        gain = gain["metrics"]["federated_minus_local"]["pr_auc"]
        self.assertGreater(gain["value"], 0)
        if FULL:
            # Of 50 differences taken as independent. The report's interval, which knows that the
            # seeds share their records, is (1/50 + 1/4) / (1/50) wider in its square.
            half = (gain["high"] - gain["low"]) / 2 * ((1 / 50) / (1 / 50 + 1 / 4)) ** .5
            self.assertGreater(gain["value"] - half, 0)

    def test_cmapss(self):
        report = self.run_job("--repeats", 2)
        self.assertEqual(len(report["sites"]), 8)
        self.assertEqual(sum(site["test_records"] for site in report["sites"]), 200)
        for group in report["groups"]:
            self.assertLessEqual(self.value(group["metrics"], "federated", "rmse"), 15.5,
                                 group["name"])
        # One test set: seeds show how training varies, and nothing is sure from that.
        self.assertEqual({hurt["verdict"] for hurt in report["hurt"]} - {"joining may hurt"}, set())

    def test_concrete(self):
        report = self.run_job()
        self.assertEqual(len(report["sites"]), 15)
        self.assertTrue(all(site["records"] >= 60 for site in report["sites"]))
        # Both ways to say it: the mean over folds, and all held-out records in one figure.
        self.assertLessEqual(self.value(report["metrics"], "federated", "rmse"), 12.9)
        folds = report["metrics"]["folds"]
        squares = sum(fold["test_records"] * fold["metrics"]["federated"]["rmse"] ** 2
                      for fold in folds)
        together = (squares / sum(fold["test_records"] for fold in folds)) ** .5
        self.assertLessEqual(together, 12.9)
        worse = [site["name"] for site in report["sites"]
                 if (self.value(site["metrics"], "federated_minus_local", "rmse") or 0) > 0]
        self.assertEqual(sorted(hurt["site"] for hurt in report["hurt"]), sorted(worse))

    def test_heart(self):
        report = self.run_job()
        self.assertEqual([site["name"] for site in report["sites"]],
                         ["cleveland", "hungarian", "switzerland", "va"])
        self.assertEqual(report["job"]["over"], "sites")
        self.at_least(report, "roc_auc", .79)

    def test_femto(self):
        report = self.run_job()
        self.assertEqual(len(report["sites"]), 3)
        self.assertEqual(report["job"]["over"], "groups")
        self.assertEqual(sum(fold["judged"] for fold in report["metrics"]["folds"]), 10)
        self.at_least(report, "roc_auc", .80)

    def test_steel(self):
        report = self.run_job()
        self.assertEqual(len(report["sites"]), 6)
        self.assertEqual(len(report["job"]["labels"]), 7)
        self.at_least(report, "accuracy", .70)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *([f"Example.test_{NAME}"] if NAME else []), *sys.argv[1:]])
