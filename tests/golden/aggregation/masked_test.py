#!/usr/bin/python3
"""The golden vectors of masked sums are what masked.mjs makes, now as then.

@noble/post-quantum comes from npm as for the keys (../crypto/peer_test.py). Environment:
HANSE_PEER_FOLDER.
"""
import pathlib
import shutil
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "crypto"))
import peer_test  # noqa: E402  (beside us, not installed)


class Masked(unittest.TestCase):
    def test_the_golden_vectors_are_the_peers(self):
        folder = peer_test.installed()
        shutil.copy(HERE / "masked.mjs", folder / "masked.mjs")
        made = subprocess.run(["node", "masked.mjs"], cwd=folder, capture_output=True, text=True,
                              check=True).stdout
        self.assertEqual(made, (HERE / "masked.txt").read_text())


if __name__ == "__main__":
    unittest.main()
