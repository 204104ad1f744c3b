"""A job in a consortium of processes: what each owner keeps a say in, and what people see of it."""

import json
import shutil
import unittest

from hanse import DENIED, INVALID, NOT_FOUND, PRECONDITION, UNAVAILABLE
from parties import SITES, TOGETHER, Parties, eventually, job

UNSUPPORTED = 13  # docs/operating/command_line.md

STRANGERS = ("secrets.csv", "suppliers.csv")  # files that a job names and a site must not open

JOIN = """path = "secrets.csv"
[[data.join]]
path = "suppliers.csv"
on = ["oven"]
[[data.join.column]]
name = "supplier"
kind = "category"
values = ["a", "b"]
missing = { policy = "neutral" }
"""


class Trains(Parties):
    def test_sites_train_from_their_own_tables(self):
        """Whatever paths a job names: a site opens the files of its local/ and no other."""
        self.found()
        self.coordinator()
        for site in SITES:
            self.own_table(site, more='joins = ["makers.csv"]')
            makers = "\n".join(["oven,supplier", *[f"{site}{n},{'ab'[n % 2]}" for n in range(8)]])
            (self.folder / site / "local/makers.csv").write_text(makers + "\n")
        traced = shutil.which("strace")
        before = ["strace", "-f", "-e", "trace=open,openat", "-o", "opened"] if traced else []
        watched = self.site(SITES[0], before=before)
        for site in SITES[1:]:
            self.site(site)
        for path in STRANGERS:
            self.write(path, "nothing to read here\n")
        self.submit(job(paths=JOIN))
        status = self.finishes()
        self.assertEqual((status["phase"], status["round"]), ("finished", 4))
        self.assertIn("18 records of this site are ready", watched.said())
        if traced:
            opened = (self.folder / "opened").read_text()
            self.assertIn("bremen/local/makers.csv", opened)
            for path in STRANGERS:
                self.assertNotIn(path, opened)
        # The same paths as records: what is there would not parse.
        report = self.deployed_report()
        self.assertEqual([one["sites_in"] for one in report["rounds"]], [3] * 4)

    def test_same_parameters_as_a_simulation(self):
        self.found(test=True, engineer=False)
        self.one_table()
        text = job(**TOGETHER)
        self.coordinator("--insecure-test-seed", "5")
        self.all_sites("--insecure-test-seed", "5")
        self.submit(text, home="hub")
        self.finishes(home="hub")
        self.succeeds("run", "submitted.toml", "--out", "alone")
        self.assertEqual(self.model(), self.model("alone"))

    def test_an_owner_agrees_first(self):
        self.found()
        self.own_table("ulm", consent="approved")
        self.coordinator()
        sites = self.all_sites()
        self.submit(job())
        sites["ulm"].waits_for("waits for its owner's word")
        self.assertEqual(self.jobs()["ovens"]["phase"], "running")
        self.assertEqual(self.jobs()["ovens"]["round"], 1)
        pending = list((self.folder / "ulm/pending").iterdir())
        self.assertEqual([path.read_text() for path in pending], [job()])
        said = self.succeeds("job", "approve", pending[0], "--home", "ulm").stdout
        self.assertIn("approved job 'ovens'", said)
        self.finishes()
        rounds = self.deployed_report()["rounds"]
        self.assertGreater(rounds[0]["attempts"], 1)
        self.assertEqual([one["attempts"] for one in rounds[1:]], [1] * 3)
        self.fails(NOT_FOUND, "job", "approve", "nowhere", "--home", "ulm", says=["nowhere"])

    def test_an_owner_has_limits(self):
        self.found(engineer=False)
        self.coordinator()
        for site in ("bremen", "essen"):
            self.site(site)
        for name, limits, refused in (("long", "max_rounds = 3", "limits.max_rounds is 3"),
                                      ("small", "min_sites = 3", "limits.min_sites is 3")):
            self.own_table("ulm", limits=limits)
            ulm = self.site("ulm")
            ulm.waits_for("connected to")
            self.submit(job(name, min_sites=2), home="hub")
            self.finishes(name, home="hub")
            self.assertIn(refused, ulm.said())
            self.assertEqual(ulm.stop(), 0)
            rounds = self.deployed_report(name)["rounds"]
            self.assertEqual([one["sites_in"] for one in rounds], [2] * 4)
        # Nobody outside learns why it is not in.
        self.assertNotIn("limits", (self.folder / "hub.log").read_text())


class Starts(Parties):
    def test_the_clear_is_for_tests(self):
        self.found("bremen", test=False, engineer=False)
        for party in (self.coordinator(ready=False), self.site("bremen")):
            self.assertEqual(party.ends(), DENIED)
            for part in ("could read sums without noise", "consortia made with 'test'", "[budget]"):
                self.assertIn(part, party.said())
        wrong = self.site("bremen", clear=False)
        self.assertEqual(wrong.ends(), PRECONDITION)
        self.assertIn("has no [budget]", wrong.said())
        self.coordinator(clear=False)
        self.write("clear.toml", job(min_sites=1))
        self.fails(DENIED, "job", "submit", "clear.toml", "--home", "hub", says=["privacy.epsilon"])

    def test_a_seed_only_in_tests(self):
        self.found("bremen", test=False, engineer=False)
        for party in (self.coordinator("--insecure-test-seed", "5", clear=False, ready=False),
                      self.site("bremen", "--insecure-test-seed", "5", clear=False)):
            self.assertEqual(party.ends(), DENIED)
            self.assertIn("consortia made with 'test' in their roster", party.said())

    def test_a_home_runs_as_what_it_is(self):
        self.found("bremen", engineer=False)
        wrong = self.coordinator(home="bremen", ready=False)
        self.assertEqual(wrong.ends(), PRECONDITION)
        self.assertIn("'bremen' is site in 'ovens', and this is for the role coordinator",
                      wrong.said())
        wrong = self.site("hub")
        self.assertEqual(wrong.ends(), PRECONDITION)
        self.assertIn("is coordinator in 'ovens', and this is for the role site", wrong.said())

    def test_flag_before_environment_before_file(self):
        self.found("bremen", engineer=False)
        local = self.folder / "bremen/local/site.toml"
        local.write_text('coordinator = "file.invalid:1"\nin_the_clear = true\n'
                         + local.read_text())

        def dials(*words, **variables):
            site = self.site("bremen", *words, clear=False, env=self.environment(**variables))
            said = site.waits_for("dials ")
            self.assertEqual(site.stop(), 0)
            return said.split("dials ")[1].split('"')[0]

        self.assertEqual(dials(), "file.invalid:1")
        self.assertEqual(dials(HANSE_COORDINATOR="variable.invalid:2"), "variable.invalid:2")
        self.assertEqual(dials("--coordinator", "flag.invalid:3",
                               HANSE_COORDINATOR="variable.invalid:2"), "flag.invalid:3")
        local.write_text(local.read_text().replace("in_the_clear", "in_the_claer"))
        wrong = self.site("bremen")
        self.assertEqual(wrong.ends(), INVALID)
        for part in ("local/site.toml:2", "in_the_claer"):
            self.assertIn(part, wrong.said())
        for words, part in ((("--bind", "7443"), "bind: expected HOST:PORT, found '7443'"),
                            (("--http", "here:70000"), "http: expected HOST:PORT")):
            wrong = self.start("coordinator", "run", "--in-the-clear", *words, home="hub")
            self.assertEqual(wrong.ends(), INVALID)
            self.assertIn(part, wrong.said())


class People(Parties):
    def test_orders(self):
        self.found()
        self.fails(UNAVAILABLE, "job", "list", "--home", "engineer",
                   says=[f"127.0.0.1:{self.port}"])
        self.coordinator()
        self.assertEqual(self.submit(job(rounds=2))["job"], "ovens")
        self.assertEqual(self.submit(job(rounds=2))["job"], "ovens-2")
        self.assertEqual(self.submit(job(rounds=500, name="long"))["job"], "long")
        self.assertEqual({name: one["phase"] for name, one in self.jobs("bremen").items()},
                         {"ovens": "running", "ovens-2": "queued", "long": "queued"})
        # A site looks; who begins and ends jobs is an engineer or the coordinator.
        for words in (("submit", "submitted.toml"), ("cancel", "ovens")):
            self.fails(DENIED, "job", *words, "--home", "bremen",
                       says=["'bremen' is site in this consortium", "an engineer"])
        self.fails(NOT_FOUND, "job", "cancel", "unknown", "--home", "engineer",
                   says=["there is no job 'unknown'"])
        self.fails(NOT_FOUND, "job", "watch", "unknown", "--home", "engineer",
                   says=["there is no job 'unknown'"])
        self.all_sites()
        self.finishes("ovens")
        self.finishes("ovens-2")
        eventually(lambda: self.jobs()["long"]["round"] > 1, "a round of the third job")
        self.succeeds("job", "cancel", "long", "--home", "hub")
        done = self.watch("long")
        self.assertEqual(done.returncode, PRECONDITION)
        self.assertIn("job 'long' cancelled", done.stderr)
        self.fails(PRECONDITION, "job", "cancel", "long", "--home", "engineer",
                   says=["job 'long' is cancelled already"])
        self.assertFalse((self.folder / "hub/runs/long").exists())
        listed = self.succeeds("job", "list", "--home", "engineer").stdout
        self.assertEqual([line.split()[:2] for line in listed.splitlines()[1:]],
                         [["ovens", "finished"], ["ovens-2", "finished"], ["long", "cancelled"]])

    def test_jobs_that_cannot_be_deployed(self):
        self.found("bremen", "ulm")
        self.coordinator()
        good = job(min_sites=2)
        folds = good.replace('"holdout"', '"k_fold"').replace("test = 0.25", "folds = 3")
        for text, code, says in (
                (job(), PRECONDITION, "each sum is to be of 3 contributors besides 0"),
                (folds, UNSUPPORTED, "data.split.fold"),
                (good + "[evaluation]\nrepeats = 2\n", UNSUPPORTED, "leave it at 1"),
                (good.replace("degrees", "state"), INVALID, "state")):
            self.write("wrong.toml", text)
            self.fails(code, "job", "submit", "wrong.toml", "--home", "engineer", says=[says])
        self.assertEqual(self.jobs(), {})

    def test_what_a_finished_job_leaves(self):
        self.found()
        self.coordinator()
        self.all_sites()
        self.write("ovens.toml", job())
        done = self.succeeds("job", "submit", "ovens.toml", "--home", "engineer", "--out", "result")
        self.assertIn("finished", done.stdout)
        self.assertIn("result/report.html", done.stderr)
        for file in ("report.json", "report.html", "model.json", "job.toml"):
            self.assertEqual((self.folder / "result" / file).read_bytes(),
                             (self.folder / "hub/runs/ovens" / file).read_bytes())
        self.assertEqual((self.folder / "result/job.toml").read_text(), job())
        report = json.loads((self.folder / "result/report.json").read_text())
        self.assertEqual(report["mode"], "deployed")
        for absent in ("metrics", "pooled", "local", "accuracy", "test_records"):
            self.assertNotIn(f'"{absent}"', json.dumps(report))
        shown = self.succeeds("report", "result").stdout
        for part in ("ovens", "deployed", "bremen", "essen", "ulm", "sums without noise"):
            self.assertIn(part, shown)
        for absent in ("accuracy", "pooled", "local-only"):
            self.assertNotIn(absent, shown)
        self.assertEqual(json.loads(self.succeeds("report", "result", "--json").stdout), report)
        self.fails(INVALID, "report", "result", "hub/runs/ovens", says=["no test records to compare"])
        predicted = self.succeeds("predict", "result", "bremen/local/ovens.csv")
        self.assertEqual(len(predicted.stdout.splitlines()), 25)


class Operates(Parties):
    def test_drains_and_goes_on(self):
        self.found()
        hub, sites = self.coordinator(), self.all_sites()
        self.submit(job(rounds=60))
        for party in ("hub", "ulm"):
            before = self.jobs()["ovens"]["round"]
            eventually(lambda: self.jobs()["ovens"]["round"] > before, "another round")
            process = hub if party == "hub" else sites["ulm"]
            self.assertEqual(process.stop(), 0)
            self.assertIn("stopping", process.texts()[-1])
            hub = self.coordinator() if party == "hub" else hub
            if party == "ulm":
                self.site("ulm")
        status = self.finishes()
        self.assertEqual(status["round"], 60)
        report = self.deployed_report()
        self.assertEqual([one["round"] for one in report["rounds"]], list(range(1, 61)))

    def test_pages_and_logs(self):
        self.found()
        hub, sites = self.coordinator(), self.all_sites("--http", "127.0.0.1:0")
        self.submit(job(rounds=6))
        self.finishes()
        self.assertEqual(hub.page("/healthz"), "ok\n")
        at_hub = samples(hub.page("/metrics"))
        self.assertEqual(at_hub['hanse_rounds_total{outcome="closed"}'], 6)
        self.assertEqual(at_hub["hanse_connected"], 3)
        self.assertEqual(at_hub["hanse_round_seconds_count"], 6)
        self.assertGreater(at_hub["hanse_bytes_total"], 0)
        ulm = sites["ulm"]
        eventually(lambda: samples(ulm.page("/metrics"))["hanse_receipts_total"] == 6,
                   lambda: ulm.page("/metrics"))
        at_ulm = samples(ulm.page("/metrics"))
        self.assertEqual((at_ulm["hanse_connected"], at_ulm["hanse_answer_seconds_count"]), (1, 6))
        # Nothing that is told stands for a record: names are a fixed list.
        for name in samples(ulm.page("/metrics")) | at_hub:
            self.assertRegex(name, r'^hanse_[a-z_]+(\{(outcome|reason|what|le)="[a-z0-9_.+ I]+"\})?$')
        for process, party in ((hub, "coordinator"), (ulm, "ulm")):
            for line in process.lines():
                self.assertEqual(list(line), ["time", "level", "party", "text"])
                self.assertEqual(line["party"], party)
                self.assertIn(line["level"], ("note", "warning", "problem"))
            self.assertNotIn("degrees", process.said())

    def test_doctor(self):
        self.found("bremen", "ulm")
        self.write("ovens.toml", job(min_sites=2))
        self.coordinator()
        for home in ("hub", "bremen", "engineer"):
            self.assertEqual(set(self.doctor(0, home).values()), {"fine"})
        found = self.doctor(0, "bremen", "--job", "ovens.toml")
        self.assertEqual(found["records"], "fine")
        self.write("other.toml", job(min_sites=2).replace('"degrees"', '"pressure"'))
        found = self.doctor(PRECONDITION, "bremen", "--job", "other.toml")
        self.assertEqual([check for check, health in found.items() if health == "problem"],
                         ["records"])
        found = self.doctor(PRECONDITION, "bremen", "--coordinator", "127.0.0.1:1")
        self.assertEqual(found["coordinator"], "problem")
        (self.folder / "ulm/startup/roster").unlink()
        self.assertEqual(self.doctor(PRECONDITION, "ulm"),
                         {"disk": "fine", "keys and roster": "problem"})
        shown = self.hanse("doctor", "--home", "ulm")
        self.assertIn("hanse site join ROSTER --home DIR", shown.stdout)
        self.assertIn("1 of 2 checks found a problem", shown.stderr)

    def doctor(self, code, home, *words):
        done = self.hanse("doctor", "--home", home, "--json", *words)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        # A slow disk is this machine's own.
        return {one["check"]: "fine" if one["check"] == "disk" and one["health"] == "warning"
                else one["health"] for one in json.loads(done.stdout)["findings"]}


def samples(text):
    """Of Prometheus' text format."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines}


if __name__ == "__main__":
    unittest.main()
