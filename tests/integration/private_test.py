"""Private training by processes: budgets that are charged, survive kills, and say no."""

import csv
import json
import os
import pathlib
import unittest

from hanse import PRECONDITION
from parties import Parties, eventually, job

PRIVATE = 'epsilon = 3.0\ndelta = 1e-5\nunit = "record"\nplacement = "site"'
SITES = ("bremen", "kiel", "ulm")
ROUNDS = 150  # so many that a fast machine does not end them before three kills


def budget(asset="ovens", epsilon=4.0):
    return f'[budget]\nasset = "{asset}"\nepsilon = {epsilon}\ndelta = 1e-5\nunit = "record"\n'


class Private(Parties):
    def begin(self, epsilon=4.0):
        self.found(*SITES, test=False, engineer=False)
        for site in SITES:
            self.own_table(site, budget=budget(epsilon=epsilon))
        return self.run_all()

    def run_all(self):
        hub = self.coordinator(clear=False)
        return {"hub": hub, **{site: self.site(site, "--http", "127.0.0.1:0", clear=False)
                               for site in SITES}}

    def spent(self, site, asset="ovens"):
        """Of a site that does not run: what was charged, once the ledger has been verified."""
        self.succeeds("budget", "verify", "--home", site)
        done = self.succeeds("budget", "show", asset, "--home", site, "--json")
        return json.loads(done.stdout)

    def stop_all(self, parties):
        for party in parties.values():
            self.assertEqual(party.stop(), 0)

    def labels(self, site, asset="ovens"):
        done = self.succeeds("budget", "history", asset, "--home", site, "--json")
        return json.loads(done.stdout)

    def private_job(self, name="ovens", rounds=20, more="", **changes):
        return job(name, rounds=rounds, min_sites=3, privacy=PRIVATE + more, **changes)

    def released(self, name):
        """What the last round of a deployed job released, by metric; no other round released any."""
        *rounds, last = self.deployed_report(name)["rounds"]
        self.assertEqual([one["released"] for one in rounds], [[]] * len(rounds))
        page = (self.folder / "hub/runs" / name / "report.html").read_text()
        self.assertIn("Released metrics", page)
        return {one["name"]: one for one in last["released"]}

    def test_kills_cost_nothing_twice(self):
        parties = self.begin()
        self.submit(self.private_job(rounds=ROUNDS), home="hub")
        for name in ("ulm", "hub", "bremen"):
            before = self.jobs("hub")["ovens"]["round"]
            eventually(lambda at=before: self.jobs("hub")["ovens"]["round"] > at, "another round")
            self.assertEqual(self.jobs("hub")["ovens"]["phase"], "running")
            parties[name].kill()
            if name == "hub":
                parties["hub"] = self.coordinator(clear=False)
            else:
                parties[name] = self.site(name, "--http", "127.0.0.1:0", clear=False)
        status = self.finishes(home="hub")
        self.assertEqual(status["phase"], "finished")
        self.assertNotIn("loss", {key for key, value in status.items() if value is not None})
        page = parties["ulm"].page("/metrics")
        self.assertIn('hanse_budget{what="left"}', page)
        # A second job of the same size does not fit, and is declined before it costs anything.
        self.submit(self.private_job("again", rounds=ROUNDS), home="hub")
        for site in SITES:
            parties[site].waits_for("the whole of job 'again'")
        self.succeeds("job", "cancel", "again", "--home", "hub")
        attempts = self.deployed_report()["rounds"]
        self.stop_all(parties)
        for site in SITES:
            charged = json.dumps(self.labels(site))
            self.assertNotIn("again", charged)
            # One release for each attempt of each round that this site answered.
            releases = charged.count(" attempt ")
            self.assertGreaterEqual(releases, len(attempts))
            self.assertLessEqual(releases, sum(one["attempts"] for one in attempts))
            self.spent(site)
        # Data of its own has a budget of its own.
        for site in SITES:
            self.own_table(site, budget=budget("presses"))
        parties = self.run_all()
        self.submit(self.private_job("presses", more="\nmetrics = 0.1"), home="hub")
        self.finishes("presses", home="hub")
        # What a coordinator knows of a private round is what was noised.
        self.assertEqual({one["loss"] for one in self.deployed_report("presses")["rounds"]}, {None})
        self.assertEqual(set(self.released("presses")), {"loss", "accuracy"})
        told = self.succeeds("report", "hub/runs/presses").stdout
        self.assertIn("of the records that the model learned from: loss", told)

    def test_a_budget_is_not_changed(self):
        self.stop_all(self.begin())
        self.own_table("ulm", budget=budget(epsilon=9.0))
        wrong = self.site("ulm", clear=False)
        self.assertEqual(wrong.ends(), PRECONDITION)
        self.assertIn("a budget is never changed", wrong.said())
        self.own_table("ulm", budget='[budget]\nasset = "presses"\n')
        wrong = self.site("ulm", clear=False)
        self.assertEqual(wrong.ends(), PRECONDITION)
        self.assertIn("hanse budget open presses", wrong.said())

    def test_ai4i(self):
        """Machine failures of real data, three plants, at epsilon 3."""
        data = os.environ.get("HANSE_DATA")
        if not data:
            self.skipTest("needs HANSE_DATA")
        text = (pathlib.Path(os.environ["HANSE_SOURCE"]) / "examples/private/ai4i.toml").read_text()
        # Three plants, each adding its own noise, and one model.
        for simulated, deployed in (("min_sites = 7", "min_sites = 3\nmax_colluders = 0"),
                                    ('placement = "shared"', 'placement = "site"'),
                                    ("folds = 5", "folds = 5\nfold = 5"),
                                    ("[privacy]", "[privacy]\nmetrics = 0.05")):
            self.assertIn(simulated, text)
            text = text.replace(simulated, deployed)
        (table,) = pathlib.Path(data).glob("**/ai4i2020.csv")
        with open(table, newline="", encoding="utf-8-sig") as file:
            header, *lines = csv.reader(file)
        self.found(*SITES, test=False, engineer=False)
        for number, site in enumerate(SITES):
            self.own_table(site, budget=budget("milling"))
            with open(self.folder / site / "local/ovens.csv", "w", newline="",
                      encoding="utf-8") as file:
                csv.writer(file).writerows([header, *lines[number::len(SITES)]])
        parties = self.run_all()
        self.submit(text, home="hub")
        (name,) = self.jobs("hub")
        self.finishes(name, home="hub")
        accuracy = self.released(name)["accuracy"]
        self.assertLess(accuracy["error"], 0.01)
        self.assertGreater(accuracy["value"] + 4 * accuracy["error"], 0.95)
        self.stop_all(parties)
        for site in SITES:
            self.spent(site, "milling")


if __name__ == "__main__":
    unittest.main()
