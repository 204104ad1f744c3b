// What the tests of this room share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "audit/checkpoint.h"
#include "audit/naive_tree.h"

namespace hanse::audit::testing {

inline crypto::Signer signer(std::string_view name) {
  base::SeededSimulationRandom random(1, name);
  return crypto::Signer::create(random);
}

inline crypto::NoteKey log_key(std::string_view name) {
  return {std::string(name), crypto::SignatureType::ed25519, signer(name).verifier()};
}

inline crypto::NoteKey witness_key(std::string_view name) {
  return {std::string(name), crypto::SignatureType::ed25519_cosignature, signer(name).verifier()};
}

// A log that signs its heads, of any history.
class NaiveLog {
 public:
  explicit NaiveLog(std::string origin) : origin_(std::move(origin)) {}

  void append(std::string_view leaf) {
    hashes_.push_back(leaf_hash(base::view_of(leaf)));
    tree_ = NaiveTree(hashes_);
  }
  void grow_to(std::uint64_t size, std::string_view what) {
    while (hashes_.size() < size) append(fmt::format("{} {}", what, hashes_.size()));
  }
  base::Digest root(std::uint64_t size) const { return tree_.root(size); }
  std::vector<base::Digest> inclusion(std::uint64_t index, std::uint64_t size) const {
    return tree_.inclusion(index, size);
  }
  // Of nothing everything is an extension.
  std::vector<base::Digest> consistency(std::uint64_t from, std::uint64_t to) const {
    return from == 0 ? std::vector<base::Digest>() : tree_.consistency(from, to);
  }
  SignedCheckpoint head(std::uint64_t size) const {
    return *SignedCheckpoint::sign({origin_, size, root(size)}, signer(origin_));
  }

 private:
  std::string origin_;
  std::vector<base::Digest> hashes_;
  NaiveTree tree_{hashes_};
};

// Public: a head of a staging log of Certificate Transparency, of 2026-05-23, with a signature of
// type 0x05, the log's and four witnesses'; the keys are as their operators publish them.
inline constexpr std::string_view kArche =
    "arche2025h1.staging.ct.transparency.dev\n1432088532\n"
    "U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=\n\n"
    "— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGR"
    "EPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=\n"
    "— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzb"
    "C3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=\n"
    "— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzw"
    "Z2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==\n"
    "— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iE"
    "cxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==\n"
    "— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX"
    "9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==\n"
    "— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+A"
    "JmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==\n";
inline constexpr std::uint64_t kArcheSeconds = 1779573024;
inline constexpr std::string_view kArcheKey =
    "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f";
inline constexpr std::string_view kArcheWitnesses[] = {
    "transparency.dev/DEV:witness-little-garden+d8042a87+"
    "BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
    "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
    "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
    "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv"};

}  // namespace hanse::audit::testing
