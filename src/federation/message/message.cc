#include "federation/message/message.h"

#include <cmath>

#include "base/limits.h"
#include "federation/message/wire.pb.h"
#include "math/lattice.h"
#include "privacy/clipped_sum.h"

namespace hanse::federation {
namespace {

using base::ErrorCode;
using base::fail;

void put(const base::Digest& digest, std::string* out) { *out = base::text_of(digest.bytes()); }

base::Result<base::Digest> digest_from(const std::string& bytes) {
  return base::Digest::from_bytes(base::view_of(bytes));
}

void put(const Manifest& manifest, wire::Manifest* out) {
  out->set_size(manifest.size);
  for (const base::Digest& chunk : manifest.chunks) put(chunk, out->add_chunks());
}

base::Result<Manifest> manifest_from(const wire::Manifest& in) {
  Manifest manifest;
  manifest.size = in.size();
  for (const std::string& chunk : in.chunks()) {
    HANSE_TRY(const base::Digest digest, digest_from(chunk));
    manifest.chunks.push_back(digest);
  }
  HANSE_TRY_VOID(manifest.check());
  return manifest;
}

void put(const query::QueryPlan& plan, wire::Plan* out) {
  out->set_kind(plan.kind);
  out->set_unit(plan.unit);
  out->set_entrance(plan.entrance);
  out->set_max_sites(plan.max_sites);
  for (const privacy::Part& part : plan.layout.parts) {
    wire::Part* to = out->add_parts();
    to->set_name(part.name);
    to->set_coordinates(part.coordinates);
    to->set_clip(part.clip);
  }
  out->set_fraction_bits(static_cast<std::uint32_t>(plan.layout.lattice.fraction_bits()));
  out->set_max_units(plan.layout.max_units);
  out->set_options(plan.options);
}

base::Result<query::QueryPlan> plan_from(const wire::Plan& in, const Release& release) {
  if (in.fraction_bits() > 64)
    return fail(ErrorCode::corruption, "a plan has {} fraction bits", in.fraction_bits());
  HANSE_TRY(const math::Lattice lattice,
            math::Lattice::create(static_cast<int>(in.fraction_bits())));
  privacy::Layout layout{.parts = {}, .lattice = lattice, .max_units = in.max_units()};
  for (const wire::Part& part : in.parts())
    layout.parts.push_back({part.name(), part.coordinates(), part.clip()});
  query::QueryPlan plan{.kind = in.kind(),
                        .job = release.job,
                        .round = release.round,
                        .unit = in.unit(),
                        .entrance = in.entrance(),
                        .max_sites = in.max_sites(),
                        .layout = std::move(layout),
                        .options = in.options(),
                        .parameters = {}};
  HANSE_TRY_VOID(query::check_plan(plan));
  return plan;
}

struct Encoder {
  wire::Message* out;

  void operator()(const Offer& offer) const {
    wire::Offer* to = out->mutable_offer();
    put(offer.plan, to->mutable_plan());
    put(offer.parameters, to->mutable_parameters());
    for (const base::SiteId& site : offer.cohort) to->add_cohort(site.text());
  }
  void operator()(const Contribution& contribution) const {
    wire::Contribution* to = out->mutable_contribution();
    put(contribution.plan, to->mutable_plan());
    put(contribution.sealed, to->mutable_sealed());
  }
  void operator()(const Decline&) const { out->mutable_decline(); }
  void operator()(const Pull& pull) const {
    put(pull.blob, out->mutable_pull()->mutable_blob());
    for (const std::uint32_t index : pull.chunks) out->mutable_pull()->add_chunks(index);
  }
  void operator()(const Chunk& chunk) const {
    put(chunk.blob(), out->mutable_chunk()->mutable_blob());
    out->mutable_chunk()->set_index(chunk.index());
  }
  void operator()(const Receipt& receipt) const {
    put(receipt.blob, out->mutable_receipt()->mutable_blob());
  }
  void operator()(const Ended& ended) const { out->mutable_ended()->set_closed(ended.closed); }
  void operator()(const BackendMessage& message) const {
    out->mutable_exchange()->set_bytes(std::string(base::text_of(message.bytes)));
  }
};

base::Result<Body> offer_from(const wire::Offer& in, const Release& release) {
  HANSE_TRY(query::QueryPlan plan, plan_from(in.plan(), release));
  HANSE_TRY(Manifest parameters, manifest_from(in.parameters()));
  Offer offer{std::move(plan), std::move(parameters), {}};
  for (const std::string& name : in.cohort()) {
    HANSE_TRY(base::SiteId site, base::SiteId::create(name));
    offer.cohort.push_back(std::move(site));
  }
  if (offer.cohort.empty() || offer.cohort.size() > offer.plan.max_sites)
    return fail(ErrorCode::corruption, "an offer to {} sites of a plan for {}", offer.cohort.size(),
                offer.plan.max_sites);
  return offer;
}

}  // namespace

// Named, so that Chunk can let it in.
class MessageDecoder {
 public:
  static base::Result<Body> body(const wire::Message& in, const Release& release,
                                 const base::Slice& chunk);
};

base::Result<Body> MessageDecoder::body(const wire::Message& in, const Release& release,
                                        const base::Slice& chunk) {
  switch (in.body_case()) {
    case wire::Message::kOffer:
      return offer_from(in.offer(), release);
    case wire::Message::kContribution: {
      HANSE_TRY(const base::Digest plan, digest_from(in.contribution().plan()));
      HANSE_TRY(Manifest sealed, manifest_from(in.contribution().sealed()));
      return Contribution{plan, std::move(sealed)};
    }
    case wire::Message::kDecline:
      return Decline{};
    case wire::Message::kPull: {
      HANSE_TRY(const base::Digest blob, digest_from(in.pull().blob()));
      if (in.pull().chunks_size() > static_cast<int>(kPullWindow))
        return fail(ErrorCode::corruption, "a pull asks for {} chunks, at most {} at once",
                    in.pull().chunks_size(), kPullWindow);
      return Pull{blob, {in.pull().chunks().begin(), in.pull().chunks().end()}};
    }
    case wire::Message::kChunk: {
      HANSE_TRY(const base::Digest blob, digest_from(in.chunk().blob()));
      return Chunk(blob, in.chunk().index(), chunk);
    }
    case wire::Message::kReceipt: {
      HANSE_TRY(const base::Digest blob, digest_from(in.receipt().blob()));
      return Receipt{blob};
    }
    case wire::Message::kEnded:
      return Ended{in.ended().closed()};
    case wire::Message::kExchange: {
      const base::ByteView bytes = base::view_of(in.exchange().bytes());
      return BackendMessage{base::Bytes(bytes.begin(), bytes.end())};
    }
    case wire::Message::BODY_NOT_SET:
      break;
  }
  return fail(ErrorCode::corruption, "a message of no known kind");
}

transport::Envelope encode(const Message& message, transport::Address from, transport::Address to) {
  wire::Message out;
  out.mutable_release()->set_job(message.release.job.text());
  out.mutable_release()->set_round(message.release.round.round);
  out.mutable_release()->set_attempt(message.release.round.attempt);
  std::visit(Encoder{&out}, message.body);
  base::Bytes bytes(out.ByteSizeLong());
  HANSE_CHECK(out.SerializeToArray(bytes.data(), static_cast<int>(bytes.size())));
  const Chunk* chunk = std::get_if<Chunk>(&message.body);
  return {std::move(from), std::move(to), std::move(bytes),
          chunk != nullptr ? chunk->bytes() : base::Slice()};
}

base::Result<Message> decode(const transport::Envelope& envelope) {
  if (envelope.size() > base::kMaxMessageBytes)
    return fail(ErrorCode::corruption, "a message has at most {} bytes, found {}",
                base::kMaxMessageBytes, envelope.size());
  wire::Message in;
  if (!in.ParseFromArray(envelope.message.data(), static_cast<int>(envelope.message.size())))
    return fail(ErrorCode::corruption, "{} bytes that are no message", envelope.message.size());
  if ((in.body_case() == wire::Message::kChunk) != (envelope.chunk.size() != 0))
    return fail(ErrorCode::corruption, "a chunk's bytes travel with its message and no other");
  HANSE_TRY(base::JobId job, base::JobId::create(in.release().job()));
  const Release release{std::move(job), {in.release().round(), in.release().attempt()}};
  HANSE_TRY(Body body, MessageDecoder::body(in, release, envelope.chunk));
  return Message{release, std::move(body)};
}

}  // namespace hanse::federation
