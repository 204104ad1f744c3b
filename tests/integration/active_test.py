"""Labels where they pay, by processes: killed in every phase, decided by policies, in one account."""

import json
import pathlib
import unittest

from hanse import DATA, INVALID, SOURCE, Case
from parties import Parties, eventually, job
from policy_site_test import policy

SITES = ("bremen", "kiel", "ulm")
PRIVATE = 'epsilon = 3.0\ndelta = 1e-5\nunit = "record"\nplacement = "site"'
ACTIVE = """
[active]
initial = 12
quota = 9
cycles = 3
bins = 4
"""
UPDATES = 12
# A cycle: its histogram, the moments, the updates.
ROUNDS = 3 * (2 + UPDATES)


def active_job(name="ovens", more="", min_sites=3):
    return job(name, rounds=UPDATES, min_sites=min_sites, privacy=PRIVATE) + ACTIVE + more


class Active(Parties):
    def begin(self, policies=None):
        # Sums of fewer than three sites are plain, which is for consortia of tests.
        clear = policies is not None
        self.found(*SITES, test=clear, engineer=False)
        for site in SITES:
            self.own_table(site, budget='[budget]\nasset = "ovens"\nepsilon = 4.0\ndelta = 1e-5\n'
                                        'unit = "record"\n')
        if policies:
            (self.folder / "ulm/local/policies").mkdir()
            (self.folder / "ulm/local/policies/owner.jsonld").write_text(policies)
        self.parties = {"hub": self.coordinator(clear=clear)}
        for site in SITES:
            self.parties[site] = self.site(site, clear=clear)
        eventually(lambda: "\nhanse_connected 3" in self.parties["hub"].page("/metrics"), "lines")

    def restart(self, name):
        self.parties[name].kill()
        self.parties[name] = (self.coordinator if name == "hub" else
                              lambda **words: self.site(name, **words))(clear=False)

    def closed(self):
        return self.jobs("hub")["ovens"]["round"]

    def stop_all(self):
        for party in self.parties.values():
            self.assertEqual(party.stop(), 0)

    def history(self, site):
        done = self.succeeds("budget", "history", "ovens", "--home", site, "--json")
        return json.loads(done.stdout)

    def test_kills_in_every_phase_choose_the_same_labels(self):
        self.begin()
        self.submit(active_job(), home="hub")
        # Each party once, in another cycle each time: at the histogram, at the first update that
        # brings the rule along, in the middle of a training.
        for n, name in enumerate(("ulm", "hub", "bremen", "hub")):
            eventually(lambda at=n: self.closed() >= at * (2 + UPDATES) * 3 // 4, "more rounds")
            self.restart(name)
        self.finishes(home="hub")
        report = self.deployed_report()
        self.assertEqual(len(report["rounds"]), ROUNDS)
        told = [{one["name"]: one["value"] for one in row["released"]} for row in report["rounds"]]
        granted = [facts["labels_granted"] for facts in told if facts]
        self.assertEqual(granted, [12, 9, 9])
        self.assertEqual([at for at, facts in enumerate(told) if facts],
                         [0, 2 + UPDATES, 2 * (2 + UPDATES)])
        # Under epsilon 3 in all, and nobody has answered a round twice.
        self.stop_all()
        for site in SITES:
            self.succeeds("budget", "verify", "--home", site)
            releases = json.dumps(self.history(site)).count(" attempt ")
            self.assertGreaterEqual(releases, ROUNDS)
            self.assertLessEqual(releases, sum(row["attempts"] for row in report["rounds"]))
        # What a site says of itself names neither a score nor how many of its records were chosen.
        for name in (*SITES, "hub"):
            said = (self.folder / f"{name}.log").read_text()
            for word in ("score", "chosen", "picked", "threshold"):
                self.assertNotIn(word, said)
        self.succeeds("predict", "hub/runs/ovens", "bremen/local/ovens.csv")

    def test_policies_decide_choosing_and_labelling_apart(self):
        self.begin(policy(permission=[{"action": "train"}, {"action": "hanse:select"}]))
        self.submit(active_job(min_sites=2), home="hub")
        # Its scores are counted; that its records be labelled is not permitted, and exactly its
        # candidates are missing.
        self.parties["ulm"].waits_for("round 2: none of 2 rules permits it")
        self.finishes(home="hub")
        rounds = self.deployed_report()["rounds"]
        estimates = [0, 2 + UPDATES, 2 * (2 + UPDATES)]
        for at, row in enumerate(rounds):
            self.assertEqual(row["sites_in"],
                             3 if at in estimates else 2)
        self.last_head_is_cosigned()
        self.stop_all()
        said = self.succeeds("audit", "verify", "--site", "ulm", "hub/runs/ovens").stdout
        self.assertIn("declined by ulm", said)

    def test_what_no_budget_can_pay_for_is_refused_at_once(self):
        self.begin()
        self.write("job.toml", active_job(more='rule = "k_means"\n'))
        self.fails(INVALID, "job", "submit", "job.toml", "--home", "hub",
                   says=["under a ledger 'k_means' cannot select", "use 'threshold' in cells"])


@unittest.skipUnless(DATA and pathlib.Path(DATA).is_dir(), "HANSE_DATA is not set")
class Examples(Case):
    """Jobs under examples/active, one seed."""

    def learn(self, name, *words):
        report = self.report(str(SOURCE / "examples/active" / f"{name}.toml"), *words)
        active = report["active"]
        self.assertTrue(active["enabled"])
        self.assertEqual(active["cycles"][-1]["active"], report["metrics"]["federated"])
        # Else sites draw their first labels alone, or coins pay less for their histograms.
        if active["rule"] == "threshold" and "privacy" not in report:
            self.assertEqual(active["cycles"][0]["active"], active["cycles"][0]["uniform"])
        return report

    def last(self, report, metric):
        return report["active"]["cycles"][-1]["active"][metric]["value"]

    def test_steel(self):
        report = self.learn("steel")
        self.assertEqual([row["labels"] for row in report["active"]["cycles"]],
                         [60, 120, 180, 240, 300])
        # All 1,358 labels reach about .71.
        self.assertGreaterEqual(self.last(report, "accuracy"), .64)

    def test_a_site_alone_chooses_diverse_batches(self):
        report = self.learn("steel", "--set", 'active.rule="k_means"', "--set",
                            'evaluation.compare=[]')
        self.assertGreaterEqual(self.last(report, "accuracy"), .62)

    def test_a_stream_of_snapshots(self):
        report = self.learn("femto", "--set", "data.split.fold=1", "--set", "training.rounds=40")
        self.assertEqual(len(report["active"]["cycles"]), 4)

    def test_milling_in_private(self):
        # Of ten trainings, five folds twice, .77 with as many labels chosen by coins .70.
        report = self.learn("ai4i", "--set", "data.split.fold=1", "--set",
                            'evaluation.compare=[]')
        self.assertGreaterEqual(self.last(report, "pr_auc"), .55)
        self.assertLessEqual(report["privacy"]["guarantee"]["gate_epsilon"], 3)


if __name__ == "__main__":
    unittest.main()
