"""From files as plants have them to predictions, with nothing but the program and its proposals."""

import random
import unittest

from hanse import INVALID, NOT_FOUND, Case

MAP = """[table]
separator = ";"
decimal = ","
[column.Temperature]
from = "Ofentemperatur"
[column.Batch]
from = "Charge"
[column.Speed]
from = "Geschwindigkeit"
values = { langsam = "slow", schnell = "fast" }
[column.Result]
from = "Ergebnis"
values = { gut = "good", Ausschuss = "scrap" }
"""

REST = """
[model]
kind = "logistic"
[training]
strategy = "fedavg"
rounds = 30
[privacy]
entrance = "in_the_clear"
[aggregation]
backend = "plain"
"""


def records(seed):
    """Press parts: degrees, whether the line is fast, whether the part is scrap."""
    source = random.Random(seed)
    for number in range(120):
        degrees = round(source.uniform(600, 1100), 1)
        fast = source.random() < .5
        yield number // 4, degrees, fast, degrees + (100 if fast else 0) > 900


class Plants(Case):
    def setUp(self):
        super().setUp()
        north = ["Batch,Temperature [degC],Speed,Result"]
        for batch, degrees, fast, scrap in records(1):
            cell = "" if degrees > 1090 else degrees
            north.append(f"N{batch},{cell},{'fast' if fast else 'slow'},"
                         f"{'scrap' if scrap else 'good'}")
        south = ["\ufeffCharge;Ofentemperatur [K];Geschwindigkeit;Ergebnis"]
        for batch, degrees, fast, scrap in records(2):
            kelvin = f"{degrees + 273.15:.2f}".replace(".", ",")
            south.append(f"S{batch};{'k.A.' if degrees > 1090 else kelvin};"
                         f"{'schnell' if fast else 'langsam'};{'Ausschuss' if scrap else 'gut'}")
        self.write("north.csv", "\n".join(north) + "\n")
        self.write("south.csv", "\r\n".join(south) + "\r\n")
        self.write("south.toml", MAP)

    def job(self):
        """What the program proposes for the plant in the north, as a person completes it."""
        proposal = self.succeeds("data", "inspect", "north.csv").stdout
        for before, after in [
                ('path = "north.csv"\n', ""),
                ('by = "record"', 'by = "group"'),
                ('low = "to be declared"\nhigh = "to be declared"', "low = 400\nhigh = 1300"),
                ('policy = "refuse", tokens = [""]', 'policy = "neutral", tokens = ["", "k.A."]')]:
            self.assertIn(before, proposal)
            proposal = proposal.replace(before, after)
        speed, result = proposal.split('name = "Result"')
        speed = speed.replace("values = []", 'values = ["slow", "fast"]')
        result = result.replace("values = []", 'values = ["good", "scrap"]').replace(
            'kind = "category"', 'kind = "label"')
        sites = """
[[data.site]]
name = "north"
path = "north.csv"
[[data.site]]
name = "south"
path = "south.csv"
map = "south.toml"
"""
        return 'name = "ovens"\n' + speed + 'name = "Result"' + result + sites + REST

    def test_two_plants_that_write_differently_train_one_model(self):
        self.write("job.toml", self.job())
        self.succeeds("job", "check", "job.toml")
        self.succeeds("run", "job.toml", "--out", "run")
        done = self.succeeds("predict", "run", "south.csv", "--map", "south.toml")
        self.assertEqual(len(done.stdout.splitlines()), 121)
        accuracy = float(done.stderr.split("accuracy ")[1].split()[0])
        self.assertGreater(accuracy, .8)
        self.fails(NOT_FOUND, "predict", "run", "south.csv", says=["separator"])

    def test_a_proposal_is_no_job(self):
        self.write("job.toml", self.succeeds("data", "inspect", "north.csv").stdout)
        self.fails(INVALID, "job", "check", "job.toml",
                   says=["missing: name", "to be declared", "physically possible"])

    def test_inspecting_sees_how_a_file_is_written(self):
        said = self.succeeds("data", "inspect", "south.csv").stdout
        for line in ('separator = ";"', 'decimal = ","', 'unit = "K"', 'tokens = ["k.A."]'):
            self.assertIn(line, said)
        self.assertIn('name = "Ofentemperatur"\nkind = "number"', said)

    def test_what_does_not_fit_says_what_to_do(self):
        job = self.job()
        for wrong, code, says in [
                (MAP.replace('decimal = ","\n', ""), INVALID, ["south.csv:2", "decimal = "]),
                (MAP.replace('separator = ";"\n', ""), NOT_FOUND, ["south.csv", "separator"]),
                (MAP.replace("gut = ", "good = "), INVALID, ["site 'south'", "'gut'", "'good'"]),
                (MAP.replace('from = "Charge"', 'form = "Charge"'), INVALID, ["'from'"]),
                (MAP.replace("[column.Speed]", '[column.Speed]\nunit = "K"'), INVALID, ["'K'"])]:
            self.write("job.toml", job)
            self.write("south.toml", wrong)
            self.fails(code, "run", "job.toml", says=says)

    def test_a_join_that_finds_nothing_is_refused(self):
        job = self.job().replace("\n[model]\n", """
[[data.join]]
path = "batches.csv"
on = ["Batch"]
[[data.join.column]]
name = "supplier"
kind = "category"
values = ["a", "b"]
missing = { policy = "neutral" }
[model]
""")
        self.write("job.toml", job)
        self.write("batches.csv", "Batch,supplier\nX1,a\n")
        self.fails(INVALID, "run", "job.toml",
                   says=["site 'north'", "none of 120 records", "batches.csv", "'N0'", "'X1'"])
        self.write("batches.csv", "Batch,supplier\nN1,a\nS1,b\n")
        self.succeeds("run", "job.toml")

    def test_checking_tells_files_and_folders_apart(self):
        self.write("job.toml", self.job())
        (self.folder / "days").mkdir()
        for key, path, code, says in [
                ("data.site.0.path", "days", INVALID, ["data.site.path", "a file", "`files`"]),
                ("data.site.0.path", "nowhere", NOT_FOUND, ["data.site.path", "'nowhere'"]),
                ("data.files", "{day}.csv", INVALID, ["a folder", "'north.csv'"])]:
            self.fails(code, "job", "check", "job.toml", "--set", f"{key}={path}", says=says)


if __name__ == "__main__":
    unittest.main()
