// Little-endian integers and names in frames and letters.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "transport/transport.h"

namespace hanse::transport::internal {

inline void put(base::Bytes& out, base::ByteView bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

template <class Word>
void put_word(base::Bytes& out, Word value) {
  for (std::size_t i = 0; i < sizeof(Word); ++i)
    out.push_back(static_cast<std::byte>(value >> (8 * i) & 0xff));
}

template <class Word>
Word word_at(base::ByteView bytes, std::size_t offset) {
  Word value = 0;
  for (std::size_t i = 0; i < sizeof(Word); ++i)
    value = static_cast<Word>(value | static_cast<Word>(bytes[offset + i]) << (8 * i));
  return value;
}

inline bool equal(base::ByteView a, base::ByteView b) { return std::ranges::equal(a, b); }

// The coordinator has no name on the wire: there is one.
inline std::string_view name_of(const Address& address) {
  return address.is_coordinator() ? std::string_view() : address.site_id()->text();
}

// nullopt: not a name.
inline std::optional<Address> address_named(base::ByteView name) {
  if (name.empty()) return Address::coordinator();
  auto site = base::SiteId::create(base::text_of(name));
  if (!site) return std::nullopt;
  return Address::site(*std::move(site));
}

}  // namespace hanse::transport::internal
