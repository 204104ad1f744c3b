"""docs/formats/policy.schema.json: takes the policies that are read, and not those that are refused."""

import copy
import json
import re
import unittest

import jsonschema

from hanse import SOURCE

FORMATS = SOURCE / "docs" / "formats"
SCHEMA = json.loads((FORMATS / "policy.schema.json").read_text())
# Compact policies of the parser's corpus; each is read without an error.
CORPUS = SOURCE / "fuzz" / "corpus" / "odrl"
COMPACT = ("full", "graph", "typed")

LEAST = {
    "@context": ["http://www.w3.org/ns/odrl.jsonld", "urn:hanse:policy:context:1"],
    "@id": "urn:p:1",
    "permission": [{"action": "train", "constraint": [
        {"leftOperand": "lineLoad", "operator": "lt", "rightOperand": 0.9, "maxAge": "PT30S"}],
        "duty": [{"action": "hanse:apply", "constraint": [
            {"leftOperand": "min_cohort", "operator": "gteq", "rightOperand": 5}]}]}],
}
RULE = ("permission", 0)
CONSTRAINT = (*RULE, "constraint", 0)
DUTY = (*RULE, "duty", 0)
BOUND = (*DUTY, "constraint", 0)

# What parse_test.cc refuses too.
WRONG = [
    (("permision",), []),
    (("inheritFrom",), "urn:x"),
    (("conflict",), "perm"),
    (("kind",), "friendly"),
    (("dct:constraint",), []),
    (("@type",), "Ticket"),
    ((*RULE, "action"), "steal"),
    ((*RULE, "@type"), "Prohibition"),
    ((*RULE, "remedy"), {}),
    ((*RULE, "target"), {"@type": "AssetCollection", "@id": "a"}),
    ((*CONSTRAINT, "leftOperand"), "Mood"),
    ((*CONSTRAINT, "leftOperand"), "hanse:signal/a b"),
    ((*CONSTRAINT, "operator"), "isA"),
    ((*CONSTRAINT, "operator"), "isAllOf"),
    ((*CONSTRAINT, "rightOperand"), "0.9"),
    ((*CONSTRAINT, "maxAge"), "P1M"),
    ((*CONSTRAINT, "maxAge"), "PT"),
    ((*CONSTRAINT, "unit"), "percent"),
    ((*DUTY, "action"), "compensate"),
    ((*BOUND, "leftOperand"), "epsilon"),
    ((*BOUND, "operator"), "lteq"),
    ((*BOUND, "rightOperand"), 2.5),
]


class PolicySchema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        jsonschema.Draft202012Validator.check_schema(SCHEMA)
        cls.schema = jsonschema.Draft202012Validator(SCHEMA)

    def takes(self, policy, name):
        for error in self.schema.iter_errors(policy):
            self.fail(f"{name}: {jsonschema.exceptions.best_match([error]).message}")

    def test_takes_what_the_page_shows(self):
        examples = re.findall(r"```json\n(.*?)```", (FORMATS / "policy.md").read_text(), re.S)
        policies = [one for one in map(json.loads, examples) if "@context" in one]
        self.assertTrue(policies)
        for policy in policies:
            self.takes(policy, "policy.md")

    def test_takes_the_corpus(self):
        for name in COMPACT:
            self.takes(json.loads((CORPUS / name).read_text()), name)

    def test_takes_the_examples(self):
        for path in sorted((SOURCE / "examples" / "policies").glob("**/*.jsonld")):
            self.takes(json.loads(path.read_text()), path.name)

    def test_refuses_what_is_refused(self):
        self.takes(LEAST, "the least")
        for path, value in WRONG:
            policy = copy.deepcopy(LEAST)
            at = policy
            for step in path[:-1]:
                at = at[step]
            at[path[-1]] = value
            with self.subTest(path=path, value=value):
                self.assertFalse(self.schema.is_valid(policy))
        orphan = {**LEAST, "prohibition": LEAST["permission"], "obligation": []}
        del orphan["permission"]
        self.assertFalse(self.schema.is_valid(orphan))


if __name__ == "__main__":
    unittest.main()
