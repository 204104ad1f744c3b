"""Policies of running sites: revoked, shaped by signals, decided over HTTP; with real processes."""

import contextlib
import http.client
import json
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import unittest

from hanse import BINARY, CORRUPTION, INVALID, NOT_FOUND, PRECONDITION, UNAVAILABLE, Case
from parties import Parties, Process, eventually, free_port, job

CONTEXT = ["http://www.w3.org/ns/odrl.jsonld",
           "https://w3id.org/catenax/2025/9/policy/context.jsonld", "urn:hanse:policy:context:1"]


def policy(uid="urn:test:owner", **rules):
    return json.dumps({"@context": CONTEXT, "@type": "Set", "@id": uid, **rules})


TRAIN = policy(permission=[{"action": "train"}])
AFTER = policy(permission=[{"action": "train", "constraint": [
    {"leftOperand": "ledgerProof", "operator": "eq", "rightOperand": "finished first",
     "maxAge": "PT600S"}]}])
NOTHING = policy(permission=[{"action": "train"}], prohibition=[{"action": "use"}])
BELOW = policy(permission=[{"action": "train", "constraint": [
    {"leftOperand": "lineLoad", "operator": "lt", "rightOperand": 0.9, "maxAge": "PT600S"}]}])


BROKER = "/usr/sbin/mosquitto"


def publish(port, topic, payload, trust=None):
    """One message by MQTT 3.1.1, acknowledged; by TLS and with the password where that is trusted."""
    def packet(kind, *parts):
        body = b"".join(parts)
        return bytes([kind, len(body)]) + body  # each shorter than 128 bytes

    def text(value):
        return len(value).to_bytes(2, "big") + value.encode()

    with contextlib.ExitStack() as open_lines:
        line = open_lines.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))
        names = b""
        if trust:
            line = open_lines.enter_context(ssl.create_default_context(cafile=trust).wrap_socket(
                line, server_hostname="127.0.0.1"))
            names = text("plant") + text("secret")
        line.sendall(packet(0x10, text("MQTT"), bytes([4, 0xC2 if trust else 2, 0, 60]), text("test"),
                            names))
        line.recv(4)
        line.sendall(packet(0x32, text(topic), bytes([0, 1]), payload.encode()))
        line.recv(4)


class Sites(Parties):
    def begin(self, text, **words):
        """Three sites; bremen has policies."""
        self.found()
        self.own_table("bremen", **words)
        local = self.folder / "hub/local"
        local.mkdir()
        (local / "coordinator.toml").write_text("absence_seconds = 5\n")
        self.hub = self.coordinator()
        (self.folder / "bremen/local/policies").mkdir()
        self.write_policy(text)
        trusted = self.folder / "hub/audit/policy"
        eventually(trusted.exists, "the coordinator's log")
        shutil.copy(trusted, self.folder / "bremen/local/ledger.policy")
        self.running = {name: self.site(name, "--http", "127.0.0.1:0") for name in self.sites}
        self.running["bremen"].waits_for("decides by 1 policies")
        # A round that nobody is there for counts as failed, and three of them end a job.
        eventually(lambda: "\nhanse_connected 3" in self.hub.page("/metrics"),
                   lambda: f"three lines: {self.hub.said()}")

    def write_policy(self, text):
        """As editors should: whole or not at all."""
        new = self.folder / "bremen/local/policies/new"
        new.write_text(text)
        new.rename(new.with_name("owner.jsonld"))

    def reload(self):
        return json.loads(self.succeeds("policy", "reload", "--home", "bremen", "--json").stdout)

    def signal(self, *words):
        return self.succeeds("policy", "signal", *words, "--home", "bremen")

    def closed(self):
        return [line for line in self.hub.said().splitlines() if " closed: " in line]

    def closes(self, rounds=3, sites=None):
        """So many more rounds; the last of them and one more, with so many sites."""
        at = len(self.closed())
        eventually(lambda: len(self.closed()) >= at + rounds, lambda: f"rounds: {self.hub.said()}")
        if sites:
            eventually(lambda: f"closed: {sites} sites" in self.closed()[-1],
                       lambda: f"a round of {sites} sites: {self.hub.said()}")

    def answers(self):
        page = self.running["bremen"].page("/metrics")
        return next(float(line.split()[-1]) for line in page.splitlines()
                    if line.startswith("hanse_answer_seconds_count"))

    def test_a_revocation_in_the_middle_of_a_job(self):
        self.begin(TRAIN)
        self.submit(job(rounds=10_000, min_sites=2))
        self.closes(sites=3)
        before = self.reload()
        self.write_policy(NOTHING)
        after = self.reload()
        self.assertGreater(after["policy_epoch"], before["policy_epoch"])
        self.assertNotEqual(after["policy_hash"], before["policy_hash"])
        # An answer agreed before may still be in the making; after the first decline bremen gives
        # nothing, and everything else goes on.
        self.running["bremen"].waits_for("prohibited by policy 'urn:test:owner' /prohibition/0")
        given = self.answers()
        self.closes(rounds=5, sites=2)
        self.assertEqual(self.answers(), given)
        for name in ("hub", "essen", "ulm"):
            self.assertNotIn("urn:test:owner", (self.folder / f"{name}.log").read_text())
        # Given back without a command: the folder is watched.
        self.write_policy(TRAIN)
        self.closes(rounds=1, sites=3)
        self.succeeds("job", "cancel", "ovens", "--home", "engineer")
        self.statement_shows_the_decline()

    def statement_shows_the_decline(self):
        self.write_policy(NOTHING)
        self.reload()
        self.submit(job("short", rounds=3, min_sites=2))
        self.finishes("short")
        said = self.statement("hub/runs/short")
        self.assertIn("declined by bremen", said)
        self.assertIn("prohibited by policy 'urn:test:owner'", said)

    def statement(self, run):
        """Of bremen, once everybody has stopped."""
        self.last_head_is_cosigned()
        for party in (*self.running.values(), self.hub):
            self.assertEqual(party.stop(), 0)
        self.assertFalse((self.folder / "bremen/site.sock").exists())
        return self.succeeds("audit", "verify", "--site", "bremen", run).stdout

    def test_signals_shape_the_next_rounds(self):
        self.begin(BELOW)
        self.submit(job(rounds=10_000, min_sites=2))
        self.closes(sites=2)  # nobody says the load
        self.signal("set", "lineLoad=0.5")
        self.closes(sites=3)
        self.signal("set", "lineLoad=0.95", "oeeState=running")
        self.closes(sites=2)
        listed = json.loads(self.signal("list", "--json").stdout)["signals"]
        self.assertEqual([(one["name"], one["value"]) for one in listed],
                         [("lineLoad", 0.95), ("oeeState", "running")])
        self.signal("set", "lineLoad=0.5")
        self.closes(sites=3)
        # A measurement that is too old says nothing, and replaces no newer one.
        self.fails(PRECONDITION, "policy", "signal", "set", "lineLoad=0.5", "--at",
                   "2026-01-01T00:00:00Z", "--home", "bremen")
        self.signal("unset", "lineLoad")
        self.signal("set", "lineLoad=0.5", "--at", "2026-01-01T00:00:00Z")
        self.closes(sites=2)
        self.refuses_what_is_no_signal()
        self.signal("set", "lineLoad=0.5")
        self.closes(sites=3)
        self.signal("unset", "lineLoad")
        self.closes(sites=2)
        # Kept in memory only; and what a killed process leaves is in nobody's way.
        self.signal("set", "lineLoad=0.5")
        self.closes(sites=3)
        self.running["bremen"].kill()
        self.fails(UNAVAILABLE, "policy", "signal", "list", "--home", "bremen")
        self.running["bremen"] = self.site("bremen")
        self.running["bremen"].waits_for("decides by 1 policies")
        eventually(lambda: self.hanse("policy", "signal", "list", "--home", "bremen").returncode == 0,
                   "an answer of the site")
        self.assertEqual(json.loads(self.signal("list", "--json").stdout)["signals"], [])
        self.closes(sites=2)

    def prove(self, log, leaf):
        """A proof of the newest such leaf, under a head that the quorum has cosigned."""
        def made():
            head = self.hanse("audit", "checkpoint", "--log", log, "--policy", f"{log}/policy", "--json")
            for index in reversed(range(json.loads(head.stdout)["size"] if head.returncode == 0 else 0)):
                one = self.succeeds("audit", "prove", "--log", log, str(index), "--out", "leaf.proof")
                if leaf in one.stderr:
                    return True
            return False
        eventually(made, f"a witnessed leaf: {leaf}")

    def test_what_the_ledger_proves(self):
        self.begin(AFTER, more='[policy]\nproofs = "ledger.policy"\n')
        self.submit(job("first", rounds=2, min_sites=2))
        self.finishes("first")
        self.assertNotIn("closed: 3 sites", self.hub.said())
        self.prove("hub/audit", "ended of job 'first'")
        # Of a log that it does not believe, or a leaf that was never in it.
        forged = (self.folder / "leaf.proof").read_text()
        self.write("forged.proof", forged.replace("extra ", "extra AAAA", 1))
        self.fails(CORRUPTION, "policy", "signal", "prove", "forged.proof", "--home", "bremen")
        self.signal("prove", "leaf.proof")
        listed = json.loads(self.signal("list", "--json").stdout)
        self.assertEqual([(one["name"], one["value"]) for one in listed["proofs"]],
                         [("ledgerProof", "finished first")])
        self.submit(job("second", rounds=10_000, min_sites=2))
        self.closes(sites=3)
        self.signal("unset", "ledgerProof")
        self.closes(sites=2)

    def refuses_what_is_no_signal(self):
        site = ("--home", "bremen")
        self.fails(INVALID, "policy", "signal", "set", "lineLoad", *site)
        self.fails(INVALID, "policy", "signal", "set", "line load=1", *site)
        self.fails(INVALID, "policy", "signal", "set", "lineLoad=1", "--at", "2099-01-01T00:00:00Z",
                   *site)
        self.fails(NOT_FOUND, "policy", "signal", "unset", "marketPrice", *site)
        self.fails(PRECONDITION, "policy", "signal", "list", "--home", "ulm")

    def test_a_folder_with_an_error_denies_until_it_is_mended(self):
        self.begin(TRAIN)
        self.submit(job(rounds=10_000, min_sites=2))
        self.closes(sites=3)
        self.write_policy(TRAIN.replace("train", "dance"))
        said = self.fails(INVALID, "policy", "reload", "--home", "bremen").stderr
        self.assertIn("everything is denied until this is mended", said)
        self.assertIn("/permission/0/action", said)
        self.closes(sites=2)
        self.write_policy(TRAIN)
        self.reload()
        self.closes(sites=3)

    def test_every_party_that_gets_the_model_is_asked_about(self):
        # Essen competes: it stands in the cohort, so bremen answers nobody.
        self.begin(policy(permission=[{"action": "train"}],
                          prohibition=[{"action": "train", "constraint": [
                              {"leftOperand": "BusinessPartnerGroup", "operator": "isAnyOf",
                               "rightOperand": ["competitors"]}]}]),
                   more="\n".join(["[policy]", *[
                       f'[policy.party.{name}]\nBusinessPartnerGroup = ["{group}"]'
                       for name, group in (("coordinator", "us"), ("engineer", "us"), ("ulm", "friends"),
                                           ("essen", "competitors"))]]))
        self.submit(job(rounds=10_000, min_sites=2))
        self.closes(sites=2)
        self.assertIn("prohibited by", self.running["bremen"].waits_for("prohibited by"))

    def test_owners_are_told_before_an_answer_leaves(self):
        self.begin(policy(permission=[{"action": "train", "duty": [
            {"action": "hanse:apply", "constraint": [
                {"leftOperand": "notify", "operator": "isAllOf", "rightOperand": "owner"}]}]}]))
        self.submit(job(rounds=3, min_sites=2))
        self.finishes()
        notices = [json.loads(line) for line in
                   (self.folder / "bremen/notices.jsonl").read_text().splitlines()]
        self.assertEqual(sorted({one["round"] for one in notices}), [1, 2, 3])
        self.assertEqual(notices[0]["notify"], ["owner"])
        # Whom nobody here can tell: denied.
        self.write_policy((self.folder / "bremen/local/policies/owner.jsonld").read_text()
                          .replace('"owner"', '"works council"'))
        self.reload()
        self.submit(job("second", rounds=10_000, min_sites=2))
        self.closes(sites=2)
        self.assertIn("works council", self.running["bremen"].said())

    def test_a_text_is_one_job_and_a_folder_stays(self):
        self.begin(TRAIN)
        self.submit(job(rounds=3))
        self.finishes()
        # The coordinator calls the same text by another name: bremen answers each round once.
        self.submit(job(rounds=10_000, min_sites=2))
        self.submit(job(rounds=10_000, min_sites=2))
        self.running["bremen"].waits_for("here each round of a text is answered once")
        self.assertEqual(self.running["bremen"].stop(), 0)
        shutil.rmtree(self.folder / "bremen/local/policies")
        lost = self.site("bremen")
        self.assertEqual(lost.ends(), PRECONDITION)
        self.assertIn("the folder is gone", lost.said())

    def test_fewer_records(self):
        self.begin(policy(permission=[{"action": "train", "duty": [
            {"action": "hanse:apply", "constraint": [
                {"leftOperand": "max_data_points", "operator": "lteq", "rightOperand": 23}]}]}]),
                   limits="max_records = 24")
        self.submit(job(rounds=3))
        self.finishes()
        kept = re.search(r"(\d+) records of this site are ready", self.running["bremen"].said())
        self.assertIn(int(kept[1]), range(1, 18))
        self.assertIn("18 records of this site are ready", self.running["ulm"].said())
        self.assertIn("max_data_points=23", self.statement("hub/runs/ovens"))

    @unittest.skipUnless(pathlib.Path(BROKER).exists(), "takes the package mosquitto")
    def test_signals_from_a_plants_broker(self):
        port = free_port()
        (self.folder / "broker.conf").write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
        words = [BROKER, "-c", "broker.conf"]
        broker = Process(words, self.folder / "broker.log", cwd=self.folder)
        self.started.append(broker)
        self.begin(BELOW, more=f"""[policy.mqtt]
broker = "127.0.0.1:{port}"
topic = "plant/signals/#"
""")
        self.running["bremen"].waits_for("hears plant/signals/# from MQTT broker")
        self.submit(job(rounds=10_000, min_sites=2))
        self.closes(sites=2)
        publish(port, "plant/signals/lineLoad", "0.5")
        self.closes(sites=3)
        publish(port, "plant/signals/lineLoad", '{"value": 0.95}')
        self.closes(sites=2)
        broker.kill()
        self.running["bremen"].waits_for("is gone")
        self.started.append(Process(words, self.folder / "broker.log", cwd=self.folder))
        eventually(lambda: self.running["bremen"].said().count("from MQTT broker") == 2,
                   "the site at its broker again")
        publish(port, "plant/signals/lineLoad", "0.5")
        self.closes(sites=3)


    @unittest.skipUnless(pathlib.Path(BROKER).exists(), "takes the package mosquitto")
    def test_a_broker_with_tls_and_passwords(self):
        port = free_port()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-nodes", "-days", "2", "-subj", "/CN=broker", "-addext",
                        "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "ca.pem"],
                       cwd=self.folder, check=True, capture_output=True)
        subprocess.run(["mosquitto_passwd", "-b", "-c", "passwords", "plant", "secret"],
                       cwd=self.folder, check=True)
        (self.folder / "broker.conf").write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {self.folder}/passwords\n"
            f"certfile ca.pem\nkeyfile key.pem\nuser root\n")
        self.started.append(Process([BROKER, "-c", "broker.conf"], self.folder / "broker.log",
                                    cwd=self.folder))
        self.write("plant.password", "secret\n")
        self.begin(BELOW, more=f"""[policy.mqtt]
broker = "127.0.0.1:{port}"
topic = "plant/signals/#"
ca = "../../ca.pem"
user = "plant"
password_file = "../../plant.password"
""")
        self.running["bremen"].waits_for("hears plant/signals/# from MQTT broker")
        self.submit(job(rounds=10_000, min_sites=2))
        publish(port, "plant/signals/lineLoad", "0.5", trust=str(self.folder / "ca.pem"))
        self.closes(sites=3)
        self.assertNotIn("secret", self.running["bremen"].said())
        self.assertEqual(self.running["bremen"].stop(), 0)
        # A wrong one is said, and nothing is heard.
        self.write("plant.password", "guess\n")
        self.running["bremen"] = self.site("bremen")
        self.running["bremen"].waits_for("refuses")


class Serve(Case):
    def setUp(self):
        super().setUp()
        self.folder.joinpath("policies").mkdir()
        self.write("policies/a.jsonld", TRAIN)
        self.server = Process([BINARY, "policy", "serve", "--policies", "policies", "--http",
                               "127.0.0.1:0"], self.folder / "serve.log", cwd=self.folder,
                              env=self.environment())
        self.addCleanup(self.server.kill)
        port = int(self.server.waits_for("evaluation on port").split(" on port ")[1].split('"')[0])
        self.line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.addCleanup(self.line.close)

    def post(self, path, body):
        self.line.request("POST", f"/access/v1/{path}", json.dumps(body),
                          {"Content-Type": "application/json", "X-Request-ID": "seven"})
        reply = self.line.getresponse()
        self.assertEqual(reply.getheader("X-Request-ID"), "seven")
        return reply.status, json.loads(reply.read())

    def test_authzen(self):
        question = {"subject": {"type": "party", "id": "essen"}, "action": {"name": "train"},
                    "resource": {"type": "data", "id": "ovens"}}
        # One connection for all of it.
        for _ in range(200):
            status, answer = self.post("evaluation", question)
            self.assertEqual((status, answer["decision"]), (200, True))
        status, answer = self.post("evaluation", {**question, "action": {"name": "transfer"}})
        self.assertEqual((status, answer["decision"]), (200, False))
        status, problem = self.post("evaluation", {**question, "action": {"name": "dance"}})
        self.assertEqual((status, problem["errors"][0]["pointer"]), (400, "#/action/name"))
        status, answers = self.post("evaluations", {
            **question, "evaluations": [{}, {"action": {"name": "transfer"}}, {}],
            "options": {"evaluations_semantic": "deny_on_first_deny"}})
        self.assertEqual([one["decision"] for one in answers["evaluations"]], [True, False])
        for headers, status in (({"Content-Encoding": "gzip"}, 415), ({"Transfer-Encoding": "chunked"}, 411)):
            line = http.client.HTTPConnection("127.0.0.1", self.line.port, timeout=60)
            line.request("POST", "/access/v1/evaluation", b"0\r\n\r\n", headers)
            self.assertEqual(line.getresponse().status, status)
            line.close()
        self.line.request("GET", "/.well-known/authzen-configuration")
        found = json.loads(self.line.getresponse().read())
        self.assertTrue(found["access_evaluation_endpoint"].startswith("http://127.0.0.1:"))
        self.write("policies/a.jsonld", NOTHING)
        eventually(lambda: not self.post("evaluation", question)[1]["decision"], "the new policy")
        self.write("policies/a.jsonld", "{")
        eventually(lambda: self.health() == 503, "trouble")
        self.assertFalse(self.post("evaluation", question)[1]["decision"])
        self.write("policies/a.jsonld", TRAIN)
        eventually(lambda: self.health() == 200, "no trouble")
        self.assertTrue(self.post("evaluation", question)[1]["decision"])
        self.assertEqual(self.server.stop(), 0)

    def health(self):
        self.line.request("GET", "/healthz")
        reply = self.line.getresponse()
        reply.read()
        return reply.status


if __name__ == "__main__":
    unittest.main()
