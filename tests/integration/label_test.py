"""Labels by a site's own experts: asked by a job that trains, answered while it waits, over kills."""

import contextlib
import csv
import http.client
import http.server
import json
import re
import threading
import unittest

from hanse import DENIED, INVALID, NOT_FOUND, PRECONDITION, UNAVAILABLE
from parties import Parties, eventually, job, rows

SITES = ("bremen", "kiel", "ulm")
PRIVATE = 'epsilon = 3.0\ndelta = 1e-5\nunit = "record"\nplacement = "site"'
UPDATES = 5
EXPERTS = """
[labels]
votes = 2
max_votes = 2
[labels.annotator.anna]
price = 2.5
[labels.annotator.ben]
price = 1
"""


class Annotators(http.server.BaseHTTPRequestHandler):
    """An annotating service: keeps what it is told, and refuses the first of it."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts.append(json.loads(body))
        self.send_response(503 if len(self.server.posts) == 1 else 204)
        self.end_headers()

    def log_message(self, *words):
        pass


def active_job(seconds):
    return job(rounds=UPDATES, min_sites=3, privacy=PRIVATE) + f"""
[active]
initial = 24
quota = 40
cycles = 2
bins = 4
label_seconds = {seconds}
"""


class Labels(Parties):
    def begin(self, settings=EXPERTS):
        self.found(*SITES, test=False, engineer=False)
        for site in SITES:
            more = settings if site == "ulm" else ""
            self.own_table(site, budget='[budget]\nasset = "ovens"\nepsilon = 4.0\ndelta = 1e-5\n'
                                        f'unit = "record"\n{more}')
        # Nobody at ulm has said yet which of its ovens are hot.
        lines = ["degrees,state,oven", *[f"{row.split(',')[0]},,{row.split(',')[2]}"
                                         for row in rows("ulm")]]
        (self.folder / "ulm/local/ovens.csv").write_text("\n".join(lines) + "\n")
        self.truth = {row.split(",")[0]: row.split(",")[1] for row in rows("ulm")}
        self.parties = {"hub": self.coordinator(clear=False),
                        **{site: self.site(site, "--http", "127.0.0.1:0", clear=False)
                           for site in SITES}}
        eventually(lambda: "\nhanse_connected 3" in self.parties["hub"].page("/metrics"), "lines")

    def restart(self, name):
        self.parties[name].kill()
        self.parties[name] = (self.coordinator(clear=False) if name == "hub" else
                              self.site(name, "--http", "127.0.0.1:0", clear=False))
        if name == "ulm":
            self.parties[name].waits_for("connected to coordinator")

    def waiting(self, *words):
        return json.loads(self.succeeds("label", "list", "--home", "ulm", "--json", *words).stdout)

    def right(self, item):
        degrees = float(item["shows"]["degrees"].split()[0])
        return next(state for at, state in self.truth.items() if abs(float(at) - degrees) < .051)

    def answers(self, annotator):
        """All that waits for him; how many."""
        items = self.waiting("--as", annotator)["items"]
        for item in items:
            self.succeeds("label", "answer", item["item"][:16], self.right(item), "--as", annotator,
                          "--home", "ulm")
        return len(items)

    def test_two_annotators_label_what_a_job_asks(self):
        self.begin()
        self.submit(active_job(seconds=20), home="hub")
        eventually(lambda: self.waiting()["open"] > 0, "the first cycle's items")
        first = {item["item"] for item in self.waiting()["items"]}
        # What each sees says nothing of what the other said.
        item = self.waiting("--as", "anna")["items"][0]
        self.assertEqual(item["column"], "state")
        self.assertEqual(item["values"], ["cold", "hot"])
        self.assertEqual(set(item) & {"answers", "state", "label"}, set())
        asked = self.answers("anna")
        self.assertEqual(asked, len(first))
        # Neither a kill of the site nor one of the coordinator asks again.
        self.restart("ulm")
        self.assertEqual({one["item"] for one in self.waiting()["items"]}, first)
        self.assertEqual(self.waiting("--as", "anna")["items"], [])
        self.restart("hub")
        self.assertEqual(self.answers("ben"), asked)
        self.assertEqual(self.waiting()["open"], 0)
        eventually(lambda: self.jobs("hub")["ovens"]["round"] >= 2 + UPDATES, "the first training")
        eventually(lambda: self.waiting()["open"] > 0, "the second cycle's items")
        second = {one["item"] for one in self.waiting()["items"]}
        self.assertEqual(first & second, set())
        self.assertEqual(self.answers("anna") + self.answers("ben"), 2 * len(second))
        self.finishes(home="hub")
        done = self.waiting("--all")
        self.assertEqual({one["state"] for one in done["items"]}, {"labelled"})
        self.assertEqual(done["earned"], {"anna": 2.5 * len(first | second),
                                          "ben": 1.0 * len(first | second)})
        with open(self.folder / "ulm/local/ovens.csv") as file:
            self.assertEqual({line["state"] for line in csv.DictReader(file)}, {""})

    def test_what_is_said_is_held_against_what_was_asked(self):
        self.begin()
        self.submit(active_job(seconds=600), home="hub")
        eventually(lambda: self.waiting()["open"] > 0, "items")
        item = self.waiting()["items"][0]["item"]
        words = ("--home", "ulm", "--as", "anna")
        self.fails(INVALID, "label", "answer", item, "hto", *words,
                   says=["'state' has the values cold, hot", "did you mean 'hot'?"])
        self.fails(NOT_FOUND, "label", "answer", "0" * 64, "hot", *words, says=["nobody was asked"])
        self.fails(INVALID, "label", "answer", item[:3], "hot", *words, says=["by 6 digits or more"])
        self.succeeds("label", "answer", item[:12], "hot", *words)
        self.assertIn("1 more to say", self.succeeds("label", "answer", item[:12], "hot", *words)
                      .stdout)
        self.fails(PRECONDITION, "label", "answer", item, "cold", *words,
                   says=["'anna' said 'hot'", "correct it"])
        self.succeeds("label", "answer", item, "cold", "--corrects", *words)
        said = self.succeeds("label", "skip", item, "--home", "ulm", "--as", "ben").stdout
        self.assertIn("cannot tell; settled", said)
        self.assertIn("settled without a label",
                      self.succeeds("label", "list", "--all", "--home", "ulm").stdout)
        self.fails(DENIED, "label", "list", "--home", "ulm", "--as", "bne",
                   says=["names no annotator 'bne'", "did you mean 'ben'?"])
        self.fails(UNAVAILABLE, "label", "list", "--home", "kiel", says=["[labels.annotator.NAME]"])

    def http(self, method, path, body=None, **headers):
        port = int(self.parties["ulm"].said().split("/metrics on port ")[1].split('"')[0])
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as line:
            line.request(method, path, body, {key.replace("_", "-"): value
                                              for key, value in headers.items()})
            reply = line.getresponse()
            return reply.status, reply.headers, reply.read().decode()

    def token(self, who):
        return (self.folder / f"ulm/local/annotators/{who}.token").read_text().strip()

    def enter(self, who):
        status, headers, _ = self.http("GET", f"/labels?token={self.token(who)}")
        self.assertEqual((status, headers["Location"]), (303, "/labels"))
        self.assertIn("HttpOnly; SameSite=Lax", headers["Set-Cookie"])
        return headers["Set-Cookie"].split(";")[0]

    def test_pages_show_and_take_what_annotators_say(self):
        self.begin()
        self.submit(active_job(seconds=600), home="hub")
        eventually(lambda: self.waiting()["open"] > 1, "items")
        path = self.folder / "ulm/local/annotators/anna.token"
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        item = self.waiting()["items"][0]["item"]
        page = f"/labels/{item}"
        form = {"Content_Type": "application/x-www-form-urlencoded"}
        for refused in (self.http("GET", "/labels"), self.http("GET", page),
                        self.http("GET", "/labels?token=" + "0" * 64),
                        self.http("POST", page, "label=hot", **form),
                        self.http("GET", page, Cookie="hanse_labels=" + "0" * 64)):
            self.assertEqual(refused[0], 401)
            self.assertNotIn("degrees", refused[2])
        cookie = self.enter("anna")
        status, headers, listed = self.http("GET", "/labels", Cookie="x=1; " + cookie)
        self.assertEqual(status, 200)
        self.assertIn("for your label", listed)
        self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
        self.assertNotRegex(listed, r"<script|https?://|javascript:")

        def answer(body, who=cookie, at=page):
            return self.http("POST", at, body, Cookie=who, **form)
        shown = self.http("GET", page, Cookie=cookie)[2]
        self.assertIn("degrees", shown)
        proof = re.search(r'name="proof" value="([0-9a-f]{64})"', shown).group(1)
        for forged in ("label=hot", f"proof={'0' * 64}&label=hot"):
            self.assertEqual(answer(forged)[0], 403)
        self.assertEqual(answer(f"proof={proof}&label=hot", self.enter("ben"))[0], 403)
        self.assertEqual(answer(f"proof={proof}&label=hto")[0], 400)
        self.assertIn(answer(f"proof={proof}&label=" + "x" * 5000)[0], (400, 413))
        self.assertEqual(self.waiting("--all")["earned"], {})
        status, headers, _ = answer(f"proof={proof}&label=hot")
        self.assertEqual(status, 303)
        self.assertRegex(headers["Location"], r"\A/labels/[0-9a-f]{64}\Z")
        self.restart("ulm")
        self.assertEqual(answer(f"proof={proof}&label=hot")[0], 303)  # again: the same, paid once
        self.assertEqual(self.waiting("--all")["earned"], {"anna": 2.5})
        self.assertIn("You said “hot”", self.http("GET", page, Cookie=cookie)[2])
        self.assertEqual(self.http("GET", "/labels/" + "0" * 64, Cookie=cookie)[0], 404)
        # A table of answers: a line that is wrong keeps no other from counting.
        others = [one["item"] for one in self.waiting()["items"][1:]]
        self.write("answers.csv", "item,label\n" + f"{others[0]},cold\n" + "fedcba0,hot\n"
                   + "".join(f"{one[:16]},\n" for one in others[1:]))
        words = ("--from", "answers.csv", "--as", "ben", "--home", "ulm")
        done = self.hanse("label", "answer", *words)
        self.assertEqual(done.returncode, NOT_FOUND)
        self.assertIn(f"1 of {len(others) + 1} answers were refused", done.stderr)
        self.assertIn("line 3: nobody was asked", done.stdout)
        self.assertEqual(len(self.waiting("--as", "ben")["items"]), 1)
        self.assertEqual(self.waiting("--all")["earned"]["ben"], len(others))
        self.fails(INVALID, "label", "answer", "--as", "ben", "--home", "ulm",
                   says=["expected ITEM LABEL, or --from"])

    def test_a_service_is_told_what_waits_and_answers(self):
        service = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Annotators)
        service.posts = []
        threading.Thread(target=service.serve_forever, daemon=True).start()
        self.addCleanup(service.server_close)
        self.addCleanup(service.shutdown)
        at = f'callback = "http://127.0.0.1:{service.server_port}/items"\n'
        self.begin(EXPERTS.replace("[labels]\n", "[labels]\n" + at).replace("votes = 2", "votes = 1"))
        self.submit(active_job(seconds=600), home="hub")
        eventually(lambda: self.waiting()["open"] > 0, "items")
        items = {one["item"] for one in self.waiting()["items"]}
        eventually(lambda: {post["item"] for post in service.posts} == items,
                   lambda: f"all told: {self.parties['ulm'].said()} {service.posts} {items}", seconds=20)
        self.assertEqual(len(service.posts), len(items) + 1)  # the first was refused, and came again
        self.assertEqual(set(service.posts[0]), {"item", "job", "cycle", "column", "values", "shows"})
        told = service.posts[0]
        bearer = {"Authorization": f"Bearer {self.token('anna')}"}

        def say(body, **headers):
            status, _, said = self.http("POST", f"/labels/{told['item']}", json.dumps(body), **headers)
            return status, json.loads(said)
        self.assertEqual(say({"label": "hot"}, Authorization="Bearer " + "0" * 64)[0], 401)
        self.assertEqual(say({"labels": "hot"}, **bearer)[0], 400)
        self.assertEqual(say({"label": "hot"}, **bearer), (200, {"item": told["item"], "said": "hot"}))
        self.assertEqual(say({"label": "hot"}, **bearer)[0], 200)
        self.assertEqual(self.waiting("--all")["earned"], {"anna": 2.5})
        # After a restart what is still open is told anew, and nothing else.
        before = len(service.posts)
        self.restart("ulm")
        eventually(lambda: {post["item"] for post in service.posts[before:]} ==
                   items - {told["item"]}, "what is open, anew")


if __name__ == "__main__":
    unittest.main()
