"""Founding a consortium, joining, new keys, leaving; and whoever tries it without the sites."""

import json
import os
import pty
import shutil
import stat
import subprocess
import unittest

from hanse import BINARY, CORRUPTION, DENIED, EXISTS, INVALID, NOT_FOUND, PRECONDITION, USAGE, Case


class Enrolment(Case):
    def ask(self, name, *words, home=None):
        return json.loads(self.succeeds("site", "join", "--home", home or name, "--consortium",
                                        "ovens", "--name", name, "--json", *words).stdout)

    def approve(self, file, home, *words):
        done = self.succeeds("consortium", "approve", file, "--home", home, "--yes", "--json",
                             *words)
        return json.loads(done.stdout)["signatures"]

    def join(self, roster, *homes):
        for home in homes:
            self.succeeds("site", "join", "--home", home, roster, "--yes")

    def copy(self, source, name):
        shutil.copy(self.folder / source, self.folder / name)
        return name

    def found(self, *sites):
        """Epoch 1, signed by all and pinned by all; the name of its file."""
        for site in sites:
            self.ask(site)
        self.succeeds("consortium", "init", "ovens", "--home", "hub", "--address",
                      "hub.example:7443", *[f"{site}/request" for site in sites])
        roster = self.copy("hub/proposal", "epoch-1")
        for site in sites:
            signatures = self.approve(roster, site)
        self.assertTrue(signatures["complete"])
        self.join(roster, "hub", *sites)
        return roster

    def epoch(self, home):
        done = self.succeeds("site", "join", "--home", home, f"{home}/startup/roster", "--json")
        return json.loads(done.stdout)["epoch"]


class Founding(Enrolment):
    def test_three_founders_a_joiner_and_a_leaver(self):
        self.found("bremen", "essen", "ulm")
        asked = self.ask("jena", "--class", "generation-2", "--organisation", "Ovens of Jena")
        # Two of three sites decide.
        first = self.approve("jena/request", "bremen")
        self.assertEqual((first["needed"], first["have"]), (2, ["bremen"]))
        roster = self.copy("bremen/proposal", "epoch-2")
        self.fails(DENIED, "site", "join", "--home", "ulm", roster,
                   says=["1 of the 2 signatures", "3 sites of epoch 1", "missing: essen, ulm"])
        shown = self.hanse("consortium", "approve", roster, "--home", "ulm", "--yes")
        self.assertIn("joins", shown.stderr)
        self.assertIn(asked["fingerprint"], shown.stderr)
        self.assertIn("complete: 2 of the 2", shown.stdout)
        self.join(roster, "hub", "bremen", "essen", "ulm", "jena")
        self.assertEqual({home: self.epoch(home) for home in ("hub", "essen", "jena")},
                         {"hub": 2, "essen": 2, "jena": 2})
        # Four sites: three decide. The one that leaves is told why it cannot go on.
        self.succeeds("consortium", "revoke", "essen", "--home", "jena")
        roster = self.copy("jena/proposal", "epoch-3")
        self.assertFalse(self.approve(roster, "ulm")["complete"])
        self.assertTrue(self.approve(roster, "bremen")["complete"])
        self.join(roster, "hub", "bremen", "ulm", "jena")
        self.fails(DENIED, "site", "join", "--home", "essen", roster, says=["was revoked"])
        self.assertEqual(self.epoch("essen"), 2)

    def test_new_keys(self):
        self.found("bremen", "ulm")
        before = (self.folder / "ulm/keys/identity").read_bytes()
        self.succeeds("site", "join", "--home", "ulm", "--rotate")
        self.assertEqual((self.folder / "ulm/keys/identity").read_bytes(), before)
        self.approve("ulm/request", "bremen")
        roster = self.copy("bremen/proposal", "epoch-2")
        self.assertTrue(self.approve(roster, "ulm")["complete"])  # with the keys of epoch 1
        self.join(roster, "hub", "bremen", "ulm")
        self.assertNotEqual((self.folder / "ulm/keys/identity").read_bytes(), before)
        self.assertFalse((self.folder / "ulm/keys/identity.next").exists())
        self.assertEqual(self.epoch("ulm"), 2)

    def test_keys_are_private_and_never_overwritten(self):
        self.ask("bremen")
        keys = self.folder / "bremen/keys/identity"
        self.assertEqual(stat.S_IMODE(keys.stat().st_mode), 0o600)
        before = keys.read_bytes()
        for name in ("bremen", "ulm"):
            self.fails(EXISTS, "site", "join", "--home", "bremen", "--consortium", "ovens",
                       "--name", name, says=["never overwritten", "--rotate"])
        self.assertEqual(keys.read_bytes(), before)
        # A request that was lost is made again from the same keys.
        (self.folder / "bremen/request").unlink()
        self.ask("bremen")
        self.assertEqual(keys.read_bytes(), before)


class Refused(Enrolment):
    def test_an_operator_alone_admits_nobody(self):
        self.found("bremen", "ulm")
        self.ask("ghost")
        self.succeeds("consortium", "approve", "ghost/request", "--home", "hub", "--yes")
        roster = self.copy("hub/proposal", "epoch-2")
        for home in ("hub", "bremen", "ulm"):
            self.fails(DENIED, "site", "join", "--home", home, roster, "--yes",
                       says=["0 of the 2 signatures", "missing: bremen, ulm"])
        # Not even the ghost believes it: no site stands behind that roster.
        self.fails(DENIED, "site", "join", "--home", "ghost", roster, "--yes",
                   says=["no site of epoch 2 has signed"])

    def test_changed_files(self):
        roster = self.found("bremen", "ulm")
        text = (self.folder / roster).read_text()
        self.ask("essen")
        self.write("moved", text.replace("hub.example", "hub.exampel"))
        self.fails(DENIED, "site", "join", "--home", "essen", "moved", "--yes",
                   says=["0 of the 3 signatures"])
        self.fails(PRECONDITION, "site", "join", "--home", "ulm", "moved", "--yes",
                   says=["two different rosters of epoch 1"])
        self.write("spaced", text.replace('"epoch": 1', '"epoch":  1'))
        self.fails(CORRUPTION, "site", "join", "--home", "ulm", "spaced", says=["line 4"])
        request = (self.folder / "essen/request").read_text()
        self.write("asked", request.replace('"organisation": ""', '"organisation": "Mine"'))
        self.fails(DENIED, "consortium", "approve", "asked", "--home", "ulm", "--yes",
                   says=["asked:", "not signed with the key that it names"])
        self.write("nothing", "hello\n")
        self.fails(INVALID, "consortium", "approve", "nothing", "--home", "ulm",
                   says=["neither a proposal", "nor a request"])
        (self.folder / "ulm/keys/identity").write_text("hanse identity 1\n")
        self.fails(CORRUPTION, "consortium", "revoke", "bremen", "--home", "ulm",
                   says=["ulm/keys/identity", "backup"])

    def test_one_proposal_for_each_epoch(self):
        self.found("bremen", "essen", "ulm")
        self.ask("jena")
        self.approve("jena/request", "bremen")
        self.fails(EXISTS, "consortium", "revoke", "ulm", "--home", "bremen",
                   says=["bremen/proposal", "waits for signatures"])
        self.succeeds("consortium", "revoke", "bremen", "--home", "ulm")
        self.fails(PRECONDITION, "consortium", "approve", "ulm/proposal", "--home", "bremen",
                   "--yes", says=["another proposal for epoch 2", "--instead"])
        self.approve("ulm/proposal", "bremen", "--instead")

    def test_epochs_are_taken_one_by_one(self):
        first = self.found("bremen", "ulm", "essen")
        self.succeeds("consortium", "revoke", "essen", "--home", "bremen")
        second = self.copy("bremen/proposal", "epoch-2")
        self.approve(second, "ulm")
        self.join(second, "bremen", "ulm")
        self.ask("jena")
        self.approve("jena/request", "bremen")
        third = self.copy("bremen/proposal", "epoch-3")
        self.approve(third, "ulm")
        self.fails(PRECONDITION, "site", "join", "--home", "hub", third,
                   says=["epoch 3", "epoch 1", "give it epoch 2 first"])
        self.fails(PRECONDITION, "site", "join", "--home", "ulm", first, says=["already"])
        self.join(second, "hub")
        self.join(third, "hub")
        self.assertEqual(self.epoch("hub"), 3)

    def test_nobody_is_asked_without_a_terminal(self):
        self.ask("bremen")
        self.succeeds("consortium", "init", "ovens", "--home", "hub", "--address", "hub:1",
                      "bremen/request")
        self.fails(PRECONDITION, "consortium", "approve", "hub/proposal", "--home", "bremen",
                   says=["fingerprints", "--yes"])

    def test_a_person_says_yes_or_no(self):
        self.ask("bremen")
        self.succeeds("consortium", "init", "ovens", "--home", "hub", "--address", "hub:1",
                      "bremen/request")
        for answer, code in ("no", 12), ("yesterday", 12), ("yes", 0):
            keyboard, terminal = pty.openpty()
            os.write(keyboard, f"{answer}\n".encode())
            done = subprocess.run([BINARY, "consortium", "approve", "hub/proposal", "--home",
                                   "bremen"], cwd=self.folder, stdin=terminal, text=True,
                                  capture_output=True, env=self.environment(), check=False)
            os.close(keyboard)
            os.close(terminal)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn("[yes/no]", done.stderr)
        self.assertIn("complete: 2 of the 2", done.stdout)

    def test_words(self):
        self.fails(USAGE, "consortium")
        self.fails(USAGE, "site", "join")
        self.fails(INVALID, "site", "join", "--home", "a", says=["ROSTER", "--consortium"])
        self.fails(INVALID, "site", "join", "--home", "a", "--consortium", "ovens", "--name",
                   "a b", says=["letters, digits"])
        self.fails(INVALID, "site", "join", "--home", "a", "--consortium", "ovens", "--name", "a",
                   "--role", "boss", says=["coordinator, site, engineer or auditor"])
        self.fails(NOT_FOUND, "consortium", "approve", "absent", "--home", "a", says=["absent"])
        self.fails(PRECONDITION, "consortium", "revoke", "ulm", "--home", "a",
                   says=["hanse site join"])
        self.ask("bremen")
        for address in ("hub", "hub:0", "hub:99999"):
            self.fails(INVALID, "consortium", "init", "ovens", "--home", "hub", "--address",
                       address, "bremen/request", says=["HOST:PORT"])
        self.fails(INVALID, "consortium", "init", "mills", "--home", "hub", "--address", "hub:1",
                   "bremen/request", says=["asks to belong to 'ovens'", "--consortium mills"])


if __name__ == "__main__":
    unittest.main()
