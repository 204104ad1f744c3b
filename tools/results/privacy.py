#!/usr/bin/python3
"""What private training reaches on real data: docs/results/privacy.md and its plots.

usage: tools/results/privacy.py HANSE [JOB …] [--repeats N] [--out FOLDER]  (./dev results privacy builds first)

Trains every job of examples/private at ε = 0.5, 1, 3, 8 and without noise (the same procedure under noise that is next to
none), under seeds 1 … N, with the noise shared by the sites (a trusted summer adds up) and whole at each site, federated and
local-only. Without JOB the page is written anew. What was measured with the same program, job and seeds is kept in build/results.
"""
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from concurrent import futures

import data
import peers
from data import in_words, machine, plt, triple

ROOT = data.ROOT
DELTA = 1e-5
EPSILONS = (0.5, 1, 3, 8, None)  # None: no noise worth the name
NEXT_TO_NONE = 1e-4              # noise multiplier of each round
PLACEMENTS = ("shared", "site")

# (job, whom it protects): metric, the job's own words for the unit, goals at an ε, the classes it is the mean of.
CASES = {
    ("ai4i", "record"): ("pr_auc", {1: .70, 3: .77}, ()),
    ("cwru", "window"): ("roc_auc", {1: "no noise − .02", 3: "no noise − .02"}, ()),
    ("cwru", "recording"): ("roc_auc", {}, ()),
    ("heart", "record"): ("roc_auc", {1: .827, 3: .832}, ()),
    ("concrete", "mix"): ("rmse", {1: 12.1, 3: 12.0}, ()),
    ("concrete", "study"): ("rmse", {1: 14.0, 3: 12.5}, ()),
    ("cmapss", "row"): ("rmse", {1: 14.0, 3: 13.8}, ("FD001", "FD003")),
    ("cmapss", "engine"): ("rmse", {1: 20.5, 3: 19.0}, ("FD001", "FD003")),
    ("steel", "record"): ("accuracy", {1: .67, 3: .71}, ()),
    ("femto", "record"): ("roc_auc", {}, ()),
    ("femto", "bearing"): ("roc_auc", {}, ()),
    ("bearings", "recording"): ("roc_auc", {}, ()),
}
# What limits a case that misses its goal, and what was tried.
NOTES = {
    ("concrete", "study"): "With 52 studies to learn from, the noise of the round of moments is as large as the moments: at ε=1 nearly a tenth of the label's range "
                           "in the mean strength alone. Under ten seeds the mean over folds is 12 to 15 for five, 17 for two, 20 to 29 for three. In a prototype a larger share for the moments "
                           "(now 40 % of ρ) brought 14.3 to 14.1 under other seeds, and half the regularisation of the whitening helped too; both are in the recipe.",
    ("cmapss", "engine"): "200 engines. Seeds range from 17 to 25 at ε=1. Tried under five seeds: a ridge model on 14 sensors 21.1, on eight 20.2; this network on 14 sensors 21.6 (three seeds), on eight 20.0, "
                          "under the ten seeds here 21.3.",
}
# Sites whose noise makes the whole dose, and without which no round is opened: added up by a trusted summer, so that
# the table shows what noise costs, whoever may collude (masked sums of as many shares are the same to the bit).
SHARES = {"ai4i": 7, "bearings": 5, "cmapss": 8, "concrete": 10, "cwru": 4, "femto": 3, "heart": 4, "steel": 6}
ENTITIES = ("study", "engine", "recording", "bearing")  # units that the job file names; the others are its records


def name_of(epsilon):
    return "none" if epsilon is None else f"{epsilon:g}"


def privacy_of(unit, epsilon, placement):
    """The [privacy] table of one run."""
    noise = f"noise_multiplier = {NEXT_TO_NONE}" if epsilon is None else f"epsilon = {float(epsilon)}"
    whom = "" if unit in ENTITIES else ', unit = "record"'
    return f'{{ {noise}, delta = {DELTA}, placement = "{placement}"{whom} }}'


def report_of(binary, job, repeats, privacy, compare):
    with tempfile.TemporaryDirectory() as folder:
        with subprocess.Popen([binary, "run", str(job), "--repeats", str(repeats), "--seed", "1", "--set", f"privacy={privacy}",
                               "--set", f'aggregation={{ backend = "plain", min_sites = {SHARES[job.stem]} }}',
                               "--set", f"evaluation.compare={json.dumps(compare)}",
                               "--json", "--quiet", "--threads", "1", "--out", f"{folder}/run"],
                              stdout=subprocess.PIPE, text=True) as run:
            said = run.stdout.read()
            _, status, used = os.wait4(run.pid, 0)
            run.returncode = os.waitstatus_to_exitcode(status)
    if run.returncode != 0:
        raise RuntimeError(f"hanse run {job} with privacy = {privacy} ended with {run.returncode}")
    report = json.loads(said)
    facts = [(row["noise_to_signal"], row["clipped_fraction"]) for row in report["rounds"]]
    report["facts"] = [mean([fact[i] for fact in facts]) for i in range(2)]
    del report["rounds"], report["timing"]
    return report, used.ru_utime + used.ru_stime


def mean(values):
    values = [value for value in values if value is not None]
    return sum(values) / len(values) if values else None


def measured(given, case, epsilon, placement):
    """One run, from build/results where it is known already."""
    name, unit = case
    job = ROOT / "examples" / "private" / f"{name}.toml"
    privacy = privacy_of(unit, epsilon, placement)
    of = hashlib.sha256(pathlib.Path(given.binary).read_bytes() + job.read_bytes() + privacy.encode())
    kept = ROOT / "build" / "results" / f"privacy-{name}-{given.repeats}-{of.hexdigest()[:16]}.json"
    if kept.exists():
        return json.loads(kept.read_text())
    report, seconds = report_of(given.binary, job, given.repeats, privacy, ["local"] if placement == "shared" else [])
    report["seconds"] = seconds
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(report))
    return report


def estimate(report, arm, metric, classes):
    """Of all test records; of a job that is judged by class, the mean over these."""
    if not classes:
        return triple(report["metrics"][arm][metric])
    rows = [row["metrics"][arm][metric] for row in report["groups"] if row["name"] in classes]
    return tuple(mean([row[part] for row in rows]) for part in ("value", "low", "high"))


def paired(one, other, metric):
    """Shared minus site noise in the same folds and seeds."""
    differences = []
    shares = []
    for a, b in zip(one["metrics"]["folds"], other["metrics"]["folds"]):
        values = a["metrics"]["federated"][metric], b["metrics"]["federated"][metric]
        if None not in values:
            differences.append(values[0] - values[1])
            shares.append(a["test_records"] / a["train_records"])
    return peers.interval(differences, mean(shares)) if differences else (None, None, None)


def goal_of(goals, epsilon, none, metric):
    goal = goals.get(epsilon)
    if isinstance(goal, str):
        return none - .02 if metric not in data.METRICS_DOWN else none + .02
    return goal


def met(value, goal, metric):
    return value <= goal if metric in data.METRICS_DOWN else value >= goal


def joining(report, metric):
    """A sentence on each site: does joining pay for it?"""
    down = metric in data.METRICS_DOWN
    pays, costs, open_ = [], [], []
    for site in report["sites"]:
        value, low, high = triple(site["metrics"]["federated_minus_local"][metric])
        if value is None:
            continue
        if down:
            value, low, high = -value, None if high is None else -high, None if low is None else -low
        place = pays if low is not None and low > 0 else costs if high is not None and high < 0 else open_
        place.append(f"{site['name']} ({value:+.{data.DIGITS.get(metric, 3)}f})")
    parts = [f"joining pays for {', '.join(pays)}" if pays else "", f"costs {', '.join(costs)}" if costs else "",
             f"it is open whether it pays for {', '.join(open_)}" if open_ else ""]
    return "; ".join(part for part in parts if part)


def plot(path, title, metric, rows):
    """rows: {series: [(epsilon, estimate)]}."""
    figure, axes = plt.subplots(figsize=(6.4, 3.2))
    colours = {"shared": data.COLOURS["federated"], "per-site noise": data.COLOURS["peer"],
               "local-only": data.COLOURS["local"]}
    places = range(len(EPSILONS))
    for series, estimates in rows.items():
        values = [value for value, _, _ in estimates]
        axes.plot(places, values, "o-", color=colours[series], label=series, markersize=4, linewidth=1.5)
        for x, (_, low, high) in zip(places, estimates):
            if low is not None:
                axes.plot([x, x], [low, high], color=colours[series], linewidth=3, alpha=.25)
    axes.set_xticks(list(places), [name_of(epsilon) if epsilon else "no noise" for epsilon in EPSILONS])
    values = [value for estimates in rows.values() for value, _, _ in estimates if value is not None]
    margin = (max(values) - min(values)) * .35 or .1
    axes.set_ylim(min(values) - margin, max(values) + margin)
    axes.set_xlabel("ε")
    axes.set_ylabel(f"{metric}, {'lower' if metric in data.METRICS_DOWN else 'higher'} is better")
    axes.set_title(title, loc="left", fontsize=10)
    axes.grid(axis="y", color="#dddddd", linewidth=.6)
    axes.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    path.write_text(" ".join(path.read_text().split()) + "\n")


def section(given, case, reports):
    name, unit = case
    metric, goals, classes = CASES[case]
    shared = {epsilon: reports[epsilon, "shared"] for epsilon in EPSILONS}
    site = {epsilon: reports[epsilon, "site"] for epsilon in EPSILONS}
    value = {(arm, epsilon): estimate(of[epsilon], column, metric, classes)
             for arm, of, column in (("shared", shared, "federated"), ("per-site noise", site, "federated"),
                                     ("local-only", shared, "local")) for epsilon in EPSILONS}
    picture = f"privacy_{name}_{unit}.svg"
    title = f"{name}, per {unit}"
    plot(given.out / picture, title, metric,
         {arm: [value[arm, epsilon] for epsilon in EPSILONS] for arm in ("shared", "per-site noise", "local-only")})
    job = shared[1]["job"]
    lines = [f"## {title}", "", job["description"], "",
             f"{job['split']} · {job['model']} · {job['strategy']} · mean over {job['over']}"
             f"{' and over ' + ' and '.join(classes) if classes else ''} · {len(shared[1]['sites'])} sites · "
             f"{sum(reports[key]['seconds'] for key in reports):.0f} s", "",
             f"![{title}: {metric} by ε for shared noise, per-site noise and local-only]({picture})", "",
             f"| ε | `{metric}`: shared noise (trusted summer) | per-site noise | local-only | federated − local, paired | "
             "shared − per-site, paired | noise/signal | clipped | goal |",
             "|---|---|---|---|---|---|---|---|---|"]
    missed = []
    for epsilon in EPSILONS:
        goal = goal_of(goals, epsilon, value["shared", None][0], metric)
        got = value["shared", epsilon][0]
        verdict = "" if goal is None else f"{goal:.{data.DIGITS.get(metric, 3)}f}: {'met' if met(got, goal, metric) else 'missed'}"
        if verdict.endswith("missed"):
            missed.append(f"{title} at ε={name_of(epsilon)}")
        noise, clipped = shared[epsilon]["facts"]
        cells = [in_words(value[arm, epsilon], metric) for arm in ("shared", "per-site noise", "local-only")]
        cells.append(in_words(estimate(shared[epsilon], "federated_minus_local", metric, classes), metric, True))
        cells.append(in_words(paired(shared[epsilon], site[epsilon], metric), metric, True))
        cells += [f"{noise:.2f}" if noise is not None else "–", f"{100 * clipped:.0f} %" if clipped is not None else "–", verdict]
        lines.append(f"| {name_of(epsilon)} | {' | '.join(cells)} |")
    guarantee = shared[1]["privacy"]["guarantee"]
    lines += ["", f"At ε=1 the gate counts {guarantee['gate_epsilon']:.3f} and PLD {guarantee['pld_epsilon']:.3f} per "
                  f"{shared[1]['privacy']['unit']}, for the assets of all sites alike."]
    for larger in guarantee["larger_units"]:
        epsilon = "no known bound" if larger["epsilon"] is None else f"ε = {larger['epsilon']:,.3g}"
        lines.append(f"For {larger['unit'] if larger['unit'].startswith('whole') else 'a whole ' + larger['unit']} ({larger['records']} of them at most): {epsilon}.")
    lines += [f"At ε=1, {joining(shared[1], metric)}.", ""]
    if case in NOTES:
        lines += [NOTES[case], ""]
    return lines, missed


def page(sections, repeats, seconds):
    return "\n".join([
        "# Private training on real data", "",
        f"Written by `./dev results privacy`: {seconds / 120:.0f} minutes on two cores ({seconds / 60:.0f} of one). Every job of `examples/private/` under seeds 1 to {repeats}, δ = {DELTA:g}; in brackets the 95 % "
        "interval over folds and seeds as in [data](data.md), the differences paired by fold and seed. One recipe with one set of defaults "
        "for all jobs ([private training](../private_training.md)). **Its constants and the features of these jobs were chosen looking at test figures of these jobs, all but `bearings`: "
        "for other data these tables are optimistic.**", "",
        "*shared noise*: the sites share the noise and a trusted summer adds up: what masked sums give without the trust. *per-site "
        "noise*: each site adds the whole noise, so that nobody has to be trusted. *local-only*: each site trains alone under the same ε. "
        "*noise/signal*, *clipped*: means over the rounds with shared noise. *none*: the same procedure, clips included, under noise that is next to none. "
        "*goal*: what was asked of shared noise beforehand. Intervals by Student's t reach beyond what a metric can be where few folds differ much: they then say that they say little.", "",
        f"{machine()}.", ""] + sections) + "\n"


def main():
    given = data.arguments("privacy.py", list(dict.fromkeys(name for name, _ in CASES)))
    cases = [case for case in CASES if not given.jobs or case[0] in given.jobs]
    sections, missed, seconds = [], [], 0
    with futures.ThreadPoolExecutor(max_workers=2) as pool:
        runs = {(case, epsilon, placement): pool.submit(measured, given, case, epsilon, placement)
                for case in cases for epsilon in EPSILONS for placement in PLACEMENTS}
        for case in cases:
            reports = {(epsilon, placement): runs[case, epsilon, placement].result()
                       for epsilon in EPSILONS for placement in PLACEMENTS}
            lines, not_met = section(given, case, reports)
            print("\n".join(line for line in lines if not line.startswith("![")), flush=True)
            sections += lines
            seconds += sum(report["seconds"] for report in reports.values())
            missed += not_met
    if not given.jobs:
        (given.out / "privacy.md").write_text(page(sections, given.repeats, seconds))
    if missed:
        print(f"goals missed: {'; '.join(missed)}")


if __name__ == "__main__":
    main()
