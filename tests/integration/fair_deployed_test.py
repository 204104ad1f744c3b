"""A training that is fair between classes of sites, by processes: paid from each site's budget."""

import json
import os
import pathlib
import unittest

from parties import Parties, eventually, job

SCHEMA = pathlib.Path(os.environ["HANSE_SOURCE"]) / "docs/formats/deployed_report.schema.json"

CLASSES = {"bremen": "new", "kiel": "new", "ulm": "old"}
PRIVATE = 'epsilon = 60.0\ndelta = 1e-5\nunit = "record"\nplacement = "site"'
UPDATES = 4


def fair_job(name="ovens"):
    text = job(name, rounds=UPDATES, min_sites=2, privacy=PRIVATE)  # plain: a class of one shows
    return text + """
[[class]]
name = "new"
sites = 2
[[class]]
name = "old"
sites = 1
[fairness]
share = 0.25
"""


class FairDeployed(Parties):
    def begin(self, classes):
        self.found(*CLASSES, engineer=False, classes=classes)
        for site in CLASSES:
            self.own_table(site, budget='[budget]\nasset = "ovens"\nepsilon = 80.0\ndelta = 1e-5\n'
                                        'unit = "record"\n')
        self.parties = {"hub": self.coordinator()}
        for site in CLASSES:
            self.parties[site] = self.site(site)
        eventually(lambda: "\nhanse_connected 3" in self.parties["hub"].page("/metrics"), "lines")

    def is_as_documented(self, report):
        try:
            import jsonschema
        except ImportError:
            return
        jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(report)

    def test_each_class_gets_a_model_and_each_site_pays_for_it(self):
        self.begin(CLASSES)
        self.submit(fair_job(), home="hub")
        self.finishes(home="hub")
        report = self.deployed_report()
        self.is_as_documented(report)
        # Moments, updates, and the round that asks by class.
        self.assertEqual(len(report["rounds"]), UPDATES + 2)
        released = [one["name"] for one in report["rounds"][-1]["released"]]
        self.assertEqual(released, ["counted_new", "loss_new", "sampling_new", "counted_old",
                                    "loss_old", "sampling_old", "gap"])
        model = json.loads((self.folder / "hub/runs/ovens/model.json").read_text())
        self.assertEqual([one["names"] for one in model["site_classes"]], [["new"], ["old"]])
        self.succeeds("predict", "hub/runs/ovens", "ulm/local/ovens.csv", "--class", "old")
        for party in self.parties.values():
            self.assertEqual(party.stop(), 0)
        done = self.succeeds("budget", "history", "ovens", "--home", "ulm", "--json")
        self.assertGreaterEqual(done.stdout.count(" attempt "), UPDATES + 2)
        history = json.loads(done.stdout)
        released = [row for row in history["events"] if row["event"] == "released"]
        fair = [row for row in released if row["for"] == "fairness"]
        self.assertEqual([row["label"] for row in fair],
                         [f"class_histogram round {UPDATES + 2} attempt 0"])
        self.assertEqual({row["for"] for row in released}, {"training", "fairness"})
        # What the totals say is what the lines cost.
        uses = {use["for"]: use for use in history["uses"]}
        self.assertEqual(list(uses), ["fairness", "training"])
        self.assertAlmostEqual(uses["fairness"]["spent"],
                               sum(row["blocks"][0]["cost"] for row in fair), places=9)
        self.assertAlmostEqual(uses["fairness"]["part"] + uses["training"]["part"], 1, places=6)
        shown = self.succeeds("budget", "history", "ovens", "--home", "ulm").stdout
        self.assertIn("attempt 0, for fairness  ovens", shown)
        self.assertIn("of the budget for fairness, ", shown)
        self.succeeds("budget", "verify", "--home", "ulm")
        # The last round is a line of its own in the account, a quarter of it.
        watched = self.succeeds("fairness", "watch", "hub/runs/ovens", "--reference", "9", "--json")
        self.assertFalse(json.loads(watched.stdout)["alarms"])

    def test_classes_weigh_by_what_was_released_and_the_auditor_follows(self):
        self.begin(CLASSES)
        weighed = fair_job().replace("[fairness]", '[fairness]\nmethod = "combination"\n'
                                     'constraint = "worst_class"\nbound = 0.01\nweight_rounds = 2')
        self.submit(weighed, home="hub")
        self.finishes(home="hub")
        rounds = self.deployed_report()["rounds"]
        self.assertEqual(len(rounds), 1 + UPDATES + 3)
        by_class = [one for one in rounds if any(fact["name"] == "share_old" for fact in one["released"])]
        self.assertEqual(len(by_class), 3)
        self.last_head_is_cosigned()
        for party in self.parties.values():
            self.assertEqual(party.stop(), 0)
        self.succeeds("audit", "verify", "--site", "ulm", "hub/runs/ovens")
        self.succeeds("budget", "verify", "--home", "ulm")

    def test_a_class_that_the_roster_lacks_is_not_counted(self):
        self.begin({**CLASSES, "ulm": "new"})
        self.submit(fair_job(), home="hub")
        self.parties["kiel"].waits_for("of class 'old' there are 0: too few to hide one")


if __name__ == "__main__":
    unittest.main()
