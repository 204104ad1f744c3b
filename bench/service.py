"""What running parties cost: printed as bench/run reads it. Usage: service.py HANSE"""

import json
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HANSE = str(pathlib.Path(sys.argv[1]).resolve())
FLAGS = ["--http", "", "--insecure-test-seed", "7"]


def row(name, value, unit):
    print(json.dumps({"name": name, "value": round(value, 6), "unit": unit}), flush=True)


def start(kind, home, *more):
    log = open(home / "bench.jsonl", "a", encoding="utf-8")
    return subprocess.Popen([HANSE, kind, "run", "--home", str(home), *FLAGS, *more], stderr=log)


def stop(*processes):
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        process.wait(timeout=30)


def cpu_seconds(pid):
    """Of all threads, to the nanosecond, as the scheduler counts them."""
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def resident_mb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024


def wait_for(path, text, after=0):
    while text not in path.read_bytes()[after:].decode(errors="replace"):
        time.sleep(0.002)


def quickstart(folder):
    """Seconds to the first closed round, and the homes of its parties."""
    seconds = []
    for number in range(5):
        out = folder / f"quickstart-{number}"
        done = subprocess.run([HANSE, "quickstart", "--out", str(out)], check=True, text=True,
                              capture_output=True)
        seconds.append(float(re.search(r"after ([\d.]+) s", done.stderr).group(1)))
    row("quickstart_first_closed_round", statistics.median(seconds), "s")
    return out


def idle(homes, address):
    coordinator = start("coordinator", homes / "coordinator", "--bind", address)
    site = start("site", homes / "hamburg")
    wait_for(homes / "hamburg" / "bench.jsonl", "connected to coordinator")
    time.sleep(2)
    before, seconds = cpu_seconds(site.pid), 30
    time.sleep(seconds)
    row("idle_site_resident", resident_mb(site.pid), "MB")
    row("idle_site_cpu", 100 * (cpu_seconds(site.pid) - before) / seconds, "% of a core")
    stop(coordinator, site)


def restart(homes, address):
    """From starting a killed coordinator again to the next closed round."""
    log = homes / "coordinator" / "bench.jsonl"
    size = log.stat().st_size
    sites = [start("site", homes / name) for name in ("hamburg", "gdansk", "riga")]
    coordinator = start("coordinator", homes / "coordinator", "--bind", address)
    # What it costs is left in the sites' budgets by the first job.
    job = (homes / "result" / "job.toml").read_text()
    job = job.replace("rounds = 20", "rounds = 9999").replace("epsilon = 3.0", "epsilon = 0.5")
    job = job.replace("[aggregation]", "[aggregation]\nfraction_bits = 20")
    (homes / "long.toml").write_text(job)
    wait_for(log, "listens", size)
    subprocess.run([HANSE, "job", "submit", str(homes / "long.toml"), "--home",
                    str(homes / "coordinator")], check=True, capture_output=True)
    seconds = []
    for _ in range(7):
        wait_for(log, "closed", log.stat().st_size)
        coordinator.kill()
        coordinator.wait()
        size = log.stat().st_size
        begin = time.monotonic()
        coordinator = start("coordinator", homes / "coordinator", "--bind", address)
        wait_for(log, "closed", size)
        seconds.append(time.monotonic() - begin)
    row("killed_coordinator_to_next_closed_round", statistics.median(seconds), "s")
    stop(coordinator, *sites)


with tempfile.TemporaryDirectory() as temporary:
    consortium = quickstart(pathlib.Path(temporary))
    roster = (consortium / "coordinator" / "startup" / "roster").read_text()
    where = re.search(r'"address": "([^"]+)"', roster).group(1)
    idle(consortium, where)
    restart(consortium, where)
