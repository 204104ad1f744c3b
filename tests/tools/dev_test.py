"""./dev with packages missing: what it installs as root, and what it says to everyone else."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOBODY = 65534


class Dev(unittest.TestCase):
    """`./dev` in an empty folder, with a dpkg-query that misses some packages and an apt-get that
    only writes down how it was called."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.folder.chmod(0o777)
        shutil.copy(ROOT / "dev", self.folder)
        self.log = self.folder / "log"
        self.program("apt-get", f'echo "${{DEBIAN_FRONTEND:-}} apt-get $*" >> {self.log}')
        self.missing("mold")

    def program(self, name, text):
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def missing(self, *packages):
        cases = " ".join(f"{package}) exit 1;;" for package in packages)
        self.program("dpkg-query", f'for last; do :; done; case $last in {cases} esac; echo "ii "')

    def run_dev(self, *arguments, user=None):
        return subprocess.run(
            [self.folder / "dev", *arguments], capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL, user=user, cwd=self.folder,
            env={"PATH": f"{self.folder}/bin:/usr/bin:/bin", "HOME": str(self.folder)})

    @unittest.skipIf(os.geteuid() != 0, "needs root")
    def test_root_installs_what_is_missing(self):
        self.missing("mold", "cmake")
        done = self.run_dev("setup", "build")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.log.read_text().splitlines(), [
            " apt-get update -qq",
            "noninteractive apt-get install -y --no-install-recommends cmake mold -qq"])

    def test_nothing_is_installed_when_nothing_is_missing(self):
        self.missing()
        self.assertEqual(self.run_dev("setup", "test").returncode, 0)
        self.assertFalse(self.log.exists())

    def test_others_are_told_the_one_line(self):
        user = NOBODY if os.geteuid() == 0 else None
        done = self.run_dev("setup", "build", user=user)
        self.assertEqual(done.returncode, 3)
        self.assertIn("apt-get install -y --no-install-recommends mold", done.stderr)
        self.assertFalse(self.log.exists())

    def test_demo_needs_the_build_set_only(self):
        user = NOBODY if os.geteuid() == 0 else None
        self.missing("libgtest-dev", "python3")
        self.program("cmake", "echo configured")
        done = self.run_dev("demo", user=user)
        self.assertNotEqual(done.returncode, 3, done.stderr)
        self.missing("libfmt-dev", "libgtest-dev")
        done = self.run_dev("demo", user=user)
        self.assertEqual(done.returncode, 3)
        self.assertIn("recommends libfmt-dev\n", done.stderr)

    def test_help_and_mistakes(self):
        done = self.run_dev()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for command in ("demo", "test", "check", "sim", "bench", "fuzz", "docs", "fmt", "setup"):
            self.assertIn(f"\n  {command} ", done.stdout)
        self.assertEqual(self.run_dev("--help").stdout, done.stdout)
        for arguments in (["tset"], ["test", "--fast"], ["sim"], ["sim", "x"], ["setup", "all"]):
            self.assertEqual(self.run_dev(*arguments).returncode, 2, arguments)

    def test_ci_runs_the_readmes_command(self):
        self.assertIn("\nexec ./dev test\n", (ROOT / ".ci/run").read_text())
        self.assertIn("\n./dev test ", (ROOT / "README.md").read_text())


if __name__ == "__main__":
    unittest.main()
