// Makes again what ours printed (crypto_cases.cc), with @noble/post-quantum and Node's own X25519 and
// HKDF: node peer.mjs < cases. With --golden it prints tests/golden/crypto/hybrid.txt instead.

import { createInterface } from "node:readline";
import { ml_kem768 } from "@noble/post-quantum/ml-kem";
import { bytes, decapsulate, encapsulate, hex, hybridKey, text } from "./hybrid.mjs";

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
