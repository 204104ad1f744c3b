"""The audit log of a consortium of processes: witnessed, receipted, verified offline by a plant."""

import base64
import json
import pathlib
import shutil
import subprocess
import unittest
import urllib.error
import urllib.request

from hanse import BINARY, CORRUPTION
from parties import Parties, Process, eventually, job

SITES = ("bremen", "kiel", "ulm")
PRIVATE = 'epsilon = 1.5\ndelta = 1e-5\nunit = "record"\nplacement = "site"'
BUDGET = '[budget]\nasset = "ovens"\nepsilon = 4.0\ndelta = 1e-5\nunit = "record"\n'
SECOND_OPINION = pathlib.Path(__file__).parents[1] / "golden/audit/verify_log.py"
PYTHON = "/usr/bin/python3"  # Debian's own, which has Debian's packages


class Audit(Parties):
    def begin(self, limits=""):
        self.found(*SITES, test=False, engineer=False)
        for site in SITES:
            self.own_table(site, budget=BUDGET, limits=limits)
        hub = self.coordinator(clear=False)
        return {"hub": hub, **{site: self.site(site, "--http", "127.0.0.1:0", clear=False)
                               for site in SITES}}

    def trains(self, name="ovens", rounds=6):
        self.submit(job(name, rounds=rounds, privacy=PRIVATE), home="hub")
        self.finishes(name, home="hub")
        run = self.folder / "hub/runs" / name
        eventually(lambda: (run / "receipt.tlog-proof").exists(), "a receipt of the job")
        for site in SITES:
            receipts = self.folder / site / "audit/receipts" / name
            eventually(lambda at=receipts: at.exists() and len(list(at.iterdir())) >= rounds,
                       f"receipts of {site}")
        return run

    def stop_all(self, parties):
        for party in parties.values():
            self.assertEqual(party.stop(), 0)

    def head(self):
        return (self.folder / "hub/audit/checkpoint").read_text()

    def verify(self, site, run="hub/runs/ovens", *words):
        return self.succeeds("audit", "verify", "--site", site, run, *words)

    def test_a_plant_proves_what_was_done(self):
        parties = self.begin()
        self.trains()
        # Every site's cosignature is under the head, as it is served too.
        eventually(lambda: self.head().count("\n\u2014 ovens/site/") == 3, "all cosignatures")
        self.assertEqual(parties["hub"].page("/checkpoint").splitlines()[0], "ovens/audit")
        self.assertEqual(len(list((self.folder / "ulm/audit/pending").iterdir())), 0)
        self.refuses_two_histories(parties["ulm"])
        self.stop_all(parties)
        for site in SITES:
            said = self.verify(site).stdout
            self.assertIn("model.json is what they come to", said)
            self.assertIn("\nin order\n", said)
        report = json.loads(self.verify("ulm", "hub/runs/ovens", "--json").stdout)
        self.assertEqual(report["findings"], [])
        self.verify("ulm", "hub/runs/ovens", "--html", "statement.html")
        self.assertIn("ovens", (self.folder / "statement.html").read_text())
        self.succeeds("audit", "fsck", "hub/audit")
        self.succeeds("audit", "checkpoint", "--log", "hub/audit")
        # Another program agrees, about the log and about a receipt.
        self.agrees("hub/audit")
        receipt = next((self.folder / "ulm/audit/receipts/ovens").iterdir())
        self.agrees("--proof", receipt, "--policy", "hub/audit/policy")
        self.succeeds("audit", "prove", "--check", receipt, "--policy", "hub/audit/policy")
        self.finds_what_was_doctored()

    def agrees(self, *words):
        done = subprocess.run([PYTHON, "-B", SECOND_OPINION, *map(str, words)], cwd=self.folder,
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def refuses_two_histories(self, site):
        """A log that shows a witness another history than it has cosigned gets no signature."""
        port = int(site.said().split("/metrics on port ")[1].split('"')[0])

        def post(body):
            request = urllib.request.Request(f"http://127.0.0.1:{port}/add-checkpoint",
                                             data=body.encode(), method="POST")
            try:
                with urllib.request.urlopen(request, timeout=10) as reply:
                    return reply.status, reply.read().decode(), reply.headers
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode(), error.headers

        head = self.head()
        size = int(head.splitlines()[1])
        status, said, headers = post(f"old 0\n\n{head}")
        self.assertEqual((status, said), (409, f"{size}\n"))
        self.assertEqual(headers["Content-Type"], "text/x.tlog.size")
        status, said, _ = post(f"old {size}\n\n{head}")
        self.assertEqual(status, 200, said)
        self.assertTrue(said.startswith("\u2014 ovens/site/ulm "), said)
        other = base64.b64encode(bytes(32)).decode()
        forged = head.replace(head.splitlines()[2], other)
        self.assertEqual(post(f"old {size}\n\n{forged}")[0], 403)
        self.assertEqual(post(f"old {size + 1}\n\n{head}")[0], 400)
        self.assertEqual(post("nonsense")[0], 400)
        strange = head.replace("ovens/audit", "pumps/audit")
        self.assertEqual(post(f"old {size}\n\n{strange}")[0], 404)

    def finds_what_was_doctored(self):
        """One change at a time, in copies: each is found, by its own exit code."""
        hub = self.folder / "hub"
        released = hub / "runs/ovens/released-0003.i64"
        size = int(self.head().splitlines()[1])
        self.assertLess(size, 256)
        bundle = hub / f"audit/tile/entries/000.p/{size}"
        model = hub / "runs/ovens/model.json"
        for path, says in ((released, "round 3"), (bundle, "root"), (model, "model")):
            kept = path.read_bytes()
            at = len(kept) // 2
            changed = kept[:at] + bytes([kept[at] ^ 1]) + kept[at + 1:]
            if path == model:
                changed = kept.replace(b"1", b"2", 1)
            path.write_bytes(changed)
            done = self.hanse("audit", "verify", "--site", "ulm", "hub/runs/ovens")
            self.assertEqual(done.returncode, CORRUPTION, f"{path}: {done.stdout}{done.stderr}")
            self.assertIn(says, done.stdout + done.stderr, path)
            path.write_bytes(kept)
        self.verify("ulm")
        kept = (hub / "audit/checkpoint").read_text()
        # A signature of a witness, damaged: a quorum remains, and it is found all the same.
        lines = kept.splitlines(keepends=True)
        line = next(n for n, text in enumerate(lines) if text.startswith("\u2014 ovens/site/kiel"))
        end = lines[line].rstrip("\n")
        lines[line] = end[:-6] + ("A" if end[-6] != "A" else "B") + end[-5:] + "\n"
        (hub / "audit/checkpoint").write_text("".join(lines))
        done = self.hanse("audit", "fsck", "hub/audit")
        self.assertEqual(done.returncode, CORRUPTION, done.stdout + done.stderr)
        self.assertIn("checkpoint: the signature of 'ovens/site/kiel'", done.stdout)
        (hub / "audit/checkpoint").write_text(kept)

    def test_copies_are_fetched_mended_and_served(self):
        parties = self.begin()
        self.trains(rounds=2)
        eventually(lambda: self.head().count("\n\u2014 ovens/site/") == 3, "all cosignatures")
        self.succeeds("audit", "fetch", "copy", "--home", "ulm")
        self.succeeds("audit", "fsck", "copy")
        # A damaged file of a copy is fetched anew.
        size = int((self.folder / "copy/checkpoint").read_text().splitlines()[1])
        bundle = self.folder / f"copy/tile/entries/000.p/{size}"
        whole = bundle.read_bytes()
        bundle.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        self.succeeds("audit", "fetch", "copy", "--home", "ulm")
        self.assertEqual(bundle.read_bytes(), whole)
        self.stop_all(parties)
        self.verify("ulm", "hub/runs/ovens", "--log", "copy")
        served = Process([BINARY, "audit", "serve", "copy", "--bind", "127.0.0.1:0"],
                         self.folder / "serve.log", cwd=self.folder)
        self.started.append(served)
        for path in ("checkpoint", "policy", f"tile/entries/000.p/{size}", f"tile/0/000.p/{size}"):
            held = (self.folder / "copy" / path).read_bytes()
            self.assertEqual(self.ask(served, path), (200, held))
        (self.folder / "copy/secret").write_text("no file of the log")
        for path in ("secret", "../copy/secret", "tile/0/../../secret"):
            self.assertEqual(self.ask(served, path)[0], 404, path)
        self.assertEqual(served.stop(), 0)
        # A site that does not run cosigns all the same, for whoever asks.
        alone = self.start("audit", "witness", "--bind", "127.0.0.1:0", home="ulm")
        status, said = self.ask(alone, "add-checkpoint", f"old {size}\n\n{self.head()}".encode())
        self.assertEqual(status, 200, said)
        self.assertTrue(said.decode().startswith("\u2014 ovens/site/ulm "), said)
        self.assertEqual(alone.stop(), 0)

    def ask(self, process, path, body=None):
        port = int(process.waits_for(" on port ").split(" on port ")[-1].split('"')[0])
        request = urllib.request.Request(f"http://127.0.0.1:{port}/{path}", data=body)
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                return reply.status, reply.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def test_kills_leave_one_log(self):
        parties = self.begin()
        self.submit(job(rounds=40, privacy=PRIVATE), home="hub")
        for name in ("hub", "ulm", "hub"):
            before = self.jobs("hub")["ovens"]["round"]
            eventually(lambda at=before: self.jobs("hub")["ovens"]["round"] > at, "another round")
            parties[name].kill()
            parties[name] = (self.coordinator(clear=False) if name == "hub"
                             else self.site(name, "--http", "127.0.0.1:0", clear=False))
        self.finishes(home="hub")
        run = self.folder / "hub/runs/ovens"
        eventually(lambda: (run / "receipt.tlog-proof").exists(), "a receipt of the job")
        self.stop_all(parties)
        self.succeeds("audit", "fsck", "hub/audit")
        for site in SITES:
            self.verify(site)

    def test_yesterdays_store_is_refused(self):
        parties = self.begin()
        self.trains(rounds=2)
        self.stop_all(parties)
        shutil.copytree(self.folder / "hub", self.folder / "yesterday")
        parties = {"hub": self.coordinator(clear=False),
                   **{site: self.site(site, clear=False) for site in SITES}}
        self.trains("again", rounds=2)
        self.stop_all(parties)
        # The store alone: the coordinator sees by its own files that it is old.
        kept = (self.folder / "hub/store.db").read_bytes()
        shutil.copy(self.folder / "yesterday/store.db", self.folder / "hub/store.db")
        old = self.coordinator(clear=False, ready=False)
        self.assertEqual(old.ends(), CORRUPTION)
        self.assertIn("old copy", old.said())
        (self.folder / "hub/store.db").write_bytes(kept)
        # All of it: the witnesses see it.
        shutil.copytree(self.folder / "yesterday/audit", self.folder / "hub/audit",
                        dirs_exist_ok=True)
        shutil.copy(self.folder / "yesterday/store.db", self.folder / "hub/store.db")
        hub = self.coordinator(clear=False)
        site = self.site("ulm", clear=False)
        hub.waits_for("this store is an old copy")
        self.stop_all({"hub": hub, "ulm": site})

    def test_a_strict_owner_wants_a_fresh_quorum(self):
        parties = self.begin(limits="witnessed_within_seconds = 60\n")
        self.trains(rounds=2)
        # With one witness of three there is no quorum, and so no grant; what the others signed
        # before is taken away.
        self.stop_all(parties)
        kept = self.head().split("\n\u2014 ovens/site/")[0]
        (self.folder / "hub/audit/checkpoint").write_text(kept + "\n")
        hub = self.coordinator(clear=False)
        alone = self.site("bremen", clear=False)
        self.submit(job("again", rounds=2, privacy=PRIVATE), home="hub")
        alone.waits_for("limits.witnessed_within_seconds")
        self.stop_all({"hub": hub, "bremen": alone})


if __name__ == "__main__":
    unittest.main()
