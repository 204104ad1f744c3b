"""A job whose records lie in a PostgreSQL database: trained from, and refused with the reason."""

import unittest

import postgres
from hanse import CSV_JOB, DENIED, INVALID, NOT_FOUND, UNAVAILABLE, Case, csv_rows

JOB = CSV_JOB.replace('source = "csv"\npath = "ovens.csv"', """source = "postgresql"
path = "${PLANT_DATABASE}"
query = "SELECT * FROM ovens ORDER BY oven, degrees\"""")


@unittest.skipIf(postgres.binaries() is None, "PostgreSQL is not installed")
class Database(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(postgres.Server())
        rows = [row.split(",") for row in csv_rows()[1:]]
        values = ", ".join(f"({row[0]}, '{row[1]}', '{row[2]}', '{row[3]}')" for row in rows)
        cls.server.execute(
            "CREATE TABLE ovens (degrees float8, state text, oven text, plant text);"
            f"INSERT INTO ovens VALUES {values};")

    def setUp(self):
        super().setUp()
        self.write("job.toml", JOB)
        self.write("csv.toml", CSV_JOB)
        header, *rows = csv_rows()
        rows.sort(key=lambda row: (row.split(",")[2], float(row.split(",")[0])))
        self.write("ovens.csv", "\n".join([header, *rows]) + "\n")

    def at(self, url):
        return {"env": self.environment(PLANT_DATABASE=url)}

    def refused(self, code, url, *words, says):
        done = self.fails(code, *words, says=says, **self.at(url))
        for secret in (postgres.PASSWORD, "s3cret", "wrong-one"):
            self.assertNotIn(secret, done.stderr)

    def test_a_query_is_worth_the_same_as_a_file(self):
        self.succeeds("run", "job.toml", "--out", "a", **self.at(self.server.url()))
        self.succeeds("run", "csv.toml", "--out", "b")
        models = [(self.folder / run / "model.json").read_text() for run in "ab"]
        self.assertEqual(*(model.replace('"postgresql"', '"csv"') for model in models))

    def test_no_file_of_a_run_has_the_password(self):
        self.succeeds("run", "job.toml", "--out", "a", **self.at(self.server.url()))
        for path in (self.folder / "a").iterdir():
            self.assertNotIn("s3cret", path.read_text(), path.name)

    def test_a_table_is_looked_at(self):
        done = self.succeeds("data", "inspect", self.server.url(), "--query",
                             "SELECT degrees AS \"degrees [degC]\", state FROM ovens")
        self.assertIn('"degrees"', done.stdout)
        self.assertNotIn("s3cret", done.stdout)

    def test_refusals_say_why_and_never_the_password(self):
        url, run = self.server.url(), ("run", "job.toml")
        for query, code, says in [
                ("SELECT * FROM furnaces", NOT_FOUND, "furnaces"),
                ("SELEC 1", INVALID, "syntax error"),
                ("SELECT 1; DROP TABLE ovens", INVALID, "multiple commands"),
                ("DELETE FROM ovens RETURNING *", INVALID, "syntax error"),
                ("SELECT state, oven, plant FROM ovens", NOT_FOUND, "degrees")]:
            self.refused(code, url, *run, "--set", f'data.query="{query}"', says=[says])
        self.refused(DENIED, self.server.url(password="wrong-one"), *run, says=["password"])
        self.refused(NOT_FOUND, self.server.url("nowhere"), *run, says=["nowhere"])
        self.refused(UNAVAILABLE, "postgresql://u:s3cret@127.0.0.1:1/d", *run, says=["127.0.0.1"])
        self.refused(INVALID, "postgresql://u:s3cret%@h/d", *run, says=["postgresql://USER"])


if __name__ == "__main__":
    unittest.main()
