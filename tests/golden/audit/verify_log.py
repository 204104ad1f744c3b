#!/usr/bin/python3
"""Checks an audit log without a line of the code that wrote it.

  verify_log.py DIR [--policy FILE]         a log as C2SP tlog-tiles: DIR/checkpoint, DIR/tile/...
                                            (the policy is DIR/policy unless it is named)
  verify_log.py --proof FILE --policy FILE  a C2SP tlog-proof whose `extra` line is the leaf

Written from the texts of c2sp.org and RFC 6962, section 2.1. Hashes everything again; believes the
policy only. Exit code 0: all holds; 1: it does not, one line per finding; 2: usage. Needs Debian's
python3-cryptography for Ed25519, which is OpenSSL's.
"""
import argparse
import base64
import collections
import hashlib
import pathlib
import re
import sys
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LOG, WITNESS = 0x01, 0x04  # signature types, both Ed25519: signed-note, tlog-cosignature
TILE = 256                 # hashes in a full tile, leaves in a full bundle: tlog-tiles
SKEW = 300                 # seconds that a witness's clock may be ahead of ours

Key = collections.namedtuple("Key", "name id octets")
Policy = collections.namedtuple("Policy", "logs witnesses groups quorum")
Checkpoint = collections.namedtuple("Checkpoint", "origin size root body signatures")


class Bad(Exception):
    """What does not hold, in words, where there is no going on."""


def expect(condition, words):
    if not condition:
        raise Bad(words)


def decimal(text):
    expect(re.fullmatch("0|[1-9][0-9]{0,18}", text), f"not a decimal number: {text[:40]!r}")
    return int(text)


def unbase64(text, size=None):
    try:
        octets = base64.b64decode(text, validate=True)
    except ValueError:
        octets = b""
    expect(base64.b64encode(octets).decode() == text, f"not base 64: {text[:40]!r}")
    expect(size in (None, len(octets)), f"expected {size} bytes in base 64, got {len(octets)}")
    return octets


# RFC 6962, section 2.1.
def leaf_hash(leaf):
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(size):
    """The largest power of two below `size`, which is 2 or more."""
    return 1 << (size - 1).bit_length() - 1


def tree_hash(hashes):
    """MTH of the leaves with these hashes."""
    if len(hashes) < 2:
        return hashes[0] if hashes else hashlib.sha256(b"").digest()
    k = split(len(hashes))
    return node_hash(tree_hash(hashes[:k]), tree_hash(hashes[k:]))


def root_of_path(index, size, leaf, path):
    """The root that PATH(index, D[size]) leads to from a leaf's hash."""
    expect((size == 1) == (not path), "proof: more or fewer hashes than there are levels")
    if size == 1:
        return leaf
    k = split(size)
    if index < k:
        return node_hash(root_of_path(index, k, leaf, path[:-1]), path[-1])
    return node_hash(path[-1], root_of_path(index - k, size - k, leaf, path[:-1]))


# signed-note, tlog-policy.
def key_of(vkey, kind, known):
    name, key_id, octets = (vkey.split("+", 2) + ["", ""])[:3]
    octets = unbase64(octets, 33)
    named = name.encode(errors="surrogateescape") + b"\n" + octets
    expect(re.fullmatch(r"\S+", name) and octets[0] == kind, f"not a key of type {kind}")
    expect(key_id == hashlib.sha256(named).hexdigest()[:8], "the key id is not that of the key")
    expect(octets[1:] not in [key.octets for key in known], "the key is there twice")
    return Key(name, bytes.fromhex(key_id), octets[1:])


def add_line(policy, kind, *words):
    """A name is defined once and before it is used, and it is a member once."""
    defined = {*policy.witnesses, *policy.groups}
    if kind == "log" and len(words) in (1, 2):
        policy.logs.append(key_of(words[0], LOG, policy.logs))
    elif kind == "witness" and len(words) in (2, 3):
        expect(words[0] not in defined | {"none"}, f"{words[0]!r} is defined already")
        policy.witnesses[words[0]] = key_of(words[1], WITNESS, policy.witnesses.values())
    elif kind == "group" and len(words) >= 3:
        name, threshold, *members = words
        free = defined.difference(*(others for _, others in policy.groups.values()))
        expect(name not in defined | {"none"}, f"{name!r} is defined already")
        expect(set(members) <= free and len(set(members)) == len(members),
               "a member that is not defined, or a member already")
        k = {"any": 1, "all": len(members)}.get(threshold) or decimal(threshold)
        expect(1 <= k <= len(members), f"{k} of {len(members)}")
        policy.groups[name] = (k, members)
    else:
        expect(kind == "quorum" and len(words) == 1 and words[0] in defined | {"none"}
               and not policy.quorum, "not a line of a policy")
        policy.quorum.append(words[0])


def policy_of(octets):
    expect(re.fullmatch(rb"([\t\x20-\x7e\x80-\xff]*\n)*", octets), "policy: not lines of text")
    policy = Policy([], {}, {}, [])
    for line in octets.decode(errors="surrogateescape").split("\n"):
        words = re.findall("[^ \t]+", line)
        try:
            if words and not words[0].startswith("#"):
                add_line(policy, *words)
        except Bad as bad:
            raise Bad(f"policy: {bad}, in {line[:80]!r}") from None
    expect(policy.quorum, "policy: no quorum")
    return policy


def is_witnessed(policy, name, cosigners):
    if name == "none" or name in cosigners:
        return True
    k, members = policy.groups.get(name, (1, []))
    return sum(is_witnessed(policy, member, cosigners) for member in members) >= k


# signed-note, tlog-checkpoint, tlog-cosignature.
def checkpoint_of(octets):
    head, gap, tail = octets.decode(errors="surrogateescape").rpartition("\n\n")
    expect(gap and tail.endswith("\n"), "checkpoint: not a text, an empty line and signatures")
    expect(not re.search("[\x00-\x09\x0b-\x1f\ud800-\udfff]", head + tail), "checkpoint: not text")
    signatures = []
    for line in tail[:-1].split("\n"):
        parts = re.fullmatch("\u2014 ([^\\s+]+) (\\S+)", line)
        expect(parts, f"checkpoint: not a line of a signature: {line[:60]!r}")
        signature = unbase64(parts[2])
        expect(len(signature) > 4, "checkpoint: a key id without a signature")
        signatures.append((parts[1], signature[:4], signature[4:]))
    lines = head.split("\n")
    expect(len(lines) >= 3 and "" not in lines, "checkpoint: not an origin, a size and a root")
    return Checkpoint(lines[0], decimal(lines[1]), unbase64(lines[2], 32), (head + "\n").encode(),
                      signatures)


def holds(key, message, signature):
    try:
        Ed25519PublicKey.from_public_bytes(key.octets).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def check_signatures(findings, checkpoint, policy):
    """By one of the logs, by a quorum of the witnesses; none of a known key that does not hold."""
    by_log, cosigners = False, set()
    for name, key_id, signature in checkpoint.signatures:
        for key in policy.logs:
            if key[:2] == (name, key_id):
                by_log = by_log or name == checkpoint.origin
                if not holds(key, checkpoint.body, signature):
                    findings.append(f"checkpoint: the signature of {name} does not hold")
        for witness, key in policy.witnesses.items():
            if key[:2] == (name, key_id):
                seconds = int.from_bytes(signature[:8], "big")
                stated = b"cosignature/v1\ntime %d\n" % seconds + checkpoint.body
                if seconds >= 2**63 or not holds(key, stated, signature[8:]):
                    findings.append(f"checkpoint: the cosignature of {witness} does not hold")
                elif seconds <= time.time() + SKEW:
                    cosigners.add(witness)
    if not by_log:
        findings.append(f"checkpoint: no log {checkpoint.origin!r} of the policy signed it")
    if not is_witnessed(policy, policy.quorum[0], cosigners):
        findings.append(f"checkpoint: {len(cosigners)} cosigned, they are no quorum")


# tlog-tiles.
def tile_of(read, level, index, width):
    """(path, bytes, hashes or leaves in it); the full tile will do for a partial one."""
    digits = str(index).zfill(-(-len(str(index)) // 3) * 3)
    path = f"tile/{level}/" + re.sub(r"\d{3}(?=\d)", r"x\g<0>/", digits)
    for name, count in ((f"{path}.p/{width}", width), (path, TILE))[width == TILE:]:
        octets = read(name)
        if octets is not None:
            return name, octets, count
    raise Bad(f"{path if width == TILE else f'{path}.p/{width}'}: missing")


def leaves_of(path, octets, count):
    leaves, place = [], 0
    for _ in range(count):
        begin = place + 2
        place = begin + int.from_bytes(octets[place:begin], "big")
        expect(begin <= place <= len(octets), f"{path}: fewer than {count} leaves")
        leaves.append(octets[begin:place])
    expect(place == len(octets), f"{path}: more than {count} leaves")
    return leaves


def check_tiles(findings, read, checkpoint):
    hashes = []
    while len(hashes) < checkpoint.size:  # ends at the first bundle that is not there
        width = min(TILE, checkpoint.size - len(hashes))
        path, octets, count = tile_of(read, "entries", len(hashes) // TILE, width)
        hashes += [leaf_hash(leaf) for leaf in leaves_of(path, octets, count)[:width]]
    if tree_hash(hashes) != checkpoint.root:
        findings.append("checkpoint: the root is not that of the leaves")
    level = 0
    while hashes:
        tiles = [hashes[i:i + TILE] for i in range(0, len(hashes), TILE)]
        for index, tile in enumerate(tiles):
            path, octets, count = tile_of(read, level, index, len(tile))
            if len(octets) != 32 * count or octets[:32 * len(tile)] != b"".join(tile):
                findings.append(f"{path}: not the {count} hashes of what is below")
        hashes = [tree_hash(tile) for tile in tiles if len(tile) == TILE]
        level += 1


def check_log(findings, policy, read):
    """`read` gives the bytes of a path, None where there is no such file."""
    octets, policy = read("checkpoint"), policy_of(policy)
    expect(octets is not None, "checkpoint: missing")
    checkpoint = checkpoint_of(octets)
    check_signatures(findings, checkpoint, policy)
    check_tiles(findings, read, checkpoint)


# tlog-proof.
def check_proof(findings, policy, octets):
    head, _, rest = octets.partition(b"\n\n")
    checkpoint = checkpoint_of(rest)
    check_signatures(findings, checkpoint, policy_of(policy))
    first, extra, place, *path = head.decode(errors="replace").split("\n") + ["", ""]
    expect(first == "c2sp.org/tlog-proof@v1" and extra.startswith("extra ") and
           place.startswith("index "), "proof: not its first line, `extra` and `index`")
    leaf, index = leaf_hash(unbase64(extra[6:])), decimal(place[6:])
    expect(index < checkpoint.size, f"proof: leaf {index} of a tree of {checkpoint.size}")
    path = [unbase64(line, 32) for line in path[:-2]]
    expect(root_of_path(index, checkpoint.size, leaf, path) == checkpoint.root,
           "proof: the leaf is not at that place of the tree")


def found(check, *arguments):
    findings = []
    try:
        check(findings, *arguments)
    except Bad as bad:
        findings.append(str(bad))
    return findings


def reader(folder):
    return lambda path: (folder / path).read_bytes() if (folder / path).is_file() else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("log", nargs="?", metavar="DIR", type=pathlib.Path)
    parser.add_argument("--proof", metavar="FILE", type=pathlib.Path)
    parser.add_argument("--policy", metavar="FILE", type=pathlib.Path)
    given = parser.parse_args()
    if (given.log is None) == (given.proof is None) or (given.proof and not given.policy):
        parser.error("expected DIR, or --proof FILE with --policy FILE")
    try:
        policy = (given.policy or given.log / "policy").read_bytes()
        findings = (found(check_proof, policy, given.proof.read_bytes()) if given.proof else
                    found(check_log, policy, reader(given.log)))
    except OSError as error:
        parser.error(str(error))
    print("".join(f"{finding}\n" for finding in findings), end="")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
