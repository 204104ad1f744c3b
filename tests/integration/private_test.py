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

    def ai4i(self, sites, *changes):
        """The example's text with changes, and its records dealt to the tables of so many plants."""
        data = os.environ.get("HANSE_DATA")
        if not data:
            self.skipTest("needs HANSE_DATA")
        text = (pathlib.Path(os.environ["HANSE_SOURCE"]) / "examples/private/ai4i.toml").read_text()
        for simulated, deployed in (("folds = 5", "folds = 5\nfold = 5"), *changes):
            self.assertIn(simulated, text)
            text = text.replace(simulated, deployed)
        (table,) = pathlib.Path(data).glob("**/ai4i2020.csv")
        with open(table, newline="", encoding="utf-8-sig") as file:
            header, *lines = csv.reader(file)
        self.found(*sites, test=False, engineer=False)
        for number, site in enumerate(sites):
            self.own_table(site, budget=budget("milling"))
            with open(self.folder / site / "local/ovens.csv", "w", newline="",
                      encoding="utf-8") as file:
                csv.writer(file).writerows([header, *lines[number::len(sites)]])
        return text

    def test_ai4i(self):
        """Machine failures of real data, three plants that each add their own noise, at epsilon 3."""
        text = self.ai4i(SITES, ("min_sites = 7", "max_colluders = 0"),
                         ('placement = "shared"', 'placement = "site"'),
                         ("[privacy]", "[privacy]\nmetrics = 0.05"))
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

    def test_two_of_seven_plants_vanish(self):
        """The same at epsilon 1 under shared noise: two plants are killed in the middle of a round."""
        plants = [f"plant-{number}" for number in range(1, 8)]
        text = self.ai4i(plants, ("min_sites = 7", "min_sites = 5"), ("epsilon = 3", "epsilon = 1"),
                         ("[privacy]", "[privacy]\nmetrics = 0.05"))
        local = self.folder / "hub/local"
        local.mkdir(exist_ok=True)
        (local / "coordinator.toml").write_text("absence_seconds = 1\n")
        hub = self.coordinator(clear=False)
        parties = {plant: self.site(plant, clear=False) for plant in plants}
        self.submit(text, home="hub")
        (name,) = self.jobs("hub")
        eventually(lambda: self.jobs("hub")[name]["round"] >= 5, "five rounds")
        for plant in plants[:2]:
            parties.pop(plant).kill()
        self.assertEqual(self.finishes(name, home="hub")["phase"], "finished")
        report = self.deployed_report(name)
        rounds = report["rounds"]
        self.assertEqual({one["sites_in"] for one in rounds[:4]}, {7})
        self.assertEqual({one["sites_in"] for one in rounds[-4:]}, {5})
        aggregation = report["aggregation"]
        self.assertEqual((aggregation["backend"], aggregation["confidential"]), ("masked", True))
        self.assertGreaterEqual(aggregation["dropouts"], 2 * 4)
        guarantee = report["privacy"]["guarantee"]
        again = sum(one["attempts"] - 1 for one in rounds)
        if again == 0:
            self.assertLessEqual(guarantee["gate_epsilon"], 1)
        # Five sites of noise against the coordinator alone, four where one of them is on its side.
        self.assertEqual(guarantee["max_colluders"], 1)
        self.assertLess(guarantee["coordinator_epsilon"], guarantee["pld_epsilon"])
        accuracy = self.released(name)["accuracy"]
        self.assertGreater(accuracy["value"] + 4 * accuracy["error"], 0.95)
        self.stop_all({"hub": hub, **parties})
        for plant in plants:
            spent = self.spent(plant, "milling")
            self.assertTrue(spent)


if __name__ == "__main__":
    unittest.main()
