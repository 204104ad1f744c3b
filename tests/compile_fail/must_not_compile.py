"""must_not_compile.py FILE COMPILER [FLAG…]: a program that compiles, and with -DSHORTCUT does not.

The honest half shows that it is the shortcut, and nothing else, that the compiler refuses. The first
line of FILE says how: // expect: REGEX, to be found in an error the compiler reports.
"""
import pathlib
import re
import subprocess
import sys


def main():
    file, compiler = sys.argv[1], sys.argv[2:] + ["-fsyntax-only", "-std=c++20", "-Werror"]
    first = pathlib.Path(file).read_text().splitlines()[0]
    expected = re.fullmatch(r"// expect: (.+)", first)
    if not expected:
        sys.exit(f"{file}:1: expected '// expect: REGEX', found '{first}'")
    honest = subprocess.run(compiler + [file], capture_output=True, text=True, check=False)
    if honest.returncode != 0:
        sys.exit(f"{file}: the honest half does not compile\n{honest.stderr}")
    shortcut = subprocess.run(compiler + ["-DSHORTCUT", file], capture_output=True, text=True,
                              check=False, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})
    if shortcut.returncode == 0:
        sys.exit(f"{file}: the shortcut compiles")
    errors = [line for line in shortcut.stderr.splitlines() if "error:" in line]
    if not any(re.search(expected.group(1), line) for line in errors):
        sys.exit(f"{file}: no error matches '{expected.group(1)}'\n{shortcut.stderr}")
    print("\n".join(errors))


main()
