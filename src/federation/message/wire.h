// Between our types and their wire messages. Included by .cc files only.
#pragma once

#include "federation/message/message.h"
#include "federation/message/wire.pb.h"

namespace hanse::federation {

inline void put(const base::Digest& digest, std::string* out) {
  *out = base::text_of(digest.bytes());
}

inline base::Result<base::Digest> digest_from(const std::string& bytes) {
  return base::Digest::from_bytes(base::view_of(bytes));
}

void put(const Release& release, wire::Release* out);
void put(const Manifest& manifest, wire::Manifest* out);
void put(const Standing& standing, wire::Standing* out);
void put(const SignedStatement& statement, wire::Statement* out);

// Out of bounds, or not what its kind looks like: an error that says so.
base::Result<Release> release_from(const wire::Release& in);
base::Result<Manifest> manifest_from(const wire::Manifest& in);
base::Result<Standing> standing_from(const wire::Standing& in);
base::Result<SignedStatement> statement_from(const wire::Statement& in);

template <class Message>
base::Bytes serialised(const Message& message) {
  base::Bytes bytes(message.ByteSizeLong());
  HANSE_CHECK(message.SerializeToArray(bytes.data(), static_cast<int>(bytes.size())));
  return bytes;
}

// At most `limit` bytes; else, or where they are no such message, false.
template <class Message>
bool parsed(base::ByteView bytes, std::size_t limit, Message* out) {
  return bytes.size() <= limit && out->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

}  // namespace hanse::federation
