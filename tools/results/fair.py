#!/usr/bin/python3
"""What fair classification of two groups reaches: docs/results/fair.md.

usage: tools/results/fair.py RUN_FAIR [--out FOLDER]     (./dev results fair builds first)

Everything is measured by the program, from fixed seeds, in ten seconds.
"""
import argparse
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main():
    parser = argparse.ArgumentParser(usage="tools/results/fair.py RUN_FAIR [--out FOLDER]")
    parser.add_argument("binary")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "docs" / "results")
    given = parser.parse_args()
    done = subprocess.run([given.binary], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"results: run_fair ended with {done.returncode}")
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "fair.md").write_text(done.stdout)
    print(done.stdout, end="")


if __name__ == "__main__":
    main()
