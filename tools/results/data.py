#!/usr/bin/python3
"""What the examples reach on real data: docs/results/data.md and its plots.

usage: tools/results/data.py HANSE [JOB …] [--repeats N] [--out FOLDER]     (./dev results data builds first)

Runs each job under N seeds, federated beside local and pooled, then scikit-learn on the same records and folds. Without JOB all
of them, and the page is written anew; with JOBs their plots and figures on the terminal alone. What was measured with the same program,
job and seeds is kept in build/results and not measured again.
"""
import argparse
import hashlib
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

import matplotlib
import sklearn

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402  (the backend comes first)

import peers  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
METRICS_DOWN = ("rmse", "mae", "brier", "ece")

# Job, what is shown of it, and what it has to reach: (metric, whose, bound).
JOBS = {
    "cwru": ("roc_auc", [("pooled", "at least", .74)]),
    "ai4i": ("pr_auc", [("federated", "at least", .70), ("H gains", "at least", 0)]),
    "cmapss": ("rmse", [("FD001", "at most", 15.5), ("FD003", "at most", 15.5)]),
    "concrete": ("rmse", [("federated", "at most", 12.9)]),
    "heart": ("roc_auc", [("federated", "at least", .79)]),
    "femto": ("roc_auc", [("federated", "at least", .80)]),
    "steel": ("accuracy", [("federated", "at least", .70)]),
}
ARMS = ("local", "federated", "pooled")
COLOURS = {"local": "#8a8f98", "federated": "#0b6e99", "pooled": "#5b9e6f", "peer": "#c08a3e"}
DIGITS = {"rmse": 2}

plt.rcParams.update({"svg.hashsalt": "hanse", "svg.fonttype": "none", "font.family": "sans-serif",
                     "font.size": 9, "axes.spines.top": False, "axes.spines.right": False})


def report_of(binary, job, repeats, folder):
    done = subprocess.run([binary, "run", str(job), "--repeats", str(repeats), "--json", "--quiet",
                           "--out", f"{folder}/{job.stem}"],
                          stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"results: hanse run {job} ended with {done.returncode}")
    return json.loads(done.stdout)


def measured(given, name):
    """Report, peers and seconds of a job; from build/results where it is known already."""
    metric = JOBS[name][0]
    job = ROOT / "examples" / f"{name}.toml"
    of = hashlib.sha256(pathlib.Path(given.binary).read_bytes() + job.read_bytes() +
                        (pathlib.Path(__file__).parent / "peers.py").read_bytes())
    kept = ROOT / "build" / "results" / f"{name}-{given.repeats}-{of.hexdigest()[:16]}.json"
    if kept.exists():
        return json.loads(kept.read_text())
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = report_of(given.binary, job, given.repeats, folder)
    seconds = time.monotonic() - start
    seeds = range(report["seed"], report["seed"] + given.repeats)
    beside = peers.run(given.binary, str(job), seeds, metric, report["job"]["over"],
                       report["job"]["labels"])
    del report["rounds"], report["timing"]
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps([report, beside, seconds]))
    return report, beside, seconds


def triple(estimate):
    return estimate["value"], estimate["low"], estimate["high"]


def in_words(estimate, metric, sign=False):
    value, low, high = estimate
    if value is None:
        return "–"
    digits = DIGITS.get(metric, 3)
    shown = f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"
    return shown if low is None else f"{shown} ({low:.{digits}f} … {high:.{digits}f})"


def reached(bound, estimate):
    _, how, limit = bound
    value = estimate[0]
    return value >= limit if how == "at least" else value <= limit


def bounds_of(report, metric, bounds):
    """Each bar with what was reached: of an arm over all records, or of a site class."""
    for bound in bounds:
        who = bound[0]
        metrics = report["metrics"]
        if who.endswith(" gains"):
            row = next(row for row in report["groups"] if row["name"] == who.split()[0])
            yield bound, triple(row["metrics"]["federated_minus_local"][metric])
            continue
        if who not in ARMS:
            metrics = next(row for row in report["groups"] if row["name"] == who)["metrics"]
        arm = metrics[who if who in ARMS else "federated"]
        yield bound, triple(arm[metric])


def points(axes, rows, metric):
    """Rows of (name, estimate, colour), the first on top."""
    for y, (name, (value, low, high), colour) in enumerate(reversed(rows)):
        if value is None:
            continue
        if low is not None:
            axes.plot([low, high], [y, y], color=colour, linewidth=2, alpha=.55)
        axes.plot([value], [y], "o", color=colour, markersize=5)
    axes.set_yticks(range(len(rows)), [row[0] for row in reversed(rows)])
    axes.set_ylim(-.6, len(rows) - .4)
    axes.grid(axis="x", color="#dddddd", linewidth=.6)
    axes.set_xlabel(f"{metric}, {'lower' if metric in METRICS_DOWN else 'higher'} is better")


def plot(path, name, report, metric, beside):
    rows = [(arm, triple(report["metrics"][arm][metric]), COLOURS[arm]) for arm in ARMS]
    rows += [(f"scikit-learn {model}", estimate, COLOURS["peer"])
             for model, estimate in beside.items()]
    gains = [(site["name"], triple(site["metrics"]["federated_minus_local"][metric]),
              COLOURS["federated"]) for site in report["sites"]]
    gains = [row for row in gains if row[1][0] is not None]
    height = 1.3 + .24 * max(len(rows), len(gains))
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, height))
    points(left, rows, metric)
    left.set_title(f"{name}: all test records", loc="left", fontsize=10)
    points(right, gains, f"federated − local {metric}")
    right.axvline(0, color="#333333", linewidth=.8)
    better = "left" if metric in METRICS_DOWN else "right"
    right.set_xlabel(f"federated − local {metric}: joining helps on the {better}")
    right.set_title("per site", loc="left", fontsize=10)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    path.write_text(" ".join(path.read_text().split()) + "\n")  # a line per number helps nobody


def plain_interval(report, estimate, metric):
    """The interval without the correction, from the one with it."""
    folds = max(fold["fold"] for fold in report["metrics"]["folds"])
    values = folds * report["job"]["repeats"]
    value, low, high = estimate
    half = (high - low) / 2 * ((1 / values) / (1 / values + 1 / (folds - 1))) ** .5
    return (f"Taking the {values} differences ({folds} folds × {report['job']['repeats']} seeds) as independent, the 95 % interval is "
            f"{in_words((value, value - half, value + half), metric, True)}. They are not: the seeds share "
            "their records, which the interval above accounts for.")


def together_of(report, metric):
    """RMSE of each seed over the test records of all its folds, where there are several."""
    folds = report["metrics"]["folds"]
    if metric != "rmse" or all(fold["fold"] == 1 for fold in folds):
        return []
    sums = {}
    for fold in folds:
        squares, records = sums.get(fold["seed"], (0, 0))
        sums[fold["seed"]] = (squares + fold["test_records"] * fold["metrics"]["federated"][metric] ** 2,
                              records + fold["test_records"])
    return [(squares / records) ** .5 for squares, records in sums.values()]


def interval(values):
    return peers.interval(values, 0)


def section(name, report, metric, beside, seconds):
    job = report["job"]
    lines = [f"## {name}", "", job["description"], "",
             f"{job['source']} · {job['split']} · {job['model']} · {job['strategy']} · mean over {job['over']} · "
             f"{len(report['sites'])} sites, {sum(s['records'] for s in report['sites']):,} records · "
             f"{seconds:.0f} s for {job['repeats']} seeds", "",
             f"![{name}: {metric} of local, federated, pooled and scikit-learn, and federated minus local per site]"
             f"(data_{name}.svg)", "",
             f"| `{metric}` | local | federated | pooled | federated − local | n |",
             "|---|---|---|---|---|---|"]

    def row(title, metrics, records):
        cells = [in_words(triple(metrics[arm][metric]), metric) for arm in ARMS]
        cells.append(in_words(triple(metrics["federated_minus_local"][metric]), metric, True))
        lines.append(f"| {title} | {' | '.join(cells)} | {records:,} |")

    row("**all**", report["metrics"], sum(s["test_records"] for s in report["sites"]))
    for group in report["groups"]:
        row(f"class {group['name']}", group["metrics"], group["test_records"])
    for site in report["sites"]:
        row(site["name"], site["metrics"], site["test_records"])
    lines += ["", "scikit-learn, pooled, same records and folds: " + "; ".join(
        f"{model} {in_words(estimate, metric)}" for model, estimate in beside.items()) + ".", ""]
    for bound, estimate in bounds_of(report, metric, JOBS[name][1]):
        lines.append(f"Bar: {bound[0]} {bound[1]} {bound[2]}: {in_words(estimate, metric)}, "
                     f"{'met' if reached(bound, estimate) else 'NOT met'}.")
        if bound[0].endswith(" gains"):
            lines.append(plain_interval(report, estimate, metric))
    together = together_of(report, metric)
    if together:
        lines.append(f"All held-out records of a seed in one figure, not the mean over folds: "
                     f"federated {in_words(interval(together), metric)} over seeds.")
    for verdict in ("joining hurts", "joining may hurt"):
        named = [hurt["site"] for hurt in report["hurt"] if hurt["verdict"] == verdict]
        if named:
            lines.append(f"{verdict.capitalize()}: {', '.join(named)}.")
    return lines + [""]


def machine():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return f"{line.split(':', 1)[1].strip()}, {os.cpu_count()} cores"
    return platform.machine()


def page(sections, repeats):
    return "\n".join([
        "# Results on real data", "",
        f"Written by `./dev results data`. Each job ran under {repeats} seeds; in brackets the 95 % interval over folds and seeds, by "
        "Student's t with the variance corrected for training sets that overlap ([Nadeau and Bengio "
        "2003](https://doi.org/10.1023/A:1024068626366)). Where few folds differ much it reaches beyond what the metric can be: it then says that they say little. A seed decides the split where it is random, how records are dealt to sites, the "
        "first parameters and the order of records. Nothing here is private: that is in [privacy](privacy.md). Where the data comes from: "
        "[data](../data.md).", "",
        "*local*: each site alone. *federated*: together. *pooled*: all records in one place. *federated − local*: on the records "
        "that both can judge. The pooled numbers of scikit-learn are those of its defaults on the very records, encodings and folds "
        "(`hanse data export`).", "",
        f"scikit-learn {sklearn.__version__}; {machine()}.", ""] + sections) + "\n"


def arguments(program, known):
    parser = argparse.ArgumentParser(usage=f"tools/results/{program} HANSE [JOB …] [--repeats N] [--out FOLDER]")
    parser.add_argument("binary")
    parser.add_argument("jobs", nargs="*")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "docs" / "results")
    given = parser.parse_args()
    for name in given.jobs:
        if name not in known:
            sys.exit(f"results: no job '{name}'; there are: {', '.join(known)}")
    given.out.mkdir(parents=True, exist_ok=True)
    return given


def main():
    given = arguments("data.py", JOBS)
    sections, failed = [], []
    for name in given.jobs or JOBS:
        metric, bounds = JOBS[name]
        report, beside, seconds = measured(given, name)
        plot(given.out / f"data_{name}.svg", name, report, metric, beside)
        lines = section(name, report, metric, beside, seconds)
        print("\n".join(line for line in lines if not line.startswith("![")), flush=True)
        sections += lines
        failed += [name for bound, estimate in bounds_of(report, metric, bounds)
                   if not reached(bound, estimate)]
    if not given.jobs:
        (given.out / "data.md").write_text(page(sections, given.repeats))
    if failed:
        sys.exit(f"results: bars not met by {', '.join(dict.fromkeys(failed))}")


if __name__ == "__main__":
    main()
