"""Budgets of privacy by the command line: the calculator, a home's assets, errors, kills."""

import json
import os
import random
import re
import subprocess
import time
import unittest

from hanse import CORRUPTION, EXISTS, INVALID, NOT_FOUND, SOURCE, UNAVAILABLE, Case

LOAD = os.environ["HANSE_LEDGER_LOAD"]
KILLS = 500 if os.environ.get("HANSE_FULL") else 100
SEED = 2026  # of when it is killed
EXHAUSTED = 8
BUDGETS = SOURCE / "examples" / "budgets"


class Budgets(Case):
    def open(self, asset="ovens", *words, epsilon=3):
        return self.succeeds("budget", "open", asset, "--home", "bremen", "--epsilon", epsilon,
                             "--delta", "1e-5", *words)

    def of(self, what, *words):
        return json.loads(self.succeeds("budget", what, *words, "--json").stdout)

    def charge(self, release, *words, asset="ovens"):
        return ("budget", "charge", "--home", "bremen", "--asset", asset, "--release", release,
                "--job", "counts", "--purpose", "statistics", *words)


class Calculator(Budgets):
    def test_published_values(self):
        # Two models that read the same data: their budgets meet in one composition.
        steps = ("--sigma", "1.1", "--q", "0.01", "--steps", "1000", "--delta", "1e-5")
        self.assertAlmostEqual(self.of("epsilon", *steps)["epsilon"], 1.515, delta=.004)
        both = self.of("epsilon", BUDGETS / "two_models.toml", "--delta", "1e-5")
        self.assertAlmostEqual(both["epsilon"], 1.797, delta=.004)
        alone = [one["epsilon"] for one in both["mechanisms"]]
        self.assertAlmostEqual(alone[0], 1.515, delta=.004)
        self.assertAlmostEqual(alone[1], .921, delta=.004)
        for accountant in ("rdp", "pld"):
            told = self.of("epsilon", *steps, "--accountant", accountant)
            self.assertEqual(told["accountant"], accountant)
        self.assertGreater(self.of("epsilon", *steps, "--accountant", "rdp")["epsilon"],
                           self.of("epsilon", *steps)["epsilon"])

    def test_sigma_keeps_what_it_promises(self):
        for gate in ((), ("--gate", "rdp"), ("--accountant", "rdp")):
            found = self.of("sigma", "--epsilon", 2, "--delta", "1e-5", "--q", .01, "--steps", 500,
                            *gate)
            again = self.of("epsilon", "--sigma", found["sigma"], "--delta", "1e-5", "--q", .01,
                            "--steps", 500)
            self.assertLessEqual(again["epsilon"], 2)
            if not gate:
                self.assertGreater(again["epsilon"], 1.999)

    def test_sigma_beside_other_models(self):
        found = self.of("sigma", BUDGETS / "third_model.toml", "--epsilon", 2, "--delta", "1e-5")
        self.assertLessEqual(found["epsilon"], 2)
        self.assertGreater(found["epsilon"], 1.998)
        closed = (BUDGETS / "third_model.toml").read_text() + (
            f"noise_multiplier = {found['sigma']}\n")
        again = self.of("epsilon", self.write("closed.toml", closed), "--delta", "1e-5")
        self.assertAlmostEqual(again["epsilon"], found["epsilon"])

    def test_text_is_rounded_up(self):
        told = self.succeeds("budget", "epsilon", "--mechanism", "pure epsilon=0.30001", "--delta",
                             0).stdout
        self.assertIn("epsilon 0.3001", told)

    def test_what_is_wrong(self):
        self.fails(INVALID, "budget", "epsilon", "--sigma", "nan", "--delta", "1e-5",
                   says=["noise_multiplier", "nan"])
        self.fails(INVALID, "budget", "epsilon", "--sigma", 1, "--delta", 1, says=["delta"])
        self.fails(INVALID, "budget", "epsilon", "--delta", "1e-5", says=["--sigma", "--mechanism"])
        self.fails(INVALID, "budget", "epsilon", "--mechanism", "gausian noise_multiplier=1",
                   "--delta", "1e-5", says=["gausian", "gaussian"])
        self.fails(INVALID, "budget", "epsilon", "--mechanism", "laplace scale=1 count=0",
                   "--delta", "1e-5", says=["count", "'0'"])
        self.fails(INVALID, "budget", "epsilon", BUDGETS / "third_model.toml", "--delta", "1e-5",
                   says=["C: to be calibrated", "noise_multiplier"])
        self.write("bad.toml", '[[mechanism]]\nkind = "laplace"\nscale = -1\n')
        self.fails(INVALID, "budget", "epsilon", "bad.toml", "--delta", "1e-5",
                   says=["bad.toml:3", "scale"])
        self.fails(INVALID, "budget", "epsilon", "--mechanism", "pure epsilon=1", "--mechanism",
                   "pure epsilon=1 neighbours=replace_one", "--delta", "1e-5", says=["replace_one"])


class Ledgers(Budgets):
    def test_from_opening_to_the_last_release(self):
        self.open(epsilon=1)
        fits = self.of("forecast", "ovens", "--home", "bremen", "--sigma", 12)["blocks"][0]["times"]
        self.assertGreater(fits, 1)
        for number in range(fits):
            self.succeeds(*self.charge(f"r{number}", "--sigma", 12))
        self.fails(EXHAUSTED, *self.charge("more", "--sigma", 12), says=["ovens/first"])
        shown = self.of("show", "ovens", "--home", "bremen")["assets"][0]
        block = shown["blocks"][0]
        self.assertGreater(block["spent"], 1 - 1.5 / fits)
        self.assertLessEqual(block["spent_epsilon"], 1)
        self.assertLessEqual(block["pld_epsilon"], block["spent_epsilon"])
        self.assertEqual(shown["spenders"][0]["releases"], fits)
        # New rows have a budget of their own; the asset as a whole has its oldest rows'.
        self.succeeds("budget", "extend", "ovens", "spring", "--home", "bremen")
        self.fails(EXHAUSTED, *self.charge("more", "--sigma", 12))
        self.succeeds(*self.charge("more", "--sigma", 12, asset="ovens:spring"))

    def test_the_same_release_is_charged_once(self):
        self.open()
        first = self.of("charge", *self.charge("november", "--mechanism", "laplace scale=20")[2:])
        again = self.succeeds(*self.charge("november", "--mechanism", "laplace scale=20"))
        self.assertIn("charged before", again.stdout)
        now = self.of("show", "ovens", "--home", "bremen")["assets"][0]
        self.assertEqual(now["blocks"], first["assets"][0]["blocks"])
        self.fails(EXISTS, *self.charge("november", "--mechanism", "laplace scale=10"))

    def test_derived_assets_charge_their_parents(self):
        self.open()
        self.open("presses")
        self.succeeds("budget", "derive", "windows", "--from", "ovens", "--from", "presses:first",
                      "--stability", 5, "--home", "bremen")
        self.succeeds(*self.charge("a", "--sigma", 100, asset="windows"))
        self.succeeds(*self.charge("b", "--sigma", 20))
        rows = {asset: self.of("history", asset, "--home", "bremen")["events"]
                for asset in ("ovens", "presses", "windows")}
        released = {asset: [row["blocks"][0]["cost"] for row in events
                            if row["event"] == "released"] for asset, events in rows.items()}
        # Five times the sensitivity: as much as noise of a fifth.
        self.assertEqual(released["ovens"][0], released["ovens"][1])
        self.assertEqual(len(released["presses"]), 1)
        self.assertEqual(len(released["windows"]), 2)

    def test_a_page_shows_the_burn_down(self):
        self.open("ovens", "--unit", "machine")
        for number in range(4):
            self.succeeds(*self.charge(f"r{number}", "--sigma", 20))
        self.succeeds("budget", "history", "ovens", "--home", "bremen", "--html", "ovens.html")
        page = (self.folder / "ovens.html").read_text()
        self.assertIn("<svg", page)
        self.assertIn("polyline", page)
        self.assertIn("for each machine", page)
        for number in range(4):
            self.assertIn(f"r{number}", page)

    def test_what_is_wrong(self):
        self.fails(NOT_FOUND, "budget", "show", "--home", "nowhere", says=["budget open"])
        self.fails(INVALID, "budget", "open", "a b", "--home", "bremen", "--epsilon", 1, "--delta",
                   "1e-5")
        self.fails(INVALID, "budget", "open", "ovens", "--home", "bremen", "--epsilon", -1,
                   "--delta", "1e-5", says=["epsilon"])
        self.fails(INVALID, "budget", "open", "ovens", "--home", "bremen", "--epsilon", 1,
                   "--delta", 0, says=["delta"])
        self.open()
        self.fails(EXISTS, "budget", "open", "ovens", "--home", "bremen", "--epsilon", 9, "--delta",
                   "1e-5")
        self.fails(NOT_FOUND, "budget", "show", "oven", "--home", "bremen", says=["oven"])
        self.fails(NOT_FOUND, *self.charge("r", "--sigma", 9, asset="ovens:winter"))
        self.fails(INVALID, *self.charge("r", "--sigma", "inf"))
        self.fails(INVALID, *self.charge("r", "--mechanism", "unbounded"))


class Copies(Budgets):
    def head(self):
        return self.of("verify", "--home", "bremen")["head"]

    def test_an_older_copy_is_found_by_a_pinned_head(self):
        self.open()
        self.succeeds(*self.charge("a", "--sigma", 9))
        store = self.folder / "bremen/store.db"
        older = store.read_bytes()
        pinned = self.head()
        self.succeeds(*self.charge("b", "--sigma", 9))
        newer = self.head()
        self.succeeds("budget", "verify", "--home", "bremen", "--head", pinned)
        for left in ("-wal", "-shm"):
            (self.folder / f"bremen/store.db{left}").unlink(missing_ok=True)
        store.write_bytes(older)
        self.succeeds("budget", "verify", "--home", "bremen", "--head", pinned)
        self.fails(CORRUPTION, "budget", "verify", "--home", "bremen", "--head", newer,
                   says=["old copy"])

    def test_a_flipped_byte_is_found(self):
        self.open()
        for number in range(8):
            self.succeeds(*self.charge(f"release-{number}", "--sigma", 30))
        store = self.folder / "bremen/store.db"
        good = store.read_bytes()
        places = [match.start() for match in re.finditer(rb"release-\d", good)]
        self.assertGreaterEqual(len(places), 8)
        for place in places:
            flipped = bytearray(good)
            flipped[place] ^= 1
            store.write_bytes(flipped)
            self.assertEqual(self.hanse("budget", "verify", "--home", "bremen").returncode,
                             CORRUPTION, place)


class Kills(Budgets):
    """Random kill -9 of eight threads that release: nothing leaves that is not paid for."""

    def run_and_kill(self, seconds, known, *words):
        """What it said; it is killed so long after it began with something new."""
        with subprocess.Popen([LOAD, self.folder / "bremen/store.db", *words], cwd=self.folder,
                              stdout=subprocess.PIPE, text=True, env=self.environment()) as load:
            lines = []
            for line in load.stdout:
                lines.append(line)
                if line.split()[1] not in known:
                    break
            time.sleep(seconds)
            load.kill()
            return lines + load.stdout.readlines()

    def test_random_kills(self):
        self.open(epsilon=8)
        payloads = self.kill_often("8")
        self.assertGreaterEqual(len(payloads), KILLS)

    def test_random_kills_while_policies_change(self):
        """64 threads whose every step is granted, up to the end of the budget."""
        self.open(epsilon=.5)
        self.kill_often("64", "decided")
        rest = subprocess.run([LOAD, self.folder / "bremen/store.db", "64", "decided"], text=True,
                              cwd=self.folder, env=self.environment(), capture_output=True)
        self.assertEqual(rest.stdout.count("ended"), 64)
        self.assertNotIn("late", rest.stdout)
        block = self.of("show", "ovens", "--home", "bremen")["assets"][0]["blocks"][0]
        self.assertLessEqual(block["spent_epsilon"], .5)
        self.assertGreater(block["spent_epsilon"], .49)

    def kill_often(self, *how):
        """What has left; the ledger has it all, and is in order."""
        source = random.Random(SEED)
        payloads = {}
        for _ in range(KILLS):
            for line in self.run_and_kill(source.uniform(0, .03), payloads, *how):
                kind, *words = line.split()
                self.assertNotEqual(kind, "late", line)
                if kind != "release" or len(words) != 2 or len(words[1]) != 32:
                    continue
                self.assertEqual(payloads.setdefault(words[0], words[1]), words[1], words[0])
        sound = self.of("verify", "--home", "bremen")
        history = self.of("history", "ovens", "--home", "bremen")
        released = {row["label"]: row["blocks"][0]["cost"] for row in history["events"]
                    if row["event"] == "released"}
        self.assertLessEqual(set(payloads), set(released))
        self.assertEqual(sound["payloads"], len(released))
        block = history["asset"]["blocks"][0]
        self.assertGreaterEqual(block["spent"] * (1 + 1e-12), sum(released.values()))
        print(f"{KILLS} kills: {len(payloads)} payloads left, {len(released)} were committed, "
              f"{sound['releases']} reserved; spent {block['spent']:.4f} of the budget for "
              f"{sum(released.values()):.4f} released")
        return payloads

    def test_one_process_at_a_time(self):
        self.open()
        with subprocess.Popen([LOAD, self.folder / "bremen/store.db", "1"], cwd=self.folder,
                              stdout=subprocess.PIPE, text=True, env=self.environment()) as load:
            load.stdout.readline()
            self.fails(UNAVAILABLE, "budget", "show", "--home", "bremen", says=["another process"])
            load.kill()
            load.stdout.read()


if __name__ == "__main__":
    unittest.main()
