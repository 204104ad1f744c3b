"""The completion scripts, asked as a shell asks."""

import shutil
import subprocess
import unittest

from hanse import Case


class Bash(Case):
    def offered(self, *words):
        """What bash offers for the last of the words."""
        script = self.succeeds("completion", "bash").stdout
        quoted = " ".join(f"'{word}'" for word in ("hanse", *words))
        script += f"""
COMP_WORDS=({quoted}); COMP_CWORD={len(words)}; _hanse; echo "${{COMPREPLY[@]}}"
"""
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
        return done.stdout.split()

    def test_commands(self):
        self.assertEqual(self.offered("re"), ["resume", "report"])
        self.assertEqual(self.offered("job", ""),
                         ["check", "submit", "list", "watch", "cancel", "approve"])

    def test_options(self):
        self.assertEqual(self.offered("run", "--se"), ["--seed", "--set"])
        self.assertIn("--rpm", self.offered("predict", "a", "b", "--"))
        self.assertEqual(self.offered("job", "check", "--s"), ["--set"])


class Zsh(Case):
    def test_the_script_parses(self):
        if not shutil.which("zsh"):
            self.skipTest("zsh is not installed")
        script = self.succeeds("completion", "zsh").stdout
        subprocess.run(["zsh", "-n"], input=script, text=True, check=True)


if __name__ == "__main__":
    unittest.main()
