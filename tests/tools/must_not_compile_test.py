"""tests/compile_fail/must_not_compile.py passes only a program whose shortcut fails as expected."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[1] / "compile_fail/must_not_compile.py"


class MustNotCompile(unittest.TestCase):
    def run_on(self, honest, shortcut, expected):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "a.cc"
            path.write_text(f"// expect: {expected}\nstruct A {{ explicit A(int); }};\n"
                            f"#ifdef SHORTCUT\n{shortcut}\n#else\n{honest}\n#endif\n")
            done = subprocess.run([sys.executable, "-B", SCRIPT, path, "g++"], capture_output=True,
                                  text=True, check=False)
        return done.returncode, done.stderr

    def test_refused_shortcut(self):
        self.assertEqual(self.run_on("A a(1);", "A a = 1;", "conversion"), (0, ""))

    def test_shortcut_that_compiles(self):
        code, text = self.run_on("A a(1);", "A a(2);", "conversion")
        self.assertEqual(code, 1)
        self.assertIn("the shortcut compiles", text)

    def test_shortcut_refused_for_another_reason(self):
        code, text = self.run_on("A a(1);", "B a = 1;", "conversion")
        self.assertEqual(code, 1)
        self.assertIn("no error matches", text)

    def test_honest_half_that_does_not_compile(self):
        code, text = self.run_on("B a(1);", "A a = 1;", "conversion")
        self.assertEqual(code, 1)
        self.assertIn("honest half", text)


if __name__ == "__main__":
    unittest.main()
