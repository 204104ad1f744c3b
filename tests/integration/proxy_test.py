"""Sites reach their coordinator through a network that treats connections badly."""

import json
import os
import subprocess
import unittest

from parties import PATIENCE, SITES, TOGETHER, Parties, job

PROXY = os.environ["HANSE_CHAOS_PROXY"]
SEEDS = range(1, 31 if os.environ.get("HANSE_FULL") else 3)
ROUNDS = 20
MODEL = 'kind = "mlp"\nhidden = [64, 64]'  # an answer is some blocks of the proxy

# Blocks are at most 16 KiB: a round of three sites is some dozen.
BAD = ("--split", ".2", "--stall", ".02", "--longest-stall", "400", "--cut", ".01")
WORSE = ("--split", ".2", "--cut", ".02", "--twice", ".01")  # also breaks what TLS carries
SLOW = ("--rate", "200000", "--stall", ".02", "--longest-stall", "300")


class Proxies(Parties):
    def proxied(self, faults, seed):
        child = subprocess.Popen([PROXY, "--to", f"127.0.0.1:{self.port}", "--seed", str(seed),
                                  *faults], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 text=True)
        self.addCleanup(child.communicate)
        self.addCleanup(child.kill)
        return child, f"127.0.0.1:{int(child.stdout.readline())}"

    def trains(self, faults, seed):
        """One job through the proxy; what the proxy did, and how many attempts were repeated."""
        proxy, address = self.proxied(faults, seed)
        hub = self.coordinator("--insecure-test-seed", "5")
        sites = self.all_sites("--insecure-test-seed", "5", "--coordinator", address)
        name = f"seed-{seed}"
        self.submit(job(name, rounds=ROUNDS, model=MODEL, **TOGETHER), home="hub")
        self.finishes(name, home="hub")
        for process in (hub, *sites.values()):
            self.assertEqual(process.stop(), 0)
        did = json.loads(proxy.communicate("", timeout=PATIENCE)[0])
        rounds = self.deployed_report(name)["rounds"]
        self.assertEqual([one["round"] for one in rounds], list(range(1, ROUNDS + 1)))
        self.assertEqual({one["sites_in"] for one in rounds}, {len(SITES)})
        repeated = sum(one["attempts"] - 1 for one in rounds)
        print(f"seed {seed}: {did}, {repeated} attempts repeated")
        if repeated == 0:  # another attempt draws other random numbers
            self.succeeds("run", f"hub/runs/{name}/job.toml", "--out", f"alone-{name}")
            self.assertEqual(self.model(f"hub/runs/{name}"), self.model(f"alone-{name}"))
        return did

    def through(self, faults, *what):
        """Jobs end as if nothing had been; every fault that is meant has happened."""
        self.found(test=True, engineer=False)
        self.one_table()
        did = [self.trains(faults, seed) for seed in SEEDS]
        for one in what:
            self.assertGreater(sum(counts[one] for counts in did), 0, one)

    def test_cuts_and_stalls(self):
        self.through(BAD, "splits", "stalls", "cuts")

    def test_bytes_said_twice(self):
        self.through(WORSE, "cuts", "twice")

    def test_a_slow_line(self):
        self.through(SLOW, "stalls")


if __name__ == "__main__":
    unittest.main()
