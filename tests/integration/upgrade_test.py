"""Parties of different versions: stores from before, and members that speak another protocol."""

import contextlib
import sqlite3
import unittest

from hanse import PRECONDITION
from parties import Parties, eventually, job

UNSUPPORTED = 13  # docs/operating/command_line.md
ROUNDS = 40

# What version 2 changed in a store (docs/formats/store.md), backwards.
TO_VERSION_1 = "ALTER TABLE blob RENAME COLUMN name TO digest; PRAGMA user_version = 1"


def version_of(store):
    with contextlib.closing(sqlite3.connect(store)) as at:
        return at.execute("PRAGMA user_version").fetchone()[0]


class Upgrades(Parties):
    def test_stores_of_the_version_before(self):
        """In the midst of a job both kinds of party open theirs, and the job goes on."""
        self.found()
        hub, sites = self.coordinator(), self.all_sites()
        self.submit(job(rounds=ROUNDS))
        eventually(lambda: hub.said().count(" closed: ") > 2, "some rounds")
        for process in (hub, *sites.values()):
            self.assertEqual(process.stop(), 0)
        stores = [self.folder / home / "store.db" for home in ("hub", *self.sites)]
        for store in stores:
            with contextlib.closing(sqlite3.connect(store)) as at:
                at.executescript(TO_VERSION_1)
            self.assertEqual(version_of(store), 1)
        hub = self.coordinator()
        self.assertIn(f"of {ROUNDS} rounds done", hub.waits_for("rounds done"))
        self.all_sites()
        self.finishes()
        self.assertEqual([one["attempts"] for one in self.deployed_report()["rounds"]],
                         [1] * ROUNDS)
        self.kill_all()
        self.assertEqual([version_of(store) for store in stores], [2] * len(stores))

    def test_a_store_of_a_newer_version(self):
        self.found("bremen", engineer=False)
        with contextlib.closing(sqlite3.connect(self.folder / "bremen/store.db")) as at:
            at.executescript(f"PRAGMA application_id = {0x48616e73}; PRAGMA user_version = 3")
        site = self.site("bremen")
        self.assertEqual(site.ends(), PRECONDITION)
        for part in ("bremen/store.db", "newer"):
            self.assertIn(part, site.said())

    def test_a_consortium_that_speaks_another_protocol(self):
        self.found("bremen", engineer=False)
        roster = self.folder / "bremen/startup/roster"
        before = roster.read_text()
        for protocol, advice in ((99, "install a newer Hanse"), (0, "speak protocol 0")):
            text = before.replace('"protocol": 1,', f'"protocol": {protocol},')
            roster.write_text(text)
            site = self.site("bremen")
            self.assertEqual(site.ends(), UNSUPPORTED)
            self.assertIn(f"speak protocol {protocol}, this program 1 to 1", site.said())
            self.assertIn(advice, site.said())
            done = self.hanse("doctor", "--home", "bremen")
            self.assertIn(advice, done.stdout)
            # Nor does it take such an epoch.
            roster.write_text(before)
            self.write("epoch-2", text)
            self.fails(UNSUPPORTED, "site", "join", "--home", "bremen", "epoch-2", says=[advice])


if __name__ == "__main__":
    unittest.main()
