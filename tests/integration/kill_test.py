"""Coordinator and sites are killed at any moment, again and again: nothing is lost or done twice."""

import os
import random
import re
import time
import unittest

from parties import (ABORTED, CLOSED, OPENED, RECEIPTED, ANSWERED, SITES, TOGETHER, Parties,
                     entries, eventually, job, releases)

KILLS = 500 if os.environ.get("HANSE_FULL") else 30
SEED = 2026  # of whom is killed, and when
MODEL = 'kind = "mlp"\nhidden = [32]'
ROUNDS = 100 + 10 * KILLS


class Kills(Parties):
    def closed(self):
        """The newest round that the coordinator says it closed, over all its starts."""
        rounds = re.findall(r"round (\d+) closed", (self.folder / "hub.log").read_text())
        return int(rounds[-1]) if rounds else 0

    def party(self, name):
        seed = ("--insecure-test-seed", "5")
        return self.coordinator(*seed, ready=False) if name == "hub" else self.site(name, *seed)

    def test_random_kills(self):
        source = random.Random(SEED)
        self.found(test=True, engineer=False)
        self.one_table()
        text = job(rounds=ROUNDS, model=MODEL, **TOGETHER)
        running = {name: self.party(name) for name in ("hub", *SITES)}
        running["hub"].waits_for("listens on port")
        self.submit(text, home="hub")
        took = {"hub": [], "site": []}
        for _ in range(KILLS):
            before = self.closed()
            eventually(lambda: self.closed() > before, "a round before the next kill")
            victim = source.choice(("hub", *SITES))
            time.sleep(source.uniform(0, .05))  # anywhere within a round or two
            running[victim].kill()
            before = self.closed()
            start = time.monotonic()
            running[victim] = self.party(victim)
            eventually(lambda: self.closed() > before, f"a round after {victim} came back")
            took["hub" if victim == "hub" else "site"].append(time.monotonic() - start)
        self.assertLess(self.closed(), ROUNDS, "the job ended before the kills did")
        self.finishes(home="hub")
        for process in running.values():
            self.assertEqual(process.stop(), 0)
        for kind, seconds in took.items():
            print(f"{len(seconds)} kills of {kind}: from start to a closed round "
                  f"{sorted(seconds)[len(seconds) // 2]:.2f} s in the middle, "
                  f"{max(seconds):.2f} s at most")
        self.check_records()
        self.check_model(text)

    def check_records(self):
        report = self.deployed_report()
        self.assertEqual([one["round"] for one in report["rounds"]], list(range(1, ROUNDS + 1)))
        # Asked again as it was: a kill costs no attempt, so nothing is trained twice.
        self.assertEqual({one["attempts"] for one in report["rounds"]}, {1})
        self.assertEqual({one["sites_in"] for one in report["rounds"]}, {3})
        kinds = [kind for kind, _ in entries(self.folder / "hub/store.db", "training/ovens")]
        self.assertEqual((kinds.count(OPENED), kinds.count(CLOSED), kinds.count(ABORTED)),
                         (ROUNDS, ROUNDS, 0))
        for site in SITES:
            store = self.folder / site / "store.db"
            answered = releases(store, site, ANSWERED)
            self.assertEqual(len(answered), ROUNDS)
            self.assertEqual(len(set(answered)), ROUNDS)
            # All but the last: its receipt may have been under way when the site was stopped.
            receipted = releases(store, site, RECEIPTED)
            self.assertEqual(len(set(receipted)), len(receipted))
            self.assertGreaterEqual(len(receipted), ROUNDS - 1)
            self.assertLessEqual(set(receipted), set(answered))

    def check_model(self, text):
        """As if nobody had been killed, to the last bit."""
        self.write("alone.toml", text)
        self.succeeds("run", "alone.toml", "--out", "alone")
        self.assertEqual(self.model(), self.model("alone"))


if __name__ == "__main__":
    unittest.main()
