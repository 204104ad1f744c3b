#!/usr/bin/python3
"""What fairness between classes of sites reaches: docs/results/fleets.md.

usage: tools/results/fleets.py HANSE [FLEET …] [--repeats N] [--out FOLDER] [--keep FOLDER]   (./dev results fleets builds first)

Every number comes from `hanse run` on a job with [fairness]; fleets: probe bearings heart ai4i
concrete. Tables that a job needs are written to a folder that goes away again.
"""
import argparse
import csv
import json
import math
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
EPSILONS = (1.0, 3.0)
# What `hanse run` is told beside the job, and what the rows of its arms are called.
METHODS = (
    (("fairness.method=measure",), {"plain": "plain", "shrunk": "small weights"}),
    (("fairness.method=measure", "privacy.clipped_share=0.1"), {"plain": "plain, adaptive clip"}),
    (("fairness.method=q_fedavg",), {"fair": "q-FedAvg"}),
    (("fairness.method=agnostic",), {"fair": "agnostic (group DRO)"}),
    (("fairness.method=agnostic", "privacy.clipped_share=0.1"),
     {"fair": "agnostic, adaptive clip"}),
    (("fairness.method=gifair",), {"fair": "GIFAIR"}),
    (("fairness.method=dpsgd_f",), {"fair": "DPSGD-F"}),
    (("fairness.method=measure", "training.personal=true", "training.personal_pull=0.1"),
     {"fair": "Ditto (stays at the site)"}),
    (("fairness.method=saddle_point",), {"fair": "saddle point"}),
    (("fairness.method=calibration",), {"fair": "**calibration**"}),
    (("fairness.method=calibration", "privacy.clipped_share=0.1"),
     {"fair": "**calibration, adaptive clip**"}),
    (("fairness.method=combination",), {"fair": "**combination**"}),
)
BASELINES = ("plain", "small weights", "plain, adaptive clip", "q-FedAvg", "agnostic (group DRO)",
             "agnostic, adaptive clip", "GIFAIR", "DPSGD-F")
CLOSE = .01  # losses that differ by less are taken for equal
OURS = ("**calibration**", "**calibration, adaptive clip**", "**combination**")
ABOUT = {
    "probe": "20 sites of 1,000 records with five features, every fifth an old one whose sensors have three times the noise; the label's log-odds are three times what the features mean. The best linear models lose "
             "0.454 of modern and 0.616 of legacy records, one model for both 0.470 and 0.723, 0.520 together.",
    "bearings": "[The example](../../examples/fair/bearings.toml): three modern and three legacy plants, 30 % of the bearings tested.",
    "heart": "Four hospitals: Cleveland, whose instruments had all measurements, and the three others; plain sums, since a class of one site is not hidden.",
    "ai4i": "[The example](../../examples/fair/ai4i.toml): qualities L, M and H, four plants each.",
    "concrete": "Countries with at least 60 mixes of recycled concrete, each a class of its own; plain sums. Losses are squared errors of the strength scaled to [−1, 1].",
}


INTRODUCTION = (
    "# Fairness between classes of sites, measured", "",
    "`./dev results fleets` writes this page: {seeds} seeds of each job by `hanse run`, the training and its rounds by class under one budget. "
    "Losses on test records, mean and half of a 95 % interval over the seeds (Nadeau and Bengio, so for splits that share records); gaps are those of single seeds, so noise in small classes widens them. "
    "An excess is over the class's own best model without noise. The last column counts sites whose own model is surely better than the federated one.", "",
    "*Small weights* is the control: a method that is no better only makes the easy class worse. q-FedAvg, agnostic learning and GIFAIR weigh classes by what three private rounds between say, DPSGD-F clips them by it; the saddle point and the combination too, "
    "towards an excess gap of .05. A method dominates another where both the fleet's loss and the worst class's are lower by more than .01. *Adaptive clip*: it follows the tenth of the gradients that it binds, where the recipe's binds most. Sums are plain: the same numbers as masked ones, sooner.", "")


def probe(folder):
    """The synthetic fleet of two kinds of sensors."""
    chance = random.Random(1)
    features, sites, records = 5, 20, 1000
    with open(folder / "probe.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow([f"x{i}" for i in range(features)] + ["label", "kind", "plant"])
        for site in range(sites):
            legacy = site % 5 == 0
            noise = .51 * (3 if legacy else 1)
            for _ in range(records):
                means = [chance.gauss(0, 1) for _ in range(features)]
                odds = 3 * sum(means) / math.sqrt(features)
                label = "bad" if chance.random() < 1 / (1 + math.exp(-odds)) else "good"
                table.writerow([f"{x + noise * chance.gauss(0, 1):.5f}" for x in means]
                               + [label, "legacy" if legacy else "modern", f"p{site}"])
    columns = "".join(f'[[data.column]]\nname = "x{i}"\nkind = "number"\nlow = -6\nhigh = 6\n'
                      for i in range(features))
    return f'''name = "probe"
seed = 1
[data]
source = "csv"
path = "{folder}/probe.csv"
{columns}[[data.column]]
name = "label"
kind = "label"
values = ["good", "bad"]
[[data.column]]
name = "kind"
kind = "site_class"
[[data.column]]
name = "plant"
kind = "site"
[data.split]
kind = "holdout"
by = "record"
test = 0.3
[model]
kind = "logistic"
[training]
strategy = "fedsgd"
[privacy]
epsilon = 1.0
placement = "shared"
[aggregation]
min_sites = 20
[[class]]
name = "modern"
sites = 16
[[class]]
name = "legacy"
sites = 4
[fairness]
bound = 0.05
'''


def columns_of(job, without):
    """The [[data.column]] and [[data.transform]] tables of an example, but for one column."""
    text = (ROOT / "examples/private" / f"{job}.toml").read_text(encoding="utf-8")
    parts = text[:text.index("[data.split]")].split("\n[[data.")[1:]
    kept = [part for part in parts if f'name = "{without}"' not in part]
    return "".join("\n[[data." + part.split("\n[data.")[0] for part in kept)


def site_job(name, job, without, sites, split, model):
    """A job of plants' own tables, each of them (site, class, path)."""
    tables = "".join(f'[[data.site]]\nname = "{site}"\nclass = "{kind}"\npath = "{path}"\n'
                     for site, kind, path in sites)
    kinds = dict.fromkeys(kind for _, kind, _ in sites)
    classes = "".join(f'[[class]]\nname = "{kind}"\nsites = '
                      f'{sum(1 for one in sites if one[1] == kind)}\n' for kind in kinds)
    return f'''name = "{name}"
seed = 1
[data]
source = "csv"
{columns_of(job, without)}
{tables}[data.split]
{split}
[model]
kind = "{model}"
[training]
strategy = "fedsgd"
[privacy]
epsilon = 1.0
placement = "shared"
unit = "record"
[aggregation]
backend = "plain"
min_sites = {len(sites)}
{classes}[fairness]
bound = 0.05
'''


def heart(data):
    sites = []
    for site in ("cleveland", "hungarian", "switzerland", "va"):
        path = data / f"heart/processed.{site}.data"
        sites.append((site, "full" if site == "cleveland" else "partial", path))
    return site_job("heart", "heart", "hospital", sites, 'kind = "holdout"\nby = "record"\ntest = 0.3',
                    "logistic")


def concrete(data, folder):
    with open(data / "concrete/ds3.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    by_country = {}
    for row in rows:
        by_country.setdefault(row["country"], []).append(row)
    sites = []
    for country, mixes in sorted(by_country.items()):
        if len(mixes) < 60:
            continue
        name = "".join(c if c.isalnum() else "-" for c in country)
        path = folder / f"concrete-{name}.csv"
        with open(path, "w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, rows[0].keys())
            table.writeheader()
            table.writerows(mixes)
        sites.append((name, name, path))
    text = site_job("concrete", "concrete", "country", sites,
                    'kind = "holdout"\nby = "record"\ntest = 0.3\nallow_leakage = true', "ridge")
    # Mixes are protected one by one, so a study is no unit.
    return text.replace('as = "unit"', 'as = "text"')


def job_of(fleet, data, folder):
    if fleet == "probe":
        return probe(folder)
    if fleet == "heart":
        return heart(data)
    if fleet == "concrete":
        return concrete(data, folder)
    text = (ROOT / "examples/fair" / f"{fleet}.toml").read_text(encoding="utf-8")
    return re.sub(r"^(min_contributors|max_colluders) = .*\n", "", text, flags=re.MULTILINE)


def shown(estimate):
    if estimate["value"] is None:
        return "–"
    if estimate["low"] is None:
        return f"{estimate['value']:.3f}"
    return f"{estimate['value']:.3f} ± {(estimate['high'] - estimate['low']) / 2:.3f}"


def values_of(report, arm):
    return report["fairness"][arm]


def row(epsilon, name, values, report, arm):
    cells = " | ".join(shown(values[key]) for key in ("fleet", "worst", "gap", "excess_gap"))
    hurt = sum(1 for one in report["hurt"] if one["verdict"] == "joining hurts")
    sites = f"{hurt} of {len(report['sites'])}" if arm == "fair" else ""
    return f"| {epsilon:g} | {name} | {cells} | {sites} |"


def verdict(found):
    """Whether a baseline is better than each of ours in both the fleet's loss and the worst class's."""
    for ours in OURS:
        better = [name for name in BASELINES
                  if all(found[name][key]["value"] < found[ours][key]["value"] - CLOSE for key in ("fleet", "worst"))]
        yield (f"{ours.strip('*').capitalize()} is dominated by "
               + (", ".join(better) if better else "none of the re-weighting methods and controls") + ".")


class Runs:
    """Runs of `hanse`; their reports are kept in a folder, so that what was computed is not again."""

    def __init__(self, binary, folder, repeats, kept):
        self.binary, self.folder, self.repeats, self.kept = binary.resolve(), folder, repeats, kept
        self.count = 0

    def report(self, fleet, job, epsilon, options):
        name = "-".join([fleet, f"{epsilon:g}", str(self.repeats), *options]) + ".json"
        kept = self.kept / name
        if kept.exists():
            return json.loads(kept.read_text(encoding="utf-8"))
        self.count += 1
        run = self.folder / f"run-{self.count}"
        # Five folds are five splits already.
        repeats = max(1, self.repeats // 5) if fleet == "ai4i" else self.repeats
        settings = [f"privacy.epsilon={epsilon}", "aggregation.backend=plain", *options]
        done = subprocess.run(
            [self.binary, "run", job, "--out", run, "--repeats", str(repeats)]
            + [word for one in dict(one.split("=", 1) for one in settings).items()
               for word in ("--set", "=".join(one))],
            capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"results: {fleet} at {epsilon:g} with {options} ended with {done.returncode}: "
                     f"{done.stderr[-2000:]}")
        report = json.loads((run / "report.json").read_text(encoding="utf-8"))
        kept.write_text(json.dumps(report), encoding="utf-8")
        return report

    def table(self, fleet, job, epsilon):
        found, lines = {}, []
        for options, arms in METHODS:
            report = self.report(fleet, job, epsilon, options)
            for arm, name in arms.items():
                found[name] = values_of(report, arm)
                lines.append(row(epsilon, name, found[name], report, arm))
                print(fleet, lines[-1], flush=True)
            if "plain" in found and "best" not in found:
                found["best"] = report
                with_best(job, report)
        return [*lines, ""], [f"At ε = {epsilon:g}: {' '.join(verdict(found))}", ""]


def with_best(job, report):
    """Says in the job what each class's own best model loses, as the run without weights found it."""
    plain = values_of(report, "plain")
    text = job.read_text(encoding="utf-8")
    for one in report["fairness"]["classes"]:
        name = one["name"]
        if plain[f"excess_{name}"]["value"] is None:
            continue
        best = max(0.0, plain[f"loss_{name}"]["value"] - plain[f"excess_{name}"]["value"])
        text = text.replace(f'name = "{name}"\nsites = ', f'name = "{name}"\nbest = {best:.6f}\nsites = ')
    job.write_text(text, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(
        usage="tools/results/fleets.py HANSE [FLEET …] [--repeats N] [--out FOLDER] [--keep FOLDER]")
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("--keep", type=pathlib.Path, help="where reports stay, to go on from")
    parser.add_argument("fleets", nargs="*", metavar="FLEET")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "docs" / "results")
    given = parser.parse_args()
    unknown = set(given.fleets) - set(ABOUT)
    if unknown:
        sys.exit(f"results: no fleet {', '.join(sorted(unknown))}; there are {', '.join(ABOUT)}")
    data = pathlib.Path(os.environ["HANSE_DATA"])
    page = [line.format(seeds=given.repeats) for line in INTRODUCTION]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        kept = given.keep or folder / "kept"
        kept.mkdir(parents=True, exist_ok=True)
        runs = Runs(given.binary, folder, given.repeats, kept)
        for fleet in given.fleets or ABOUT:
            page += [f"## {fleet}", "", ABOUT[fleet], ""]
            rows, verdicts = [], []
            for epsilon in EPSILONS:
                job = folder / f"{fleet}.toml"
                job.write_text(job_of(fleet, data, folder), encoding="utf-8")
                table, said = runs.table(fleet, job, epsilon)
                rows += table[:-1]
                verdicts += said
            page += ["| ε | method | fleet | worst class | gap | excess gap | joining hurts |",
                     "|---|---|---|---|---|---|---|", *rows, "", *verdicts]
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "fleets.md").write_text("\n".join(page), encoding="utf-8")


if __name__ == "__main__":
    main()
