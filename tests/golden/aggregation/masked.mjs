// One masked sum of three sites, from docs/formats/masked.md and without our code: prints masked.txt.
// Site 1 drops out after its shares, so that both kinds of mask are taken off.

import { createCipheriv, createPrivateKey, createPublicKey, hkdfSync, sign } from "node:crypto";
import { decapsulate, digest, encapsulate, hex, hybridKey, join, text } from "./hybrid.mjs";

const kSites = [0, 1, 2];
const kThreshold = 2;
const kMinSites = 2;
const kLayout = [
  { coordinates: 5, bound: 1000 },
  { coordinates: 2, bound: 1 << 20 },
];
const kValues = [
  [1, -2, 3, -4, 1000, -1048576, 7],
  [10, 20, 30, 40, 50, 60, 70],
  [-1000, 5, 0, 999, -1, -1048576, 1048576],
];
const kSenders = kSites;
const kSurvivors = [0, 2];
const kPrime = (1n << 61n) - 1n;

const counting = (first) => Uint8Array.from({ length: 32 }, (_, i) => first + i);
const integer = (value, size) =>
  Uint8Array.from({ length: size }, (_, i) => Number((BigInt(value) >> BigInt(8 * i)) & 255n));
const number = (bytes) => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
const set = (sites) => integer(sites.reduce((bits, site) => bits | (1 << site), 0), 1);
const derive = (secret, salt, purpose) =>
  new Uint8Array(hkdfSync("sha256", secret, salt, text(purpose), 32));
const keystream = (key, size) =>
  createCipheriv("aes-256-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(size));

const print = (name, value) => console.log(name, hex(value));

// Keys of the roster, as RFC 8032 and RFC 8410 have them.
const signers = kSites.map((site) =>
  createPrivateKey({
    key: Buffer.concat([
      Buffer.from("302e020100300506032b657004220420", "hex"),
      counting(0x20 * site),
    ]),
    format: "der",
    type: "pkcs8",
  }),
);
const signed = (site, message) => new Uint8Array(sign(null, message, signers[site]));

// --- ring

const stretches = kLayout.map(({ coordinates, bound }) => {
  let width = 1;
  while (2 ** (width - 1) <= kSites.length * bound) width += 1;
  return { coordinates, bound, width, word: [2, 4, 8].find((bytes) => 8 * bytes >= width) };
});

// Each value with its stretch.
const spread = (values) => {
  let at = 0;
  return stretches.map((stretch) => values.slice(at, (at += stretch.coordinates)));
};
const modulo = (value, width) => BigInt.asUintN(width, value);

function packed(values) {
  return join(
    ...spread(values).map((part, s) => {
      const { coordinates, width } = stretches[s];
      const bits = part.reduce(
        (sum, value, i) => sum | (modulo(value, width) << BigInt(i * width)),
        0n,
      );
      return integer(bits, Math.ceil((coordinates * width) / 8));
    }),
  );
}

function mask(key) {
  const size = stretches.reduce((sum, { coordinates, word }) => sum + coordinates * word, 0);
  const stream = keystream(key, size);
  const values = [];
  let at = 0;
  for (const { coordinates, width, word } of stretches)
    for (let i = 0; i < coordinates; ++i, at += word)
      values.push(modulo(number(stream.subarray(at, at + word)), width));
  return values;
}

// --- shares: five polynomials over 2^61 − 1, drawn from the highest coefficient down

const words = (secret) => [0, 1, 2, 3, 4].map((j) => number(secret.subarray(7 * j, 7 * j + 7)));

function split(secret, key) {
  const drawn = 8 * 5 * (kThreshold - 1);
  const stream = keystream(key, drawn);
  const rows = [];
  for (let at = 0; at < drawn; at += 8) {
    const element = number(stream.subarray(at, at + 8)) & kPrime;
    if (element === kPrime) throw new Error("choose another root: an element is to be drawn again");
    rows.push(element);
  }
  rows.push(...words(secret));
  return kSites.map((site) => {
    const values = [0n, 0n, 0n, 0n, 0n];
    rows.forEach((coefficient, i) => {
      values[i % 5] = (values[i % 5] * BigInt(site + 1) + coefficient) % kPrime;
    });
    return join(...values.map((value) => integer(value, 8)));
  });
}

function closed(key, plain, associated) {
  const cipher = createCipheriv("chacha20-poly1305", key, Buffer.alloc(12), { authTagLength: 16 });
  cipher.setAAD(associated, { plaintextLength: plain.length });
  return join(cipher.update(plain), cipher.final(), cipher.getAuthTag());
}

// --- the attempt

const offer = digest(text("offer"));
const roster = digest(text("roster"));
const ring = digest(
  text("hanse ring 1"),
  ...[kSites.length, kThreshold, kMinSites, stretches.length].map((value) => integer(value, 4)),
  ...stretches.map(({ coordinates, bound, width }) =>
    join(integer(coordinates, 8), integer(bound, 8), integer(width, 4)),
  ),
);
const context = digest(text("hanse masked 1"), offer, roster, ring);
print("context", context);

const sites = kSites.map((site) => {
  const root = counting(0x10 + 0x30 * site);
  const selfMask = derive(root, context, "self mask seed");
  const maskSeed = derive(root, context, "mask key seed");
  const maskKey = hybridKey(maskSeed);
  const shareKey = hybridKey(derive(root, context, "share key seed"));
  const commitment = digest(text("hanse self mask 1"), context, selfMask);
  const body = join(offer, roster, ring, maskKey.bytes, shareKey.bytes, commitment);
  const signature = signed(site, join(text("hanse advert 1"), context, integer(site, 4), body));
  const advert = join([1], body, signature);
  return { root, selfMask, maskSeed, maskKey, shareKey, advert };
});
kSites.forEach((site) => {
  print(`root ${site}`, sites[site].root);
  print(`roster_secret ${site}`, counting(0x20 * site));
  const key = createPublicKey(signers[site]).export({ format: "der", type: "spki" });
  print(`roster_key ${site}`, key.subarray(-32));
});
kSites.forEach((site) => print(`advert ${site}`, sites[site].advert));

const digests = sites.map(({ advert }) => digest(advert));
const transcript = digest(text("hanse transcript 1"), context, set(kSites), ...digests);
print("transcript", transcript);
const others = (site) => kSites.filter((other) => other !== site);
for (const site of kSites)
  print(
    `roster ${site}`,
    join([2], set(kSites), ...digests, ...others(site).map((other) => sites[other].advert)),
  );

const pairs = {}; // secrets of masks, by both sites, the lower first
kSites.forEach((from) => {
  const own = sites[from];
  own.selfShares = split(own.selfMask, derive(own.root, transcript, "self mask shares"));
  own.keyShares = split(own.maskSeed, derive(own.root, transcript, "mask key shares"));
  own.parcels = {};
  for (const to of others(from)) {
    let ciphertext = new Uint8Array();
    if (from < to) {
      const bound = join(text("hanse pair mask 1"), transcript);
      const made = encapsulate(own.maskKey, sites[to].maskKey.bytes, bound);
      ciphertext = made.ciphertext;
      pairs[`${from} ${to}`] = made.secret;
      const met = decapsulate(sites[to].maskKey, own.maskKey.bytes, ciphertext, bound);
      if (hex(met) !== hex(made.secret)) throw new Error("two sites have two secrets");
    }
    const channel = encapsulate(
      own.shareKey,
      sites[to].shareKey.bytes,
      join(text("hanse share channel 1"), transcript),
    );
    const plain = join(integer(to + 1, 4), own.selfShares[to], own.keyShares[to]);
    own.parcels[to] = join(
      ciphertext,
      channel.ciphertext,
      closed(
        derive(channel.secret, transcript, "hanse closed shares 1"),
        plain,
        join(transcript, integer(from, 4), integer(to, 4), ciphertext),
      ),
    );
  }
  print(`shares ${from}`, join([3], transcript, ...others(from).map((to) => own.parcels[to])));
});
for (const site of kSites)
  print(
    `delivery ${site}`,
    join([4], transcript, set(kSenders), ...others(site).map((from) => sites[from].parcels[site])),
  );

for (const site of kSurvivors) {
  const sum = kValues[site].map(BigInt);
  const add = (key, sign) => mask(key).forEach((value, c) => (sum[c] += sign * value));
  add(derive(sites[site].selfMask, transcript, "hanse self mask stream 1"), 1n);
  for (const other of others(site)) {
    const secret = pairs[`${Math.min(site, other)} ${Math.max(site, other)}`];
    add(derive(secret, transcript, "hanse pair mask stream 1"), site < other ? 1n : -1n);
  }
  console.log(`values ${site}`, kValues[site].join(","));
  print(`contribution ${site}`, packed(sum));
}

print("survivors", join([5], transcript, set(kSurvivors)));
const sets = join(text("hanse survivors 1"), transcript, set(kSenders), set(kSurvivors));
for (const site of kSurvivors) print(`signature ${site}`, join([6], transcript, signed(site, sets)));
print(
  "confirmation",
  join([7], transcript, set(kSurvivors), ...kSurvivors.map((site) => signed(site, sets))),
);
for (const site of kSurvivors) {
  const shares = kSenders.map((of) =>
    kSurvivors.includes(of) ? sites[of].selfShares[site] : sites[of].keyShares[site],
  );
  print(`unmask ${site}`, join([8], transcript, ...shares));
}
console.log("sum", kValues[0].map((value, c) => value + kValues[2][c]).join(","));
