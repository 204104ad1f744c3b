"""A small house in a temporary folder, in which tests plant violations."""
import json
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

TABLE = """# Architecture
<!-- arrows -->
| room | may include |
|---|---|
| base | |
| math | base |
| storage | base |
| federation | storage math base |
<!-- end of arrows -->
"""

CLEAN = {
    "docs/architecture.md": TABLE,
    "rooms.json": json.dumps({"base": [], "math": ["base"]}, indent=2),
    "src/base/README.md": "# base\n",
    "src/base/clock.h": "// The door to time.\n#pragma once\nclass SystemClock {};\n",
    "src/math/README.md": "# math\n",
    "src/math/sum.h": "// Sums.\n#pragma once\nint sum(int a, int b);\n",
    "src/math/sum.cc": '#include "math/sum.h"\n\n#include "base/clock.h"\n\n'
                       "int sum(int a, int b) { return a + b; }\n",
    "apps/main.cc": '#include "base/clock.h"\nint main() { SystemClock clock; }\n',
}


class TreeTest(unittest.TestCase):
    """`tool` is run on a clean tree with the files of `planted` added or replaced."""
    tool = ""

    def run_on(self, planted):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in {**CLEAN, **planted}.items():
                path = pathlib.Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                if isinstance(text, bytes):
                    path.write_bytes(text)
                elif text is not None:
                    path.write_text(text)
            done = subprocess.run([ROOT / "tools" / self.tool, "--root", folder],
                                  capture_output=True, text=True, check=False)
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout.splitlines()

    def assert_clean(self, planted):
        self.assertEqual(self.run_on(planted), (0, []))

    def assert_found(self, planted, *expected):
        """Exactly one finding for each expected beginning, in any order."""
        code, lines = self.run_on(planted)
        self.assertEqual(code, 1, lines)
        self.assertEqual(len(lines), len(expected), lines)
        for start in expected:
            self.assertTrue(any(line.startswith(start) for line in lines), (start, lines))
