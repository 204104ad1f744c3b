// The rules and requests of bench/policy.cc, decided by Cedar; a row of JSON for each measurement.
import cedar from "@cedar-policy/cedar-wasm/nodejs";

const NOW = Date.UTC(2026, 10, 22, 21), END = Date.UTC(2030, 0, 1);

function policies(rules) {
  const all = {};
  for (let i = 0; i < rules; ++i) {
    const forbids = i % 5 === 4;
    all[`urn:r:${i}`] = `${forbids ? "forbid" : "permit"} (principal, action == Action::"train", resource) when { ` +
      `context.dataType.contains("type${i % 20}") && context.BusinessPartnerNumber.contains("BPNL${i % 50}") && ` +
      `context.UsagePurpose.contains("${forbids ? "marketing" : `purpose${i % 3}`}") && ` +
      `context.now < ${END} && context.requestedEpsilon <= 2 };`;
  }
  return all;
}

function requests(permitted) {
  const all = [];
  for (let i = 0; i < 300; ++i) {
    const rule = 5 * i + i % 4;
    all.push({ principal: { type: "User", id: "hub" }, action: { type: "Action", id: "train" },
      resource: { type: "Data", id: "ovens" }, preparsedPolicySetId: "set", entities: [], validateRequest: false,
      context: { dataType: [`type${rule % 20}`], BusinessPartnerNumber: [`BPNL${rule % 50}`], BusinessPartnerGroup: ["platform"],
                 UsagePurpose: [permitted ? `purpose${rule % 3}` : "other"], requestedEpsilon: 1, now: NOW } });
  }
  return all;
}

for (const [rules, times] of [[1000, 600], [10000, 60]]) {
  const begin = performance.now();
  if (cedar.preparsePolicySet("set", { staticPolicies: policies(rules) }).type !== "success") process.exit(1);
  if (rules === 10000)
    console.log(JSON.stringify({ name: "load and compile 10000 rules", value: (performance.now() - begin) / 1e3, unit: "s", peer: "cedar-wasm" }));
  for (const permitted of [true, false]) {
    const asked = requests(permitted), took = [];
    for (let i = 0; i < times; ++i) {
      const start = performance.now();
      const answer = cedar.statefulIsAuthorized(asked[i % asked.length]);
      took.push((performance.now() - start) * 1e3);
      if (answer.response.decision !== (permitted ? "allow" : "deny")) process.exit(1);
    }
    took.sort((a, b) => a - b);
    const name = `${permitted ? "permit" : "deny"} among ${rules} rules`;
    console.log(JSON.stringify({ name: `${name}, median`, value: took[times / 2], unit: "us", peer: "cedar-wasm" }));
    console.log(JSON.stringify({ name: `${name}, 99 of 100`, value: took[Math.floor(times * .99)], unit: "us", peer: "cedar-wasm" }));
  }
}
