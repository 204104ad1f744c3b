// The digests of the ledger's format. Included by .cc files only.
#pragma once

#include <string>
#include <string_view>

#include "base/digest.h"

namespace hanse::privacy {

inline constexpr std::string_view kRequestDigest = "hanse ledger request 1";

// Fields one behind the other, each text behind its length, so that none reads in two ways.
class FieldHasher {
 public:
  explicit FieldHasher(std::string_view what) {
    fields_.reserve(kUsual);
    fields_.append(what);
  }

  void add(std::uint64_t number) {
    fields_.append(reinterpret_cast<const char*>(&number), sizeof(number));
  }
  void add(std::string_view text) {
    add(text.size());
    fields_.append(text);
  }
  void add(const base::Digest& digest) { fields_.append(base::text_of(digest.bytes())); }
  base::Digest finish() const { return base::Digest::of(base::view_of(fields_)); }

 private:
  static constexpr std::size_t kUsual = 512;  // most requests are shorter
  std::string fields_;
};

}  // namespace hanse::privacy
