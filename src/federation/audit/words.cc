#include "federation/audit/words.h"

#include "base/limits.h"
#include "federation/message/wire.h"

namespace hanse::federation {

using base::ErrorCode;
using base::fail;
using base::Result;
using transport::Address;
using transport::Envelope;

namespace {

std::string string_of(base::ByteView bytes) { return std::string(base::text_of(bytes)); }
base::Bytes bytes_of(const std::string& text) {
  const base::ByteView view = base::view_of(text);
  return {view.begin(), view.end()};
}

// What is no such word has other fields, and so none of these.
Result<wire::AuditWord> opened(const Envelope& envelope) {
  wire::AuditWord word;
  if (!parsed(envelope.message, base::kMaxMessageBytes, &word))
    return fail(ErrorCode::corruption, "{} bytes that are no message", envelope.message.size());
  if (word.body_case() != wire::AuditWord::BODY_NOT_SET && envelope.chunk.size() > 0)
    return fail(ErrorCode::corruption, "a word about the audit log carries no chunk");
  return word;
}

tl::unexpected<base::Error> wrong_way() {
  return fail(ErrorCode::corruption, "a word about the audit log of the other direction");
}

}  // namespace

Envelope encode(const CoordinatorAuditWord& word, const base::SiteId& to) {
  wire::AuditWord out;
  if (const auto* cosign = std::get_if<Cosign>(&word)) {
    out.set_cosign(string_of(cosign->request));
  } else if (const auto* head = std::get_if<WitnessedHead>(&word)) {
    out.set_head(string_of(head->checkpoint));
  } else {
    out.mutable_proofs();
    for (const base::Bytes& proof : std::get<Proofs>(word).proofs)
      out.mutable_proofs()->add_proofs(string_of(proof));
  }
  return {Address::coordinator(), Address::site(to), serialised(out), {}};
}

Envelope encode(const SiteAuditWord& word, const base::SiteId& from) {
  wire::AuditWord out;
  if (const auto* cosigned = std::get_if<Cosigned>(&word)) {
    wire::WitnessAnswer* to = out.mutable_cosigned();
    to->set_status(static_cast<std::uint32_t>(cosigned->answer.status));
    to->set_content_type(cosigned->answer.content_type);
    to->set_body(cosigned->answer.body);
  } else {
    out.mutable_want();
    for (const base::Digest& leaf : std::get<WantProofs>(word).leaves)
      put(leaf, out.mutable_want()->add_leaves());
  }
  return {Address::site(from), Address::coordinator(), serialised(out), {}};
}

Result<std::optional<SiteAuditWord>> audit_word_from_site(const Envelope& envelope) {
  HANSE_TRY(const wire::AuditWord in, opened(envelope));
  switch (in.body_case()) {
    case wire::AuditWord::BODY_NOT_SET:
      return std::nullopt;
    case wire::AuditWord::kCosigned: {
      const wire::WitnessAnswer& from = in.cosigned();
      constexpr std::uint32_t kStatuses = 600;  // of HTTP
      if (from.status() >= kStatuses || from.body().size() > audit::kMaxCheckpointBytes)
        return fail(ErrorCode::corruption, "a witness answers with a status below {}, found {}",
                    kStatuses, from.status());
      return SiteAuditWord(
          Cosigned{{static_cast<int>(from.status()), from.content_type(), from.body()}});
    }
    case wire::AuditWord::kWant: {
      WantProofs want;
      if (static_cast<std::size_t>(in.want().leaves_size()) > kMaxWanted)
        return fail(ErrorCode::corruption, "at most {} proofs are asked for at once, found {}",
                    kMaxWanted, in.want().leaves_size());
      for (const std::string& leaf : in.want().leaves()) {
        HANSE_TRY(const base::Digest hash, digest_from(leaf));
        want.leaves.push_back(hash);
      }
      return SiteAuditWord(std::move(want));
    }
    default:
      return wrong_way();
  }
}

Result<std::optional<CoordinatorAuditWord>> audit_word_from_coordinator(const Envelope& envelope) {
  HANSE_TRY(const wire::AuditWord in, opened(envelope));
  switch (in.body_case()) {
    case wire::AuditWord::BODY_NOT_SET:
      return std::nullopt;
    case wire::AuditWord::kCosign:
      return CoordinatorAuditWord(Cosign{bytes_of(in.cosign())});
    case wire::AuditWord::kHead:
      return CoordinatorAuditWord(WitnessedHead{bytes_of(in.head())});
    case wire::AuditWord::kProofs: {
      Proofs proofs;
      if (static_cast<std::size_t>(in.proofs().proofs_size()) > kMaxWanted)
        return fail(ErrorCode::corruption, "at most {} proofs come at once, found {}", kMaxWanted,
                    in.proofs().proofs_size());
      for (const std::string& proof : in.proofs().proofs())
        proofs.proofs.push_back(bytes_of(proof));
      return CoordinatorAuditWord(std::move(proofs));
    }
    default:
      return wrong_way();
  }
}

}  // namespace hanse::federation
