"""`hanse policy serve` on a kept connection: printed as bench/run reads it. Usage: policy.py HANSE

Rates are by the server's own processor time, so that the client on the same machine does not count.
"""
import json
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile

HANSE = str(pathlib.Path(sys.argv[1]).resolve())
QUESTIONS = 20_000
CONTEXTS = ["http://www.w3.org/ns/odrl.jsonld",
            "https://w3id.org/catenax/2025/9/policy/context.jsonld", "urn:hanse:policy:context:1"]


def row(name, value, unit):
    print(json.dumps({"name": name, "value": round(value, 3), "unit": unit}), flush=True)


def policies(rules):
    graph = [{"@id": f"urn:r:{i}", "permission": [{"action": "train", "constraint": [
        {"leftOperand": "dataType", "operator": "eq", "rightOperand": f"type{i % 20}"},
        {"leftOperand": "BusinessPartnerNumber", "operator": "eq", "rightOperand": f"BPNL{i % 50}"}],
        "duty": [{"action": "hanse:apply", "constraint": [
            {"leftOperand": "epsilon_cap", "operator": "lteq", "rightOperand": 1}]}]}]}
             for i in range(rules)]
    return json.dumps({"@context": CONTEXTS, "@graph": graph})


def question():
    return {"subject": {"type": "organisation", "id": "hub",
                        "properties": {"BusinessPartnerNumber": ["BPNL3"]}},
            "action": {"name": "train"},
            "resource": {"type": "dataset", "id": "ovens", "properties": {"dataType": ["type3"]}}}


def cpu_seconds(pid):
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def ask(port, path, body, times):
    head = (f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode()
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        replies = line.makefile("rb")
        for _ in range(times):
            line.sendall(head + body)
            if b"200" not in replies.readline():
                sys.exit("policy.py: the server refused")
            length = 0
            while (header := replies.readline()) != b"\r\n":
                if header.lower().startswith(b"content-length:"):
                    length = int(header.split(b":")[1])
            reply = replies.read(length)
    if b'"decision":true' not in reply.replace(b" ", b""):
        sys.exit(f"policy.py: not permitted: {reply!r}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "p.jsonld").write_text(policies(1000))
        server = subprocess.Popen([HANSE, "policy", "serve", "--policies", folder, "--http",
                                   "127.0.0.1:0"], stderr=subprocess.PIPE,
                                  stdout=subprocess.DEVNULL, text=True)
        while not (found := re.search(r"on port (\d+)", server.stderr.readline())):
            pass
        port = int(found.group(1))
        one = json.dumps(question()).encode()
        many = json.dumps({"evaluations": [question()] * 50}).encode()
        ask(port, "/access/v1/evaluation", one, 500)
        for path, body, times, each in (("/access/v1/evaluation", one, QUESTIONS, 1),
                                        ("/access/v1/evaluations", many, QUESTIONS // 50, 50)):
            before = cpu_seconds(server.pid)
            ask(port, path, body, times)
            spent = cpu_seconds(server.pid) - before
            row(f"decisions of one core, {each} to a request", times * each / spent / 1e3, "k/s")
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)


main()
