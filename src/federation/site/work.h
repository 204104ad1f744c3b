// What a site is at: one release from the question to its end. Included by .cc files only.
#pragma once

#include "federation/site/site.h"

namespace hanse::federation {

// Pulls the plan's parameters while the machines agree on their masks.
struct Site::Answering {
  std::shared_ptr<const data::Dataset> records;
  ParametersReceiver receiver;
  base::Milliseconds wait;      // until asking again, doubled by every silence
  base::Milliseconds retry_at;  // moves on with every chunk
  int damaged = 0;              // chunks in a row
};

// A statement, and what it commits to.
struct Site::Stated {
  SignedStatement statement;
  storage::NamedBlob grant;
};

// Its machine may be asked for more, until the receipt.
struct Site::Answered {};

// A decision on the offer, and how what it asks is met.
struct Site::Permit {
  Decided decided;
  std::vector<policy::Request> questions;
  std::vector<audit::Fulfilment> fulfilled;
};

struct Site::Work {
  Release release;
  base::Digest digest;  // of the offer
  base::Digest roster;  // of the epoch that it began in
  Offer offer;
  std::unique_ptr<aggregation::SiteMachine> machine;  // none once declined
  std::variant<Answering, Answered, Declined> stage;
  bool is_decided = false;  // by policies, one way or the other: a decline holds for the round
  std::optional<Permit> permit = {};
};

// The body, if the decision still holds; without policies nobody has to be asked.
template <class Body>
std::invoke_result_t<Body> Site::granted(const Body& body) const {
  if (!doors_.policies) return body();
  HANSE_CHECK(work_->permit.has_value());
  return doors_.policies->granting.grant(work_->permit->decided, work_->permit->questions, body);
}

template <class Body>
transport::Envelope Site::to_coordinator(const Release& release, Body body) const {
  return encode(SiteMessage{release, std::move(body)}, settings_.self);
}

}  // namespace hanse::federation
