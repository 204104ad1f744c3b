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

struct Site::Work {
  Release release;
  base::Digest digest;  // of the offer
  base::Digest roster;  // of the epoch that it began in
  Offer offer;
  std::unique_ptr<aggregation::SiteMachine> machine;  // none once declined
  std::variant<Answering, Answered, Declined> stage;
};

}  // namespace hanse::federation
