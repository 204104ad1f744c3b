"""Private jobs as `hanse run` simulates them: what they promise, say, and never say."""

import json
import os
import unittest

import jsonschema

from hanse import BEARINGS, CSV_JOB, SOURCE, Case, csv_rows, without_timing

SCHEMA = json.loads((SOURCE / "docs" / "formats" / "report.schema.json").read_text())
PRIVATE_BEARINGS = SOURCE / "examples" / "private" / "bearings.toml"
PRIVATE_JOB = CSV_JOB[:CSV_JOB.index("[training]")] + """[training]
strategy = "fedsgd"
rounds = 10
[privacy]
epsilon = 3
placement = "shared"
[aggregation]
backend = "plain"
min_sites = 2
"""


class PrivateRuns(Case):
    def private_report(self, *words, rows=None):
        self.write("job.toml", PRIVATE_JOB)
        self.write("ovens.csv", "\n".join(rows or csv_rows()) + "\n")
        return self.report("job.toml", *words)

    def test_the_report_says_what_was_promised(self):
        report = self.private_report()
        jsonschema.validate(report, SCHEMA, jsonschema.Draft202012Validator)
        guarantee = report["privacy"]["guarantee"]
        self.assertTrue(report["privacy"]["private"])
        self.assertLessEqual(guarantee["gate_epsilon"], 3)
        self.assertGreater(guarantee["gate_epsilon"], 2.99)
        self.assertLess(guarantee["pld_epsilon"], guarantee["gate_epsilon"])
        self.assertEqual(sum(one["count"] for one in guarantee["mechanisms"]), 11)
        for row in report["rounds"]:
            self.assertIsNone(row["loss"])
            self.assertGreater(row["noise_to_signal"], 0)
        self.assertTrue(any(row["clipped_fraction"] is not None for row in report["rounds"]))

    def test_words_of_the_promise(self):
        self.write("job.toml", PRIVATE_JOB)
        self.write("ovens.csv", "\n".join(csv_rows()) + "\n")
        done = self.succeeds("run", "job.toml", "--out", "mine")
        for part in ("differential privacy per record", "epsilon 3", "trusted summer"):
            self.assertIn(part, done.stdout)
        page = (self.folder / "mine" / "report.html").read_text()
        for part in ("What the training cost", "Noise to signal", "discrete_gaussian"):
            self.assertIn(part, page)
        checked = self.succeeds("job", "check", "job.toml").stdout
        self.assertIn("differential privacy per record", checked)

    def test_equal_runs_are_equal(self):
        one = self.private_report("--out", "one", "--threads", 1)
        two = self.private_report("--out", "two", "--threads", 3)
        self.assertEqual(*(without_timing(json.dumps(report)) for report in (one, two)))

    def test_what_is_released_is_the_same_for_a_record_more(self):
        """Costs, rounds, bytes and sites: nothing that the guarantee covers depends on a record."""
        rows = csv_rows()
        reports = [self.private_report("--out", "some", rows=rows),
                   self.private_report("--out", "more", rows=rows + [rows[-1]])]
        for report in reports:
            for row in report["rounds"]:
                row.pop("noise_to_signal"), row.pop("clipped_fraction")
        self.assertEqual(reports[0]["rounds"], reports[1]["rounds"])
        guarantees = [report["privacy"]["guarantee"] for report in reports]
        for guarantee in guarantees:
            guarantee.pop("larger_units")
        self.assertEqual(*guarantees)

    def test_a_share_of_the_budget_tells_how_good_the_model_is(self):
        done = self.succeeds("run", PRIVATE_BEARINGS, "--set", "privacy.epsilon=8.0", "--set",
                             "privacy.metrics=0.1", "--set", "evaluation.compare=[]", "--out", "mine")
        report = json.loads((self.folder / "mine" / "report.json").read_text())
        jsonschema.validate(report, SCHEMA, jsonschema.Draft202012Validator)
        self.assertLessEqual(report["privacy"]["guarantee"]["gate_epsilon"], 8)
        *rounds, last = report["rounds"]
        self.assertEqual([one["released"] for one in rounds], [[]] * len(rounds))
        (accuracy,) = [one for one in last["released"] if one["name"] == "accuracy"]
        on_tests = report["metrics"]["federated"]["accuracy"]["value"]
        self.assertLess(accuracy["error"], 0.02)
        self.assertAlmostEqual(accuracy["value"], on_tests, delta=0.1)
        told = f"accuracy {accuracy['value']:.3g} ± "
        page = (self.folder / "mine" / "report.html").read_text()
        self.assertIn(told, done.stdout)
        self.assertIn(told, self.succeeds("report", "mine").stdout)
        self.assertIn("Released metrics", page)

    def test_only_what_is_asked_is_compared(self):
        report = self.private_report("--set", "evaluation.compare=[]")
        metric = next(iter(report["metrics"]["federated"]))
        self.assertIsNotNone(report["metrics"]["federated"][metric]["value"])
        for arm in ("local", "pooled", "federated_minus_local"):
            self.assertIsNone(report["metrics"][arm][metric]["value"])

    def test_less_epsilon_is_more_noise(self):
        def noise(epsilon):
            report = self.private_report("--set", f"privacy.epsilon={epsilon}", "--out", f"e{epsilon}")
            values = [row["noise_to_signal"] for row in report["rounds"]]
            return sum(values) / len(values)
        self.assertGreater(noise(0.5), noise(8.0))

    def test_doors(self):
        for strategy in ('strategy = "fedavg"\nlocal_epochs = 3\n', 'strategy = "fedavg"\n'):
            self.write("job.toml", PRIVATE_JOB.replace('strategy = "fedsgd"\n', strategy)
                       .replace("shared", "site"))
            self.write("ovens.csv", "\n".join(csv_rows()) + "\n")
            self.succeeds("run", "job.toml", "--quiet")
        self.write("job.toml", PRIVATE_JOB.replace('strategy = "fedsgd"', 'strategy = "fedadam"'))
        self.fails(3, "run", "job.toml", says=["fedadam"])

    def test_every_way_that_the_documents_name(self):
        """Keys of [privacy] and strategies, each as a job uses it."""
        base = ["--set", "evaluation.compare=[]", "--quiet"]
        for number, words in enumerate((
                ["--set", 'privacy.placement="coordinator"'], ["--set", 'privacy.placement="site"'],
                ["--set", "privacy.clipped_share=0.5"], ["--set", "privacy.metrics=0.1"],
                ["--set", "privacy.sampling_rate=0.3", "--set", "privacy.currency=rdp"],
                ["--set", "privacy.currency=epsilon_delta"],
                ["--set", "privacy.moments=0.0", "--set", "privacy.expected_units=500"],
                ["--set", "privacy={noise_multiplier=20.0}"],
                ["--set", "training.personal=true"])):
            self.succeeds("run", PRIVATE_BEARINGS, *base, *words, "--out", f"way{number}")

    def test_each_owner_grants_what_he_likes(self):
        plants = {row.rsplit(",", 1)[-1] for row in csv_rows()[1:]}
        poor = sorted(plants)[0]
        for placement in ("site", "shared"):
            report = self.private_report("--set", f"privacy.site_epsilon.{poor}=0.75",
                                         "--set", f"privacy.placement={placement}",
                                         "--out", placement)
            jsonschema.validate(report, SCHEMA, jsonschema.Draft202012Validator)
            guarantee = report["privacy"]["guarantee"]
            self.assertGreater(guarantee["gate_epsilon"], 2.99)
            own, = guarantee["site_budgets"]
            self.assertEqual(own["site"], poor)
            self.assertLessEqual(own["gate_epsilon"], 0.75)
            self.assertGreater(own["gate_epsilon"], 0.749)
            self.assertLess(own["pld_epsilon"], own["gate_epsilon"])
            self.assertLess(own["weight"], 0.5)
            self.assertEqual({row["sites_in"] for row in report["rounds"]}, {len(plants)})
            page = (self.folder / placement / "report.html").read_text()
            self.assertIn(f"at site &#39;{poor}&#39; epsilon 0.75", page.replace("'", "&#39;"))
        # The page's sentence stands where a job is looked at, too.
        checked = self.succeeds("job", "check", "job.toml", "--set",
                                f"privacy.site_epsilon.{poor}=0.75").stdout
        self.assertIn(f"at site '{poor}' epsilon 0.75", checked)
        self.fails(3, "run", "job.toml", "--set", "privacy.site_epsilon.atlantis=0.75",
                   says=["atlantis", poor])

    def test_nobody_named_is_nothing_changed(self):
        self.assertEqual(self.private_report()["privacy"]["guarantee"]["site_budgets"], [])

    def test_sufficient_statistics_take_one_round(self):
        self.write("job.toml", PRIVATE_JOB.replace('"fedsgd"\nrounds = 10', '"adassp"')
                   .replace('kind = "logistic"', 'kind = "ridge"')
                   .replace('kind = "label"\nvalues = ["cold", "hot"]',
                            'kind = "label"\nlow = -1\nhigh = 1'))
        rows = [row.replace("cold", "-1").replace("hot", "1") for row in csv_rows()]
        self.write("ovens.csv", "\n".join(rows) + "\n")
        report = self.report("job.toml")
        self.assertEqual({row["round"] for row in report["rounds"]}, {1})
        self.assertGreater(report["privacy"]["guarantee"]["gate_epsilon"], 2.99)

    def test_the_simulated_plants_learn_in_private(self):
        report = self.report(PRIVATE_BEARINGS)
        self.assertGreater(report["metrics"]["federated"]["roc_auc"]["value"], 0.9)
        self.assertIn("larger_units", report["privacy"]["guarantee"])


@unittest.skipUnless(os.environ.get("HANSE_DATA"), "needs HANSE_DATA")
class RealData(Case):
    def test_milling_failures_at_epsilon_one(self):
        job = SOURCE / "examples" / "private" / "ai4i.toml"
        report = self.report(job, "--set", "privacy.epsilon=1.0", "--set", "evaluation.compare=[]")
        self.assertGreater(report["metrics"]["federated"]["pr_auc"]["value"], 0.70)

    def test_every_private_example_is_sound(self):
        jobs = sorted((SOURCE / "examples" / "private").glob("*.toml"))
        self.assertEqual(len(jobs), 8)
        for job in jobs:
            self.assertIn("differential privacy", self.succeeds("job", "check", job).stdout)


if __name__ == "__main__":
    unittest.main()
