"""Cedar's decisions on the same rules: printed as bench/run reads it. Takes node, npm, and the npm
registry once; packages go to a folder of their own under the build folder of benchmarks."""
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ORACLE = ROOT / "tests/golden/policy"  # which pins the package


def main():
    folder = ROOT / "build/bench/cedar"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ORACLE / name, folder / name)
    if not (folder / "node_modules").exists():
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder,
                       check=True, capture_output=True)
    shutil.copy(HERE / "policy.mjs", folder / "policy.mjs")
    # Without the optimising compiler of JavaScript, which falls over calls into WebAssembly: what
    # is measured is compiled WebAssembly.
    sys.exit(subprocess.run(["node", "--no-opt", "policy.mjs"], cwd=folder, check=False).returncode)


main()
