#!/usr/bin/python3
"""Compares our ML-KEM-768 and hybrid keys with those of @noble/post-quantum and Node.

The package comes from npm, at the version and digests of package-lock.json, without running scripts of
its own, into the build folder. Environment: HANSE_CRYPTO_CASES, HANSE_PEER_FOLDER.
"""
import json
import os
import pathlib
import shutil
import subprocess
import unittest

HERE = pathlib.Path(__file__).resolve().parent
CASES = 300


def installed():
    """A folder with peer.mjs and what it imports."""
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            raise AssertionError(f"this test compares with a package of npm and needs '{tool}'; "
                                 "install the Debian packages nodejs and npm")
    folder = pathlib.Path(os.environ["HANSE_PEER_FOLDER"])
    folder.mkdir(parents=True, exist_ok=True)
    lock = (HERE / "package-lock.json").read_bytes()
    done = folder / "installed-lock.json"
    if not done.exists() or done.read_bytes() != lock:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder / name)
        npm = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder,
                             capture_output=True, text=True, check=False)
        if npm.returncode != 0:
            raise AssertionError("npm could not fetch @noble/post-quantum; this test needs the npm "
                                 f"registry once per build folder:\n{npm.stderr}")
        done.write_bytes(lock)
    for name in ("hybrid.mjs", "peer.mjs"):
        shutil.copy(HERE / name, folder / name)
    return folder


class Peer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = installed()
        cls.cases = subprocess.run([os.environ["HANSE_CRYPTO_CASES"], str(CASES)],
                                   capture_output=True, text=True, check=True).stdout

    def peer(self, *arguments, given=""):
        return subprocess.run(["node", "peer.mjs", *arguments], cwd=self.folder, input=given,
                              capture_output=True, text=True, check=False)

    def test_every_case_comes_out_the_same(self):
        done = self.peer(given=self.cases)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout), {"mlkem": CASES, "hybrid": CASES})

    def test_a_difference_is_noticed(self):
        for line in self.cases.splitlines()[:2]:
            case = json.loads(line)
            for name in set(case) - {"kind"}:
                digit = "0" if case[name][:1] != "0" else "1"
                broken = json.dumps({**case, name: digit + case[name][1:]})
                self.assertEqual(self.peer(given=broken).returncode, 1, name)

    def test_the_golden_vector_is_the_peers(self):
        self.assertEqual(self.peer("--golden").stdout, (HERE / "hybrid.txt").read_text())


if __name__ == "__main__":
    unittest.main()
