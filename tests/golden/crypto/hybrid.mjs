// Hybrid keys from docs/formats/hybrid.md, with @noble/post-quantum and Node's own X25519 and HKDF.

import { createHash, createPrivateKey, createPublicKey, diffieHellman, hkdfSync } from "node:crypto";
import { ml_kem768 } from "@noble/post-quantum/ml-kem";

export const hex = (bytes) => Buffer.from(bytes).toString("hex");
export const bytes = (text) => Uint8Array.from(Buffer.from(text, "hex"));
export const join = (...parts) => Uint8Array.from(Buffer.concat(parts.map((part) => Buffer.from(part))));
const derive = (secret, purpose, size) =>
  new Uint8Array(hkdfSync("sha256", secret, Buffer.from("hanse hybrid 1"), purpose, size));
export const digest = (...parts) => createHash("sha256").update(join(...parts)).digest();
export const text = (words) => Buffer.from(words);

// X25519 keys in the shells that Node takes (RFC 8410).
export const secretKey = (raw) =>
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

export function hybridKey(seed) {
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

export function encapsulate(key, peer, context) {
  const message = derive(key.encapsulation, digest(peer, context), 32);
  const { cipherText, sharedSecret } = ml_kem768.encapsulate(peer.subarray(32), message);
  const transcript = digest(key.bytes, peer, cipherText, context);
  return { ciphertext: cipherText, secret: pairSecret(key.x25519, peer, sharedSecret, transcript) };
}

export function decapsulate(key, peer, ciphertext, context) {
  const shared = ml_kem768.decapsulate(ciphertext, key.mlkem.secretKey);
  return pairSecret(key.x25519, peer, shared, digest(peer, key.bytes, ciphertext, context));
}
