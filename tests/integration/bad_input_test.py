"""Bad input: a clear error, the documented exit code, nothing half written."""

import os
import pathlib
import pty
import subprocess
import unittest

from hanse import (BEARINGS, BINARY, CORRUPTION, CSV_JOB, DENIED, EXISTS, INVALID, NOT_FOUND,
                   PRECONDITION, UNAVAILABLE, USAGE, Case, csv_rows)


class JobFiles(Case):
    def test_unknown_key_names_the_nearest(self):
        self.write("job.toml", CSV_JOB.replace("rounds = 10", "rounds = 10\nbach = 4"))
        self.fails(INVALID, "run", "job.toml",
                   says=["job.toml:31:8:", "training.bach", "did you mean 'batch'?"])

    def test_wrong_type(self):
        self.write("job.toml", CSV_JOB.replace("rounds = 10", 'rounds = "ten"'))
        self.fails(INVALID, "run", "job.toml",
                   says=["job.toml:30:10", "a whole number", "a string 'ten'"])

    def test_override_is_checked_too(self):
        self.fails(INVALID, "run", BEARINGS, "--set", "training.rouns=3", says=["'rounds'"])

    def test_missing_file(self):
        self.fails(NOT_FOUND, "run", "absent.toml", says=["absent.toml"])
        self.fails(NOT_FOUND, "job", "check", "absent.toml", says=["absent.toml"])

    def test_ranges_have_their_line(self):
        self.write("job.toml", CSV_JOB.replace("rounds = 10", "rounds = 10\nlearning_rate = -1"))
        self.fails(INVALID, "run", "job.toml", says=["job.toml:31:17: training.learning_rate"])

    def test_a_range_left_to_be_declared(self):
        self.write("job.toml", CSV_JOB.replace("low = 0", 'low = "to be declared"'))
        self.fails(INVALID, "job", "check", "job.toml",
                   says=["job.toml:14:7: data.column.low", "physically possible", "unit"])

    def test_sites_whose_schemas_differ(self):
        job = CSV_JOB.replace('path = "ovens.csv"\n', "").replace(
            '[[data.column]]\nname = "plant"\nkind = "site"\n',
            '[[data.site]]\nname = "north"\npath = "north.csv"\n'
            '[[data.site]]\nname = "south"\npath = "south.csv"\n')
        self.write("job.toml", job)
        self.write("north.csv", "\n".join(csv_rows(("a",))) + "\n")
        self.write("south.csv", "temperature,state,oven\n20,cold,o1\n")
        self.fails(NOT_FOUND, "run", "job.toml", says=["site 'south'", "degrees"])

    def test_missing_variable(self):
        self.write("job.toml", CSV_JOB.replace("ovens.csv", "${NOWHERE}/ovens.csv"))
        self.fails(INVALID, "run", "job.toml", says=["NOWHERE is not set"])

    def test_entrance_must_be_named(self):
        self.write("job.toml", CSV_JOB.replace('entrance = "in_the_clear"', ""))
        self.fails(INVALID, "run", "job.toml", says=["that nothing is private", "epsilon = 3"])

    def test_more_sites_asked_for_than_there_are(self):
        for command in ("run",), ("job", "check"):
            self.fails(PRECONDITION, *command, BEARINGS, "--set", "aggregation.min_sites=9",
                       says=["asks for 9 sites", "there are 5"])

    def test_parent_of_the_run_does_not_exist(self):
        self.fails(NOT_FOUND, "run", BEARINGS, "--out", "nowhere/run",
                   says=["'nowhere' does not exist; create it first"])

    def test_wrong_usage(self):
        self.fails(USAGE, "run", says=["hanse run --help"])
        self.fails(USAGE, "run", BEARINGS, "--threads", 0, says=["--threads"])
        self.fails(USAGE, "run", BEARINGS, "--seed", "-1", says=["--seed"])
        self.fails(USAGE, "fly", says=["hanse --help"])


class Tables(Case):
    def run_on(self, rows, code, says):
        self.write("job.toml", CSV_JOB)
        self.write("ovens.csv", "\n".join(rows) + "\n")
        self.fails(code, "run", "job.toml", says=says)

    def test_the_table_itself_is_fine(self):
        self.write("job.toml", CSV_JOB)
        self.write("ovens.csv", "\n".join(csv_rows()) + "\n")
        self.assertGreater(self.report("job.toml")["metrics"]["federated"]["accuracy"]["value"], 0.9)

    def test_missing_table(self):
        self.write("job.toml", CSV_JOB)
        self.fails(NOT_FOUND, "run", "job.toml", says=["ovens.csv"])

    def test_site_with_one_label_sits_out_and_is_named(self):
        self.write("job.toml", CSV_JOB)
        rows = csv_rows(("a", "b")) + [f"{20 + i},cold,c{i},c" for i in range(8)]
        self.write("ovens.csv", "\n".join(rows) + "\n")
        done = self.succeeds("run", "job.toml", "--out", "run")
        self.assertIn("could not train", done.stdout)
        self.assertIn("there: c.", done.stdout)
        self.fails(PRECONDITION, "run", "job.toml", "--set", "aggregation.min_sites=3",
                   says=["'c'", "only the label 'cold'", "only 2 of 3 sites"])

    def test_too_few_sites_to_train(self):
        # One oven: wherever it falls, either training or testing has it.
        rows = csv_rows(("a",)) + ["20,cold,c0,c"]
        self.write("job.toml", CSV_JOB + "min_sites = 2\n")
        self.write("ovens.csv", "\n".join(rows) + "\n")
        self.fails(PRECONDITION, "run", "job.toml", says=["'c'", "min_sites"])

    def test_empty_table(self):
        self.run_on(csv_rows()[:1], PRECONDITION, ["ovens.csv"])

    def test_not_a_number(self):
        self.run_on(csv_rows() + ["nan,cold,a9,a"], INVALID, ["degrees", "nan"])
        self.run_on(csv_rows() + ["warm,cold,a9,a"], INVALID, ["ovens.csv", "degrees", "warm"])

    def test_undeclared_label(self):
        self.run_on(csv_rows() + ["20,tepid,a9,a"], INVALID, ["state", "tepid"])

    def test_ragged_row(self):
        self.run_on(csv_rows() + ["20,cold,a9"], INVALID, ["ovens.csv"])

    def test_missing_column(self):
        rows = [row.rsplit(",", 1)[0] for row in csv_rows()]
        self.run_on(rows, NOT_FOUND, ["plant"])


class Places(Case):
    def test_existing_run(self):
        (self.folder / "there").mkdir()
        self.fails(EXISTS, "run", BEARINGS, "--out", "there", says=["there"])

    def test_missing_parent(self):
        self.fails(NOT_FOUND, "run", BEARINGS, "--out", "no/such/run", says=["no/such"])

    def demoted(self):
        """How to run as somebody who may not write everywhere."""
        if os.geteuid() != 0:
            return {}
        options = {"user": 65534, "group": 65534, "extra_groups": []}
        probe = subprocess.run([BINARY, "--version"], capture_output=True, check=False, cwd="/",
                               **options)
        if probe.returncode != 0:
            self.skipTest("root here, and nobody else may run the binary")
        return options

    def test_unwritable_directory(self):
        try:
            options = self.demoted()
        except PermissionError:
            self.skipTest("root here, and nobody else may run the binary")
        job = pathlib.Path(BEARINGS).read_text()
        self.write("job.toml", job)
        (self.folder / "locked").mkdir()
        (self.folder / "locked").chmod(0o555)
        self.folder.chmod(0o555)
        self.fails(DENIED, "run", "job.toml", says=["runs"], **options)
        self.fails(DENIED, "run", "job.toml", "--out", "locked/run", says=["locked"], **options)
        self.folder.chmod(0o755)

    def test_disk_full(self):
        disk = self.folder / "disk"
        disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24k", "tmpfs", str(disk)],
                                 capture_output=True, check=False)
        if mounted.returncode != 0:
            self.skipTest("no right to mount a small file system")
        try:
            self.fails(UNAVAILABLE, "run", BEARINGS, "--out", "disk/run", says=["full"])
        finally:
            subprocess.run(["umount", str(disk)], check=True)

    def test_stdout_full(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([BINARY, "--help"], stdout=full, stderr=subprocess.PIPE,
                                  text=True, check=False)
        self.assertEqual(done.returncode, UNAVAILABLE)
        self.assertIn("full", done.stderr)


class ControlCharacters(Case):
    """Text of others moves no cursor."""

    EVIL = "\x1b[2J\x9b1A"
    SHOWN = "\\x1b[2J\\u009b1A"

    def test_in_an_error(self):
        self.fails(NOT_FOUND, "report", self.EVIL, says=[f"'{self.SHOWN}'"])
        self.write("job.toml", CSV_JOB)
        self.write("ovens.csv", "\n".join(csv_rows()) + f"\n20,{self.EVIL},o,a\n")
        done = self.fails(INVALID, "run", "job.toml", says=[self.SHOWN])
        self.assertNotIn("\x1b", done.stderr)

    def test_in_predictions(self):
        self.write("job.toml", CSV_JOB)
        self.write("ovens.csv", "\n".join(csv_rows()) + "\n")
        self.succeeds("run", "job.toml", "--out", "run")
        self.write("new.csv", f"degrees,oven\n95,{self.EVIL}\n")
        piped = self.succeeds("predict", "run", "new.csv").stdout
        self.assertIn(f"1,{self.EVIL},hot", piped)
        ours, theirs = pty.openpty()
        subprocess.run([BINARY, "predict", "run", "new.csv"], cwd=self.folder, stdout=theirs,
                       stderr=subprocess.DEVNULL, env=self.environment(TERM="dumb"), check=True)
        os.close(theirs)
        shown = os.read(ours, 65536).decode()
        os.close(ours)
        self.assertIn(f"1,{self.SHOWN},hot", shown)
        self.assertNotIn("\x1b", shown)


class Predicting(Case):
    def setUp(self):
        super().setUp()
        self.write("job.toml", CSV_JOB)
        self.write("ovens.csv", "\n".join(csv_rows()) + "\n")
        self.succeeds("run", "job.toml", "--out", "run")

    def test_predicts_without_labels(self):
        self.write("new.csv", "degrees\n95\n5\n")
        lines = self.succeeds("predict", "run", "new.csv").stdout.split("\n")
        self.assertEqual(lines[0], "record,label,p_cold,p_hot")
        self.assertTrue(lines[1].startswith("1,hot,"), lines)
        self.assertTrue(lines[2].startswith("2,cold,"), lines)

    def test_warns_of_groups_in_training(self):
        said = self.succeeds("predict", "run", "ovens.csv")
        self.assertIn("were in training", said.stderr)
        self.assertIn("accuracy", said.stderr)

    def test_schema_of_another_model(self):
        self.write("new.csv", "pressure,oven\n3,o1\n")
        self.fails(NOT_FOUND, "predict", "run", "new.csv", says=["degrees"])

    def test_data_of_another_kind(self):
        (self.folder / "recordings").mkdir()
        self.fails(INVALID, "predict", "run", "recordings",
                   says=["expected a file", "the folder 'recordings'", "--files"])
        self.fails(INVALID, "predict", "run", "ovens.csv", "--rpm", 1800, says=["--rpm"])
        self.fails(INVALID, "predict", "run", "postgresql://plant/mes", says=["--query"])
        self.succeeds("run", BEARINGS, "--out", "bearings", "--set", "training.rounds=1", "--quiet")
        self.fails(INVALID, "predict", "bearings", "ovens.csv",
                   says=["expected a folder of .npy files", "the file 'ovens.csv'"])
        self.fails(INVALID, "predict", "bearings", "recordings", "--map", "local.toml",
                   says=["--map"])

    def test_a_map_that_does_not_fit(self):
        self.write("local.toml", '[column.degres]\nfrom = "T"\n')
        self.fails(INVALID, "predict", "run", "ovens.csv", "--map", "local.toml",
                   says=["local.toml", "degres", "degrees"])
        self.fails(NOT_FOUND, "predict", "run", "ovens.csv", "--map", "absent.toml",
                   says=["absent.toml"])

    def test_damaged_model(self):
        model = self.folder / "run" / "model.json"
        text = model.read_text()
        model.write_text(text.replace('"high": 100.0', '"high": 90.0'))
        self.fails(CORRUPTION, "predict", "run", "ovens.csv", says=["model.json", "digest"])
        model.write_text(text[:100])
        self.fails(CORRUPTION, "predict", "run", "ovens.csv", says=["model.json"])

    def test_no_run(self):
        self.fails(NOT_FOUND, "predict", "absent", "ovens.csv", says=["absent"])
        self.fails(NOT_FOUND, "report", "absent", says=["absent"])

    def test_damaged_report(self):
        (self.folder / "run" / "report.json").write_text("{}")
        self.fails(CORRUPTION, "report", "run", says=["report.json"])


if __name__ == "__main__":
    unittest.main()
