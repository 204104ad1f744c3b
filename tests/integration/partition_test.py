"""The line to a site goes down for two seconds, in each phase of a round, and comes back."""

import pathlib
import shutil
import subprocess
import time
import unittest

from parties import TOGETHER, Parties, eventually, is_root, job

DOWN = 2  # seconds; longer than any retry but that of a chunk
ROUNDS = 15
# Parameters and answers of 1.3 MB over 20 Mbit/s: half a second each way.
MODEL = 'kind = "mlp"\nhidden = [400, 400]'
SLOW = ("root", "tbf", "rate", "20mbit", "burst", "64kb", "latency", "400ms")
PART = 400_000  # bytes: in the midst of it


def ip(*words, program="ip"):
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"{program} {' '.join(words)}: {done.stderr}")


def can_make_networks():
    if not is_root() or not shutil.which("ip"):
        return False
    try:
        ip("netns", "add", "hanse-try")
        ip("netns", "delete", "hanse-try")
    except OSError:
        return False
    return True


@unittest.skipUnless(can_make_networks(), "takes root, iproute2 and network namespaces")
class Partitions(Parties):
    def setUp(self):
        super().setUp()
        self.net = f"hanse-{self.port}"
        ip("netns", "add", self.net)
        self.addCleanup(ip, "netns", "delete", self.net)
        # One end here, one there; the address is this machine's alone.
        self.link, self.here = f"hz{self.port}", f"10.{self.port >> 8}.{self.port & 255}.1"
        ip("link", "add", self.link, "type", "veth", "peer", "name", "far", "netns", self.net)
        self.addCleanup(self.remove_link)
        ip("address", "add", f"{self.here}/24", "dev", self.link)
        ip("link", "set", self.link, "up")
        ip("-n", self.net, "address", "add", self.here[:-1] + "2/24", "dev", "far")
        ip("-n", self.net, "link", "set", "far", "up")
        ip("qdisc", "add", "dev", self.link, *SLOW, program="tc")
        ip("-n", self.net, "qdisc", "add", "dev", "far", *SLOW, program="tc")

    def remove_link(self):
        subprocess.run(["ip", "link", "delete", self.link], check=False, capture_output=True)

    def partition(self):
        """Packets go nowhere, and nobody is told."""
        ip("-n", self.net, "link", "set", "far", "down")
        time.sleep(DOWN)
        ip("-n", self.net, "link", "set", "far", "up")

    def far_bytes(self):
        path = pathlib.Path(f"/sys/class/net/{self.link}/statistics")
        return [int((path / f"{way}_bytes").read_text()) for way in ("tx", "rx")]

    def moves(self, way, more):
        """Waits until so many more bytes have gone to (0) or come from (1) the far site."""
        start = self.far_bytes()[way]
        eventually(lambda: self.far_bytes()[way] > start + more, f"{more} bytes, way {way}")

    def closed(self):
        return self.hub.said().count(" closed: ")

    def closes(self, rounds=1):
        at = self.closed()
        eventually(lambda: self.closed() >= at + rounds, f"{rounds} more rounds")

    def test_each_phase(self):
        self.found(test=True, engineer=False, address=f"{self.here}:{self.port}")
        self.one_table()
        text = job(rounds=ROUNDS, model=MODEL, **TOGETHER)
        seed = ("--insecure-test-seed", "5")
        self.hub = self.coordinator(*seed, bind=f"0.0.0.0:{self.port}")
        for near in ("bremen", "essen"):
            self.site(near, *seed)
        self.site("ulm", *seed, before=("ip", "netns", "exec", self.net))
        self.submit(text, home="hub")
        # Way 0 goes to the site, way 1 comes from it.
        for phase, reached in (("between rounds", lambda: None),
                               ("asked", lambda: self.moves(0, 1000)),
                               ("fetching", lambda: self.moves(0, PART)),
                               ("uploading", lambda: self.moves(1, PART))):
            self.closes()
            reached()
            before = self.closed()
            self.partition()
            # At most the round that had everything when the line went down.
            self.assertLessEqual(self.closed(), before + 1, phase)
            start = time.monotonic()
            self.closes()
            print(f"{phase}: a round closed {time.monotonic() - start:.1f} s after healing")
        self.finishes(home="hub")
        rounds = self.deployed_report()["rounds"]
        self.assertEqual([(one["round"], one["attempts"], one["sites_in"]) for one in rounds],
                         [(number, 1, 3) for number in range(1, ROUNDS + 1)])
        self.succeeds("run", "submitted.toml", "--out", "alone")
        self.assertEqual(self.model(), self.model("alone"))


if __name__ == "__main__":
    unittest.main()
