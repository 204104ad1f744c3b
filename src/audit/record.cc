#include "audit/record.h"

#include <algorithm>
#include <array>

#include "audit/record.pb.h"

namespace hanse::audit {

using base::Bytes;
using base::ByteView;
using base::Digest;
using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

constexpr std::string_view kSigned = "hanse statement 1\n";
constexpr std::string_view kCommitted = "hanse commitment 1";
// As many as a leaf can name.
constexpr int kMaxCohort = 4096;
// Far above a leaf's bound and a grant's needs.
constexpr std::size_t kMaxRecordBytes = std::size_t{1} << 20;

template <class Message>
Bytes serialised(const Message& message) {
  Bytes bytes(message.ByteSizeLong());
  HANSE_CHECK(message.SerializeToArray(bytes.data(), static_cast<int>(bytes.size())));
  return bytes;
}

template <class Message>
Result<Message> parsed(std::string_view what, ByteView bytes) {
  Message message;
  if (bytes.size() > kMaxRecordBytes ||
      !message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return fail(ErrorCode::corruption, "{} bytes that are no {}", bytes.size(), what);
  return message;
}

std::string text_of(const Digest& digest) { return std::string(base::text_of(digest.bytes())); }
Result<Digest> digest_of(const std::string& bytes) {
  return Digest::from_bytes(base::view_of(bytes));
}
Bytes bytes_of(std::string_view text) {
  const ByteView view = base::view_of(text);
  return {view.begin(), view.end()};
}

void put(const Attempt& attempt, wire::Release* out) {
  out->set_job(attempt.job.text());
  out->set_round(attempt.round.round);
  out->set_attempt(attempt.round.attempt);
}

Result<Attempt> attempt_from(const wire::Release& in) {
  HANSE_TRY(base::JobId job, base::JobId::create(in.job()));
  return Attempt{std::move(job), {in.round(), in.attempt()}};
}

template <class Names>
Result<std::vector<base::SiteId>> sites_from(const Names& in) {
  if (in.size() > kMaxCohort)
    return fail(ErrorCode::corruption, "a leaf names at most {} sites, found {}", kMaxCohort,
                in.size());
  std::vector<base::SiteId> sites;
  for (const std::string& name : in) {
    HANSE_TRY(base::SiteId site, base::SiteId::create(name));
    sites.push_back(std::move(site));
  }
  return sites;
}

struct Encoder {
  wire::Entry out = {};

  void operator()(const leaf::Submitted& leaf) {
    wire::Submitted* to = out.mutable_submitted();
    to->set_job(leaf.job.text());
    to->set_text(text_of(leaf.text));
    to->set_by(leaf.by);
    for (const base::SiteId& site : leaf.cohort) to->add_cohort(site.text());
    to->set_roster(text_of(leaf.roster));
  }
  void operator()(const leaf::Planned& leaf) {
    wire::Planned* to = out.mutable_planned();
    put(leaf.attempt, to->mutable_release());
    to->set_offer(text_of(leaf.offer));
    to->set_roster(text_of(leaf.roster));
    to->set_job(text_of(leaf.job));
    to->set_model(text_of(leaf.model));
    for (const base::SiteId& site : leaf.cohort) to->add_cohort(site.text());
    to->set_min_sites(leaf.min_sites);
    to->set_backend(leaf.backend);
    to->set_threshold(leaf.threshold);
    to->set_min_contributors(leaf.min_contributors);
    to->set_max_colluders(leaf.max_colluders);
  }
  void operator()(const leaf::Contributed& leaf) {
    wire::Contributed* to = out.mutable_contributed();
    put(leaf.attempt, to->mutable_release());
    to->set_site(leaf.site.text());
    to->set_statement(std::string(base::text_of(leaf.statement)));
    to->set_signature(std::string(base::text_of(leaf.signature)));
  }
  void operator()(const leaf::Agreed& leaf) {
    wire::Agreed* to = out.mutable_agreed();
    put(leaf.attempt, to->mutable_release());
    to->set_part(leaf.part);
    to->set_evidence(std::string(base::text_of(leaf.evidence)));
  }
  void operator()(const leaf::Summed& leaf) {
    wire::Summed* to = out.mutable_summed();
    put(leaf.attempt, to->mutable_release());
    for (const base::SiteId& site : leaf.sites) to->add_sites(site.text());
    to->set_evidence(text_of(leaf.evidence));
    to->set_released(text_of(leaf.released));
  }
  void operator()(const leaf::Stepped& leaf) {
    wire::Stepped* to = out.mutable_stepped();
    put(leaf.attempt, to->mutable_release());
    to->set_before(text_of(leaf.before));
    to->set_after(text_of(leaf.after));
  }
  void operator()(const leaf::Aborted& leaf) {
    wire::Aborted* to = out.mutable_aborted();
    put(leaf.attempt, to->mutable_release());
    to->set_reason(leaf.reason);
  }
  void operator()(const leaf::Ended& leaf) {
    wire::Ended* to = out.mutable_ended();
    to->set_job(leaf.job.text());
    to->set_outcome(leaf.outcome);
    to->set_model(text_of(leaf.model));
  }
};

Result<Leaf> leaf_from(const wire::Submitted& in) {
  HANSE_TRY(base::JobId job, base::JobId::create(in.job()));
  HANSE_TRY(const Digest text, digest_of(in.text()));
  HANSE_TRY(auto cohort, sites_from(in.cohort()));
  HANSE_TRY(const Digest roster, digest_of(in.roster()));
  return leaf::Submitted{std::move(job), text, in.by(), std::move(cohort), roster};
}

Result<Leaf> leaf_from(const wire::Planned& in) {
  HANSE_TRY(Attempt attempt, attempt_from(in.release()));
  HANSE_TRY(const Digest offer, digest_of(in.offer()));
  HANSE_TRY(const Digest roster, digest_of(in.roster()));
  HANSE_TRY(const Digest job, digest_of(in.job()));
  HANSE_TRY(const Digest model, digest_of(in.model()));
  HANSE_TRY(auto cohort, sites_from(in.cohort()));
  return leaf::Planned{.attempt = std::move(attempt),
                       .offer = offer,
                       .roster = roster,
                       .job = job,
                       .model = model,
                       .cohort = std::move(cohort),
                       .min_sites = in.min_sites(),
                       .backend = in.backend(),
                       .threshold = in.threshold(),
                       .min_contributors = in.min_contributors(),
                       .max_colluders = in.max_colluders()};
}

Result<Leaf> leaf_from(const wire::Contributed& in) {
  HANSE_TRY(Attempt attempt, attempt_from(in.release()));
  HANSE_TRY(base::SiteId site, base::SiteId::create(in.site()));
  leaf::Contributed leaf{std::move(attempt), std::move(site), bytes_of(in.statement()), {}};
  const ByteView signature = base::view_of(in.signature());
  if (signature.size() != leaf.signature.size())
    return fail(ErrorCode::corruption, "a signature has {} bytes, found {}", leaf.signature.size(),
                signature.size());
  std::ranges::copy(signature, leaf.signature.begin());
  return leaf;
}

Result<Leaf> leaf_from(const wire::Agreed& in) {
  HANSE_TRY(Attempt attempt, attempt_from(in.release()));
  return leaf::Agreed{std::move(attempt), in.part(), bytes_of(in.evidence())};
}

Result<Leaf> leaf_from(const wire::Summed& in) {
  HANSE_TRY(Attempt attempt, attempt_from(in.release()));
  HANSE_TRY(auto sites, sites_from(in.sites()));
  HANSE_TRY(const Digest evidence, digest_of(in.evidence()));
  HANSE_TRY(const Digest released, digest_of(in.released()));
  return leaf::Summed{std::move(attempt), std::move(sites), evidence, released};
}

Result<Leaf> leaf_from(const wire::Stepped& in) {
  HANSE_TRY(Attempt attempt, attempt_from(in.release()));
  HANSE_TRY(const Digest before, digest_of(in.before()));
  HANSE_TRY(const Digest after, digest_of(in.after()));
  return leaf::Stepped{std::move(attempt), before, after};
}

Result<Leaf> leaf_from(const wire::Aborted& in) {
  HANSE_TRY(Attempt attempt, attempt_from(in.release()));
  return leaf::Aborted{std::move(attempt), in.reason()};
}

Result<Leaf> leaf_from(const wire::Ended& in) {
  HANSE_TRY(base::JobId job, base::JobId::create(in.job()));
  HANSE_TRY(const Digest model, digest_of(in.model()));
  return leaf::Ended{std::move(job), in.outcome(), model};
}

}  // namespace

Bytes encode(const Leaf& leaf) {
  Encoder encoder;
  std::visit(encoder, leaf);
  return serialised(encoder.out);
}

Result<Leaf> decode_leaf(ByteView bytes) {
  HANSE_TRY(const wire::Entry in, parsed<wire::Entry>("leaf", bytes));
  switch (in.body_case()) {
    case wire::Entry::kSubmitted:
      return leaf_from(in.submitted());
    case wire::Entry::kPlanned:
      return leaf_from(in.planned());
    case wire::Entry::kContributed:
      return leaf_from(in.contributed());
    case wire::Entry::kAgreed:
      return leaf_from(in.agreed());
    case wire::Entry::kSummed:
      return leaf_from(in.summed());
    case wire::Entry::kStepped:
      return leaf_from(in.stepped());
    case wire::Entry::kAborted:
      return leaf_from(in.aborted());
    case wire::Entry::kEnded:
      return leaf_from(in.ended());
    case wire::Entry::BODY_NOT_SET:
      break;
  }
  return fail(ErrorCode::corruption, "a leaf of {} bytes of a kind that is not known here",
              bytes.size());
}

std::string_view name_of(const Leaf& leaf) {
  constexpr std::array<std::string_view, std::variant_size_v<Leaf>> kNames{
      "submitted", "planned", "contributed", "agreed", "summed", "stepped", "aborted", "ended"};
  return kNames[leaf.index()];
}

Bytes encode(const Statement& statement) {
  wire::Statement out;
  put(statement.attempt, out.mutable_release());
  out.set_site(statement.site.text());
  out.set_offer(text_of(statement.offer));
  out.set_roster(text_of(statement.roster));
  out.set_sealed(text_of(statement.sealed));
  out.set_answers(statement.answers);
  out.set_chain(text_of(statement.chain));
  out.set_grant(text_of(statement.grant));
  return serialised(out);
}

Result<Statement> decode_statement(ByteView bytes) {
  HANSE_TRY(const wire::Statement in, parsed<wire::Statement>("statement of a site", bytes));
  HANSE_TRY(Attempt attempt, attempt_from(in.release()));
  HANSE_TRY(base::SiteId site, base::SiteId::create(in.site()));
  HANSE_TRY(const Digest offer, digest_of(in.offer()));
  HANSE_TRY(const Digest roster, digest_of(in.roster()));
  HANSE_TRY(const Digest sealed, digest_of(in.sealed()));
  HANSE_TRY(const Digest chain, digest_of(in.chain()));
  HANSE_TRY(const Digest grant, digest_of(in.grant()));
  return Statement{.attempt = std::move(attempt),
                   .site = std::move(site),
                   .offer = offer,
                   .roster = roster,
                   .sealed = sealed,
                   .answers = in.answers(),
                   .chain = chain,
                   .grant = grant};
}

namespace {

Bytes signed_part(ByteView statement) {
  Bytes all = bytes_of(kSigned);
  all.insert(all.end(), statement.begin(), statement.end());
  return all;
}

}  // namespace

crypto::Signature sign(ByteView statement, const crypto::Signer& signer) {
  return signer.sign(signed_part(statement));
}

bool verify(ByteView statement, const crypto::Signature& signature,
            const crypto::Verifier& verifier) {
  return verifier.verify(signed_part(statement), signature);
}

namespace {

void put(const Decision& decision, wire::Decision* out) {
  out->set_policies(text_of(decision.policies));
  out->set_epoch(decision.epoch);
  for (const std::string& rule : decision.rules) out->add_rules(rule);
  for (const Fulfilment& one : decision.fulfilled) {
    wire::Fulfilment* const to = out->add_fulfilled();
    to->set_obligation(one.obligation);
    to->set_how(one.how);
  }
}

Result<Decision> decision_from(const wire::Decision& in) {
  HANSE_TRY(const Digest policies, digest_of(in.policies()));
  Decision decision{.policies = policies,
                    .epoch = in.epoch(),
                    .rules = {in.rules().begin(), in.rules().end()},
                    .fulfilled = {}};
  for (const wire::Fulfilment& one : in.fulfilled())
    decision.fulfilled.push_back({one.obligation(), one.how()});
  return decision;
}

}  // namespace

Bytes encode(const Grant& grant) {
  wire::Grant out;
  out.set_decided_ms(grant.decided.value);
  out.set_basis(grant.basis);
  if (grant.release) out.set_ledger_release(text_of(*grant.release));
  for (const std::string& charge : grant.charges) out.add_charges(charge);
  out.set_ledger_entries(grant.ledger_entries);
  out.set_ledger_head(text_of(grant.ledger_head));
  if (grant.decision) put(*grant.decision, out.mutable_decision());
  return serialised(out);
}

Result<Grant> decode_grant(ByteView bytes) {
  HANSE_TRY(const wire::Grant in, parsed<wire::Grant>("grant of a site", bytes));
  Grant grant{.decided = {in.decided_ms()},
              .basis = in.basis(),
              .release = {},
              .charges = {in.charges().begin(), in.charges().end()},
              .ledger_entries = in.ledger_entries(),
              .ledger_head = {}};
  if (!in.ledger_release().empty()) {
    HANSE_TRY(grant.release, digest_of(in.ledger_release()));
  }
  HANSE_TRY(grant.ledger_head, digest_of(in.ledger_head()));
  if (in.has_decision()) {
    HANSE_TRY(grant.decision, decision_from(in.decision()));
  }
  return grant;
}

Salted Salted::create(ByteView value, base::RandomSource& random) {
  Salted salted{Bytes(kSaltBytes)};
  random.fill(salted.bytes);
  salted.bytes.insert(salted.bytes.end(), value.begin(), value.end());
  return salted;
}

Digest Salted::commitment() const {
  base::Hasher hasher;
  hasher.add(base::view_of(kCommitted));
  hasher.add(bytes);
  return hasher.finish();
}

Result<Salted> Salted::open(ByteView bytes, const Digest& commitment) {
  Salted salted{Bytes(bytes.begin(), bytes.end())};
  if (bytes.size() < kSaltBytes || salted.commitment() != commitment)
    return fail(ErrorCode::corruption, "{} bytes that are not what was committed to", bytes.size());
  return salted;
}

}  // namespace hanse::audit
