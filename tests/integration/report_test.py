"""What a run leaves: one document that validates, a page that parses, a table that repeats."""

import html.parser
import json
import unittest

import jsonschema

from hanse import BEARINGS, CSV_JOB, SOURCE, Case, csv_rows, without_timing

SCHEMA = json.loads((SOURCE / "docs" / "formats" / "report.schema.json").read_text())
VOID = {"meta"}


class Page(html.parser.HTMLParser):
    """Elements open and close in order; attributes that load something are collected."""

    def __init__(self):
        super().__init__()
        self.open = []
        self.loads = []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        self.loads += [name for name, _ in attrs if name in ("src", "href", "srcset", "data")]

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open)
        self.open.pop()


class Reports(Case):
    def test_json_is_one_document_that_validates(self):
        jsonschema.Draft202012Validator.check_schema(SCHEMA)
        done = self.succeeds("run", BEARINGS, "--json")
        report = json.loads(done.stdout)
        jsonschema.validate(report, SCHEMA, jsonschema.Draft202012Validator)
        self.assertEqual(list(report), ["schema", "mode", "job", "seed", "rounds", "sites",
                                        "groups", "metrics", "hurt", "left_out",
                                        "privacy", "aggregation", "active", "fairness", "policy", "audit",
                                        "timing"])
        self.assertEqual(done.stdout, (self.folder / "runs/bearings-1/report.json").read_text())
        self.assertIn("Nothing was private", done.stderr)

    def test_the_schema_refuses_what_is_not_described(self):
        report = self.report(BEARINGS)
        report["sites"][0]["secret"] = 1
        with self.assertRaises(jsonschema.ValidationError):
            jsonschema.validate(report, SCHEMA, jsonschema.Draft202012Validator)

    def test_numbers_add_up(self):
        report = self.report(BEARINGS)
        self.assertEqual(sum(site["test_records"] for site in report["sites"]),
                         sum(group["test_records"] for group in report["groups"]))
        self.assertEqual(sum(site["left"]["bytes"] for site in report["sites"]),
                         sum(row["bytes"] for row in report["rounds"]))
        self.assertEqual(len(report["timing"]["round_seconds"]), len(report["rounds"]))
        for site in report["sites"]:
            self.assertEqual(sum(count["records"] for count in site["labels"]), site["records"])

    def test_run_folder(self):
        done = self.succeeds("run", BEARINGS)
        run = self.folder / "runs" / "bearings-1"
        self.assertEqual(sorted(path.name for path in run.iterdir()),
                         ["job.toml", "model.json", "report.html", "report.json"])
        self.assertIn("runs/bearings-1/report.html", done.stdout)
        self.assertIn("Nothing was private", done.stdout)
        page = Page()
        page.feed((run / "report.html").read_text())
        page.close()
        self.assertEqual(page.open, [])
        self.assertEqual(page.loads, [])

    def test_repeats_give_intervals(self):
        report = self.report(BEARINGS, "--repeats", 3, "--set", "training.rounds=3")
        jsonschema.validate(report, SCHEMA, jsonschema.Draft202012Validator)
        self.assertEqual([fold["seed"] for fold in report["metrics"]["folds"]], [7, 8, 9])
        for arm in ("local", "federated", "pooled", "federated_minus_local"):
            values = [fold["metrics"][arm]["accuracy"] for fold in report["metrics"]["folds"]]
            found = report["metrics"][arm]["accuracy"]
            self.assertAlmostEqual(found["value"], sum(values) / 3)
            self.assertLess(found["low"], found["value"])
            self.assertGreater(found["high"], found["value"])
        table = self.succeeds("report", "runs/bearings-1").stdout
        self.assertIn("seeds 7 to 9", table)
        self.assertIn("±", table)

    def test_report_takes_the_file_too(self):
        self.succeeds("run", BEARINGS, "--out", "one", "--set", "training.rounds=1", "--quiet")
        self.assertEqual(self.succeeds("report", "one/report.json").stdout,
                         self.succeeds("report", "one").stdout)

    def test_next_run_takes_the_next_name(self):
        self.succeeds("run", BEARINGS)
        self.succeeds("run", BEARINGS, "--quiet")
        self.assertTrue((self.folder / "runs" / "bearings-2").is_dir())

    def test_quiet_says_nothing_on_stderr(self):
        self.assertEqual(self.succeeds("run", BEARINGS, "--quiet").stderr, "")

    def test_no_colours_without_a_terminal(self):
        done = self.succeeds("run", BEARINGS)
        self.assertNotIn("\x1b", done.stdout + done.stderr)
        self.assertNotIn("\r", done.stdout + done.stderr)

    def test_report_repeats_the_table_and_compares(self):
        table = self.succeeds("run", BEARINGS, "--out", "one").stdout
        again = self.succeeds("report", "one").stdout
        self.assertEqual(again.split("\n\n")[:4], table.split("\n\n")[:4])
        self.succeeds("run", BEARINGS, "--out", "two", "--seed", "8", "--quiet")
        both = self.succeeds("report", "one", "two").stdout
        self.assertIn("seed 7", both)
        self.assertIn("seed 8", both)
        self.assertEqual(len(json.loads(self.succeeds("report", "one", "two", "--json").stdout)), 2)

    def test_the_job_in_the_run_folder_gives_the_same_report(self):
        self.succeeds("run", BEARINGS, "--out", "one", "--seed", "9", "--set", "training.rounds=3",
                      "--quiet")
        self.succeeds("run", "one/job.toml", "--out", "two", "--quiet")
        one = without_timing((self.folder / "one" / "report.json").read_text())
        two = without_timing((self.folder / "two" / "report.json").read_text())
        self.assertEqual(one, two)

    def test_hostile_words_stay_words(self):
        self.write("job.toml", CSV_JOB.replace(
            'name = "ovens"', 'name = "ovens"\ndescription = "<script>alert(1)</script>"'))
        self.write("ovens.csv", "\n".join(csv_rows()) + "\n")
        self.succeeds("run", "job.toml", "--out", "run")
        self.assertNotIn("<script", (self.folder / "run" / "report.html").read_text())

    def test_check_says_what_a_job_would_do(self):
        said = self.succeeds("job", "check", BEARINGS).stdout
        for part in ("fine", "simulated:bearings", "mlp", "in_the_clear"):
            self.assertIn(part, said)
        told = json.loads(self.succeeds("job", "check", BEARINGS, "--json").stdout)
        self.assertEqual(told["job"], "bearings")
        self.assertEqual(told["unit_of_privacy"], "recording")


class Help(Case):
    def test_the_examples_of_every_help_work(self):
        (self.folder / "examples").symlink_to(SOURCE / "examples")
        tried = 0
        for words in (["run"], ["report"], ["job", "check"], ["completion"]):
            for line in self.succeeds(*words, "--help").stdout.splitlines():
                if not line.startswith("  hanse ") or "JOB" in line:
                    continue
                command = line.split("|")[0].split("  side by side")[0].split(" > ")[0]
                self.succeeds(*command.split()[1:])
                tried += 1
        self.assertGreaterEqual(tried, 9)


class Repetition(Case):
    def test_threads_do_not_change_a_byte(self):
        reports, models = set(), set()
        for threads in (1, 2, 7):
            self.succeeds("run", BEARINGS, "--threads", threads, "--out", f"t{threads}", "--quiet")
            run = self.folder / f"t{threads}"
            reports.add(without_timing((run / "report.json").read_text()))
            models.add((run / "model.json").read_text())
        self.assertEqual(len(reports), 1)
        self.assertEqual(len(models), 1)

    def test_another_seed_is_another_run(self):
        reports = {without_timing(self.succeeds("run", BEARINGS, "--json", "--seed", seed).stdout)
                   for seed in (1, 2)}
        self.assertEqual(len(reports), 2)


if __name__ == "__main__":
    unittest.main()
