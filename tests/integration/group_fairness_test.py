"""Fairness between two groups of records, by the program: the law school records reach what
docs/results/fair.md says, and the model is used on new ones."""

import csv
import json
import pathlib
import unittest

import jsonschema

from hanse import DATA, INVALID, SOURCE, Case

JOB = SOURCE / "examples" / "fair" / "law.toml"
SCHEMA = json.loads((SOURCE / "docs" / "formats" / "report.schema.json").read_text())


UNSUPPORTED = 13  # docs/operating/command_line.md


def value(arm, name):
    return arm[name]["value"]


@unittest.skipUnless(DATA and (pathlib.Path(DATA) / "law" / "law.csv").is_file(),
                     "law: HANSE_DATA is not set or has no such folder")
class Law(Case):
    def test_reaches_what_was_measured(self):
        report = self.report(JOB, "--repeats", 10, "--out", "law")
        jsonschema.validate(report, SCHEMA, jsonschema.Draft202012Validator)
        fairness = report["fairness"]
        self.assertEqual((fairness["method"], fairness["by"], fairness["groups"]),
                         ("fdp_fair", "Sensitive", ["0", "1"]))
        # FDP-Fair at ε = 1, four sites and one: intervals over 20 splits of docs/results/fair.md.
        self.assertTrue(.1844 <= value(fairness["fair"], "error") <= .1948, fairness["fair"])
        self.assertTrue(.0299 <= value(fairness["fair"], "disparity") <= .0694, fairness["fair"])
        self.assertTrue(.1824 <= value(fairness["pooled"], "error") <= .1906, fairness["pooled"])
        self.assertTrue(.0413 - .01 <= value(fairness["pooled"], "disparity") <= .0548 + .01)
        self.assertGreater(value(fairness["unbounded"], "disparity"), .1)
        # One charge for a record of either half, and all of the budget in it.
        guarantee = report["privacy"]["guarantee"]
        self.assertEqual([one["count"] for one in guarantee["mechanisms"]], [1])
        self.assertTrue(.99 < guarantee["gate_epsilon"] <= 1, guarantee)
        self.assertEqual({row["round"] for row in report["rounds"]}, {1, 2})
        self.assertIn("one place", self.succeeds("report", "law").stdout)

        # The model that was kept, on the file itself: the groups lie about as far apart.
        source = pathlib.Path(DATA) / "law" / "law.csv"
        said = csv.DictReader(self.succeeds("predict", "law", source).stdout.splitlines())
        groups = csv.DictReader(source.read_text().splitlines())
        admitted, size = {"0": 0, "1": 0}, {"0": 0, "1": 0}
        for one, record in zip(said, groups, strict=True):
            group = record["Sensitive"]
            size[group] += 1
            admitted[group] += one["label"] == "1"
            self.assertEqual(one["label"] == "1", float(one["p_1"]) > float(one["p_0"]))
        rates = [admitted[group] / size[group] for group in ("0", "1")]
        self.assertLess(abs(rates[1] - rates[0]), .12)

    def test_says_what_leaves_a_site(self):
        said = self.succeeds("job", "check", JOB).stdout
        self.assertIn("two questions, each record in one of them", said)
        self.assertIn("disparity at most 0.05", said)
        self.assertIn("counts by group, label and cell once, 31.0 KiB; counts by group and score "
                      "once, ", said)

    def test_says_what_is_wrong(self):
        for setting, says in (("fairness.group=GPA", "a number"),
                              ("fairness.bound=2", "0 to 1"),
                              ("model.cells.resident=2", "is a category"),
                              ("training.rounds=3", "this one is of cells")):
            self.fails(INVALID, "job", "check", JOB, "--set", setting, says=[says])
        self.fails(UNSUPPORTED, "fairness", "risk", JOB, says=["between groups of records"])


if __name__ == "__main__":
    unittest.main()
