// Makes again what ours printed (crypto_cases.cc), with @noble/post-quantum and Node's own X25519 and
// HKDF: node peer.mjs < cases. With --golden it prints tests/golden/crypto/hybrid.txt instead.

import { createHash, createPrivateKey, createPublicKey, diffieHellman, hkdfSync } from "node:crypto";
import { createInterface } from "node:readline";
import { ml_kem768 } from "@noble/post-quantum/ml-kem";

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const bytes = (text) => Uint8Array.from(Buffer.from(text, "hex"));
const join = (...parts) => Uint8Array.from(Buffer.concat(parts.map((part) => Buffer.from(part))));
const derive = (secret, purpose, size) =>
  new Uint8Array(hkdfSync("sha256", secret, Buffer.from("hanse hybrid 1"), purpose, size));
const digest = (...parts) => createHash("sha256").update(join(...parts)).digest();
const text = (words) => Buffer.from(words);

// X25519 keys in the shells that Node takes (RFC 8410).
const secretKey = (raw) =>
  createPrivateKey({
    key: Buffer.concat([Buffer.from("302e020100300506032b656e04220420", "hex"), raw]),
    format: "der",
    type: "pkcs8",
  });
const publicKey = (raw) =>
  createPublicKey({
    key: Buffer.concat([Buffer.from("302a300506032b656e032100", "hex"), raw]),
    format: "der",
    type: "spki",
  });
const rawPublic = (secret) =>
  createPublicKey(secret).export({ format: "der", type: "spki" }).subarray(-32);

function hybridKey(seed) {
  const x25519 = secretKey(derive(seed, text("x25519"), 32));
  const mlkem = ml_kem768.keygen(derive(seed, text("ml-kem-768"), 64));
  return {
    x25519,
    mlkem,
    encapsulation: derive(seed, text("encapsulation"), 32),
    bytes: join(rawPublic(x25519), mlkem.publicKey),
  };
}

const pairSecret = (x25519, peer, shared, transcript) =>
  derive(
    join(
      diffieHellman({ privateKey: x25519, publicKey: publicKey(peer.subarray(0, 32)) }),
      shared,
    ),
    transcript,
    32,
  );

function encapsulate(key, peer, context) {
  const message = derive(key.encapsulation, digest(peer, context), 32);
  const { cipherText, sharedSecret } = ml_kem768.encapsulate(peer.subarray(32), message);
  const transcript = digest(key.bytes, peer, cipherText, context);
  return { ciphertext: cipherText, secret: pairSecret(key.x25519, peer, sharedSecret, transcript) };
}

function decapsulate(key, peer, ciphertext, context) {
  const shared = ml_kem768.decapsulate(ciphertext, key.mlkem.secretKey);
  return pairSecret(key.x25519, peer, shared, digest(peer, key.bytes, ciphertext, context));
}

const makers = {
  mlkem({ seed, message, changed }) {
    const key = ml_kem768.keygen(bytes(seed));
    const made = ml_kem768.encapsulate(key.publicKey, bytes(message));
    return {
      public: key.publicKey,
      expanded: key.secretKey,
      ciphertext: made.cipherText,
      shared: made.sharedSecret,
      rejected: ml_kem768.decapsulate(bytes(changed), key.secretKey),
    };
  },
  hybrid({ encapsulator_seed, decapsulator_seed, context, changed }) {
    const sender = hybridKey(bytes(encapsulator_seed));
    const receiver = hybridKey(bytes(decapsulator_seed));
    const sent = encapsulate(sender, receiver.bytes, bytes(context));
    return {
      encapsulator_public: sender.bytes,
      decapsulator_public: receiver.bytes,
      ...sent,
      secret_of_changed_ciphertext: decapsulate(
        receiver,
        sender.bytes,
        changed ? bytes(changed) : sent.ciphertext.map((byte, i) => (i === 0 ? byte ^ 1 : byte)),
        bytes(context),
      ),
    };
  },
};

if (process.argv[2] === "--golden") {
  const counting = (first) => hex(Array.from({ length: 32 }, (_, i) => first + i));
  const given = {
    encapsulator_seed: counting(0),
    decapsulator_seed: counting(0x40),
    context: hex(text("round 7")),
  };
  for (const [name, value] of Object.entries(given)) console.log(name, value);
  for (const [name, value] of Object.entries(makers.hybrid(given))) console.log(name, hex(value));
} else {
  const seen = { mlkem: 0, hybrid: 0 };
  for await (const line of createInterface({ input: process.stdin })) {
    const ours = JSON.parse(line);
    for (const [name, value] of Object.entries(makers[ours.kind](ours)))
      if (hex(value) !== ours[name]) {
        console.error(`${ours.kind} ${seen[ours.kind]}: '${name}' differs`);
        console.error(`expected ${hex(value)}\nfound    ${ours[name]}`);
        process.exit(1);
      }
    seen[ours.kind] += 1;
  }
  console.log(JSON.stringify(seen));
}
