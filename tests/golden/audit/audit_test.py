#!/usr/bin/python3
"""Holds what we say of audit logs against verify_log.py: logs that hold, and logs with one thing changed.

200 of each; 1,000 with HANSE_FULL=1. Environment: HANSE_AUDIT_LOGS, the program make_audit_logs.
"""
import base64
import collections
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import verify_log
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HERE = pathlib.Path(__file__).resolve().parent
NUMBER = 1000 if os.environ.get("HANSE_FULL") else 200

# Leaves, and the roots of the trees of the first 1 … 8 of them: the published test data of
# Certificate Transparency (google/certificate-transparency, merkle_tree_test.cc).
LEAVES = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
          "606162636465666768696a6b6c6d6e6f")
ROOTS = ("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
         "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
         "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
         "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
         "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
         "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
         "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
         "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328")


def base64_of(octets):
    return base64.b64encode(octets).decode()


class Signer:
    def __init__(self, name, kind):
        self.name, self.kind, self.secret = name, kind, Ed25519PrivateKey.generate()
        public = self.secret.public_key().public_bytes(serialization.Encoding.Raw,
                                                       serialization.PublicFormat.Raw)
        self.octets = bytes([kind]) + public
        self.id = hashlib.sha256(name.encode() + b"\n" + self.octets).digest()[:4]

    def vkey(self):
        return f"{self.name}+{self.id.hex()}+{base64_of(self.octets)}"

    def line(self, text, seconds=1_700_000_000):
        signed, before = text, b""
        if self.kind == verify_log.WITNESS:
            signed, before = f"cosignature/v1\ntime {seconds}\n{text}", seconds.to_bytes(8, "big")
        signature = self.id + before + self.secret.sign(signed.encode())
        return f"\u2014 {self.name} {base64_of(signature)}\n"


class Definitions(unittest.TestCase):
    """The script, against published values and logs of three leaves, without our library."""

    def setUp(self):
        self.log = Signer("example.com/log", verify_log.LOG)
        self.witnesses = [Signer(f"w{i}.example", verify_log.WITNESS) for i in range(3)]
        self.policy = "".join([f"log {self.log.vkey()}\n"] + [
            f"witness w{i} {one.vkey()}\n" for i, one in enumerate(self.witnesses)
        ] + ["group g 2 w0 w1 w2\n", "quorum g\n"]).encode()
        leaves = [b"one", b"two", b"three"]
        self.hashes = [verify_log.leaf_hash(leaf) for leaf in leaves]
        self.text = f"example.com/log\n3\n{base64_of(verify_log.tree_hash(self.hashes))}\n"
        bundle = b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves)
        self.files = {"tile/entries/000.p/3": bundle, "tile/0/000.p/3": b"".join(self.hashes)}
        self.sign([self.log, *self.witnesses])

    def sign(self, signers):
        self.files["checkpoint"] = (self.text + "\n" + "".join(
            one.line(self.text) for one in signers)).encode()

    def findings(self):
        return verify_log.found(verify_log.check_log, self.policy, self.files.get)

    def test_roots_and_paths(self):
        hashes = [verify_log.leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES]
        for size, root in enumerate(ROOTS, 1):
            self.assertEqual(verify_log.tree_hash(hashes[:size]).hex(), root)
        sibling = verify_log.tree_hash(hashes[:4])
        path = [hashes[5], verify_log.node_hash(hashes[6], hashes[7]), sibling]
        self.assertEqual(verify_log.root_of_path(4, 8, hashes[4], path).hex(), ROOTS[7])
        for other in (path[:-1], path + [sibling]):
            with self.assertRaises(verify_log.Bad):
                verify_log.root_of_path(4, 8, hashes[4], other)

    def test_paths_of_tiles(self):
        """The number is an example of tlog-tiles."""
        asked = []
        with self.assertRaises(verify_log.Bad):
            verify_log.tile_of(asked.append, 0, 1234067, 7)
        self.assertEqual(asked, ["tile/0/x001/x234/067.p/7", "tile/0/x001/x234/067"])

    def test_a_log_holds(self):
        self.assertEqual(self.findings(), [])
        self.sign([self.log, self.witnesses[2], Signer("stranger", 6), self.witnesses[0]])
        self.assertEqual(self.findings(), [])

    def test_each_finding_is_named(self):
        self.sign([self.log, self.witnesses[1]])
        self.assertEqual(self.findings(), ["checkpoint: 1 cosigned, they are no quorum"])
        self.sign([Signer("example.com/log", verify_log.LOG), *self.witnesses])
        self.assertEqual(self.findings(),
                         ["checkpoint: no log 'example.com/log' of the policy signed it"])
        self.sign([self.log, *self.witnesses])
        self.files["tile/0/000.p/3"] = b"".join(reversed(self.hashes))
        self.assertEqual(self.findings(), ["tile/0/000.p/3: not the 3 hashes of what is below"])
        del self.files["tile/entries/000.p/3"]
        self.assertEqual(self.findings(), ["tile/entries/000.p/3: missing"])

    def test_policies_that_are_none(self):
        lines = self.policy.decode().splitlines(keepends=True)
        cases = ("".join(lines[:-1]), "".join(lines + lines[-1:]), "".join(lines + lines[:1]),
                 self.policy.decode().replace("g 2 ", "g 4 "),
                 self.policy.decode().replace("g 2 w0", "g 2 w3"),
                 self.policy.decode().replace("\n", "\r\n"))
        for case in cases:
            self.policy = case.encode()
            self.assertEqual(len(self.findings()), 1, case)
            self.assertIn("policy: ", self.findings()[0])

    def test_exit_codes(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for path, octets in {**self.files, "policy": self.policy}.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_bytes(octets)
            proof = "\n".join(["c2sp.org/tlog-proof@v1", f"extra {base64_of(b'three')}", "index 2",
                               base64_of(verify_log.tree_hash(self.hashes[:2])), "", ""])
            (root / "proof").write_bytes(proof.encode() + self.files["checkpoint"])
            ours = ["--policy", root / "policy"]
            self.assertEqual(self.exit_code(root), 0)
            self.assertEqual(self.exit_code("--proof", root / "proof", *ours), 0)
            (root / "proof").write_bytes(b"c2sp.org/tlog-proof@v1\n")
            self.assertEqual(self.exit_code("--proof", root / "proof", *ours), 1)
            (root / "checkpoint").unlink()
            self.assertEqual(self.exit_code(root), 1)
            self.assertEqual(self.exit_code(), 2)
            self.assertEqual(self.exit_code("--proof", root / "proof"), 2)
            self.assertEqual(self.exit_code(root / "nothing"), 2)

    @staticmethod
    def exit_code(*arguments):
        return subprocess.run([sys.executable, "-B", HERE / "verify_log.py", *arguments],
                              capture_output=True, check=False).returncode


class Agreement(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="hanse_audit_logs_"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        subprocess.run([os.environ["HANSE_AUDIT_LOGS"], cls.folder, str(NUMBER)], check=True)
        cls.cases = json.loads((cls.folder / "verdicts.json").read_text())

    def findings(self, case):
        folder = self.folder / case["path"]
        policy = (folder / "policy").read_bytes()
        if case["what"] == "proof":
            return verify_log.found(verify_log.check_proof, policy, (folder / "proof").read_bytes())
        return verify_log.found(verify_log.check_log, policy, verify_log.reader(folder))

    def test_both_accept_the_good_and_reject_the_bad(self):
        counts = collections.Counter()
        for case in self.cases:
            findings = self.findings(case)
            good = case["path"].startswith("good/")
            self.assertEqual(case["accepted"], good, case)
            self.assertEqual(not findings, good, f"{case}: {findings}")
            counts[case["kind"]] += 1
        self.assertEqual(sum(case["path"].startswith("bad/") for case in self.cases), NUMBER)
        self.assertEqual(counts["whole log"], NUMBER)
        for kind, count in sorted(counts.items()):
            print(f"{count:5} {kind}")


if __name__ == "__main__":
    unittest.main()
