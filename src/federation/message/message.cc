#include "federation/message/message.h"

#include <algorithm>

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
  constexpr int kMaxParts = 64;  // a query has three today
  if (in.parts_size() > kMaxParts)
    return fail(ErrorCode::corruption, "a plan has at most {} parts, found {}", kMaxParts,
                in.parts_size());
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

// One overload per body of either direction.
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
    put(contribution.offer, to->mutable_offer());
    put(contribution.sealed, to->mutable_sealed());
  }
  void operator()(const Decline&) const { out->mutable_decline(); }
  void operator()(const Pull& pull) const {
    put(pull.blob, out->mutable_pull()->mutable_blob());
    for (const std::uint32_t index : pull.chunks) out->mutable_pull()->add_chunks(index);
  }
  template <class Origin>
  void operator()(const Chunk<Origin>& chunk) const {
    put(chunk.blob(), out->mutable_chunk()->mutable_blob());
    out->mutable_chunk()->set_index(chunk.index());
  }
  void operator()(const Receipt& receipt) const {
    put(receipt.blob, out->mutable_receipt()->mutable_blob());
  }
  void operator()(const Ended& ended) const { out->mutable_ended()->set_closed(ended.closed); }
};

template <class Origin, class Message>
transport::Envelope encoded(const Message& message, transport::Address from,
                            transport::Address to) {
  wire::Message out;
  out.mutable_release()->set_job(message.release.job.text());
  out.mutable_release()->set_round(message.release.round.round);
  out.mutable_release()->set_attempt(message.release.round.attempt);
  std::visit(Encoder{&out}, message.body);
  base::Bytes bytes(out.ByteSizeLong());
  HANSE_CHECK(out.SerializeToArray(bytes.data(), static_cast<int>(bytes.size())));
  const auto* chunk = std::get_if<Chunk<Origin>>(&message.body);
  return {std::move(from), std::move(to), std::move(bytes),
          chunk != nullptr ? chunk->bytes() : base::Slice()};
}

// What both directions check first.
struct Opened {
  wire::Message message;
  Release release;
};

base::Result<Opened> open(const transport::Envelope& envelope) {
  if (envelope.size() > base::kMaxMessageBytes)
    return fail(ErrorCode::corruption, "a message has at most {} bytes, found {}",
                base::kMaxMessageBytes, envelope.size());
  wire::Message in;
  if (!in.ParseFromArray(envelope.message.data(), static_cast<int>(envelope.message.size())))
    return fail(ErrorCode::corruption, "{} bytes that are no message", envelope.message.size());
  if ((in.body_case() == wire::Message::kChunk) != (envelope.chunk.size() != 0))
    return fail(ErrorCode::corruption, "a chunk's bytes travel with its message and no other");
  HANSE_TRY(base::JobId job, base::JobId::create(in.release().job()));
  Release release{std::move(job), {in.release().round(), in.release().attempt()}};
  return Opened{std::move(in), std::move(release)};
}

base::Result<Pull> pull_from(const wire::Pull& in) {
  HANSE_TRY(const base::Digest blob, digest_from(in.blob()));
  if (in.chunks_size() > static_cast<int>(kPullWindow))
    return fail(ErrorCode::corruption, "a pull asks for {} chunks, at most {} at once",
                in.chunks_size(), kPullWindow);
  return Pull{blob, {in.chunks().begin(), in.chunks().end()}};
}

base::Result<Offer> offer_from(const wire::Offer& in, const Release& release) {
  if (in.cohort_size() == 0 || static_cast<std::size_t>(in.cohort_size()) > base::kMaxSites)
    return fail(ErrorCode::corruption, "an offer goes to 1 to {} sites, found {}", base::kMaxSites,
                in.cohort_size());
  HANSE_TRY(query::QueryPlan plan, plan_from(in.plan(), release));
  HANSE_TRY(Manifest parameters, manifest_from(in.parameters()));
  Offer offer{std::move(plan), std::move(parameters), {}};
  for (const std::string& name : in.cohort()) {
    HANSE_TRY(base::SiteId site, base::SiteId::create(name));
    offer.cohort.push_back(std::move(site));
  }
  if (offer.cohort.size() > offer.plan.max_sites)
    return fail(ErrorCode::corruption, "an offer to {} sites of a plan for {}", offer.cohort.size(),
                offer.plan.max_sites);
  std::vector<base::SiteId> sorted = offer.cohort;
  std::ranges::sort(sorted);
  if (std::ranges::adjacent_find(sorted) != sorted.end())
    return fail(ErrorCode::corruption, "an offer names a site of its cohort twice");
  return offer;
}

}  // namespace

// Named, so that Chunk can let it in.
class MessageDecoder {
 public:
  template <class Origin>
  static base::Result<Chunk<Origin>> chunk(const wire::Chunk& in, const base::Slice& bytes) {
    HANSE_TRY(const base::Digest blob, digest_from(in.blob()));
    return Chunk<Origin>(blob, in.index(), bytes);
  }
};

base::Digest digest_of(const Offer& offer) {
  base::Hasher hasher;
  hasher.add(query::digest_of(offer.plan, offer.parameters.digest()).bytes());
  // A site's name has no line break, so the list cannot be read in two ways.
  for (const base::SiteId& site : offer.cohort) hasher.add(base::view_of(site.text() + "\n"));
  return hasher.finish();
}

aggregation::Setup setup_of(const Offer& offer) {
  aggregation::Setup setup{.offer = digest_of(offer), .layout = {}, .cohort = offer.cohort};
  for (const privacy::Part& part : offer.plan.layout.parts)
    setup.layout.push_back({part.coordinates, offer.plan.layout.bound(part)});
  return setup;
}

transport::Envelope encode(const SiteMessage& message, const base::SiteId& from) {
  return encoded<OfSealed>(message, transport::Address::site(from),
                           transport::Address::coordinator());
}

transport::Envelope encode(const CoordinatorMessage& message, const base::SiteId& to) {
  return encoded<OfParameters>(message, transport::Address::coordinator(),
                               transport::Address::site(to));
}

base::Result<SiteMessage> decode_from_site(const transport::Envelope& envelope) {
  HANSE_TRY(const Opened in, open(envelope));
  switch (in.message.body_case()) {
    case wire::Message::kContribution: {
      HANSE_TRY(const base::Digest offer, digest_from(in.message.contribution().offer()));
      HANSE_TRY(Manifest sealed, manifest_from(in.message.contribution().sealed()));
      return SiteMessage{in.release, Contribution{offer, std::move(sealed)}};
    }
    case wire::Message::kDecline:
      return SiteMessage{in.release, Decline{}};
    case wire::Message::kPull: {
      HANSE_TRY(Pull pull, pull_from(in.message.pull()));
      return SiteMessage{in.release, std::move(pull)};
    }
    case wire::Message::kChunk: {
      HANSE_TRY(SealedChunk chunk,
                MessageDecoder::chunk<OfSealed>(in.message.chunk(), envelope.chunk));
      return SiteMessage{in.release, std::move(chunk)};
    }
    default:
      return fail(ErrorCode::corruption, "a message that no site sends");
  }
}

base::Result<CoordinatorMessage> decode_from_coordinator(const transport::Envelope& envelope) {
  HANSE_TRY(const Opened in, open(envelope));
  switch (in.message.body_case()) {
    case wire::Message::kOffer: {
      HANSE_TRY(Offer offer, offer_from(in.message.offer(), in.release));
      return CoordinatorMessage{in.release, std::move(offer)};
    }
    case wire::Message::kPull: {
      HANSE_TRY(Pull pull, pull_from(in.message.pull()));
      return CoordinatorMessage{in.release, std::move(pull)};
    }
    case wire::Message::kChunk: {
      HANSE_TRY(ParametersChunk chunk,
                MessageDecoder::chunk<OfParameters>(in.message.chunk(), envelope.chunk));
      return CoordinatorMessage{in.release, std::move(chunk)};
    }
    case wire::Message::kReceipt: {
      HANSE_TRY(const base::Digest blob, digest_from(in.message.receipt().blob()));
      return CoordinatorMessage{in.release, Receipt{blob}};
    }
    case wire::Message::kEnded:
      return CoordinatorMessage{in.release, Ended{in.message.ended().closed()}};
    default:
      return fail(ErrorCode::corruption, "a message that no coordinator sends");
  }
}

}  // namespace hanse::federation
