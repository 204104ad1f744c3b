// What this room's tests share. Included by *_test.cc only.
#pragma once

#include "federation/message/message.h"
#include "federation/message/wire.pb.h"

namespace hanse::federation::testing {

inline base::SiteId site(std::string_view name) { return *base::SiteId::create(name); }

// Asks for the sum of the records' features.
inline query::QueryPlan plan(std::size_t coordinates, std::uint32_t round = 1) {
  return {.kind = "rows",
          .job = *base::JobId::create("test"),
          .round = {round, 0},
          .unit = "record",
          .max_sites = 64,
          .layout = {{{"sum", coordinates, 1e3}}, *math::Lattice::create(20), 1000},
          .options = "{}",
          .parameters = {}};
}

// The same with noise, each site the whole dose: one answer costs a record ρ = 1/2.
inline query::QueryPlan private_plan(std::size_t coordinates, std::uint32_t round = 1) {
  query::QueryPlan asked = plan(coordinates, round);
  asked.noise.placement = privacy::Placement::site;
  asked.noise.parts = {{.sigma = 1e3 * (1 << 20), .batch = 0}};
  return asked;
}

class Rows final : public query::Query {
 public:
  explicit Rows(query::QueryPlan plan) : plan_(std::move(plan)) {}
  base::Result<query::Answer> answer(const data::Dataset& records, base::RandomSource&,
                                     base::Executor&) const override {
    if (records.size() == 0)
      return base::fail(base::ErrorCode::failed_precondition, "no record to answer from");
    privacy::ClippedSumAccumulator sum(plan_.layout, plan_.unit);
    for (std::size_t i = 0; i < records.size(); ++i)
      HANSE_TRY_VOID(sum.add(records.features.row(i)));
    return std::move(sum).finish();
  }

 private:
  query::QueryPlan plan_;
};

inline query::Catalog catalog() {
  query::Catalog catalog;
  catalog.add("rows",
              [](const query::QueryPlan& plan) -> base::Result<std::unique_ptr<query::Query>> {
                return std::make_unique<Rows>(plan);
              });
  return catalog;
}

// `rows` records whose features are all `value`.
inline std::shared_ptr<const data::Dataset> records(std::size_t rows, std::size_t coordinates,
                                                    double value) {
  data::Dataset records;
  records.features = math::Matrix(rows, coordinates);
  for (double& feature : records.features.values()) feature = value;
  return std::make_shared<const data::Dataset>(std::move(records));
}

// The chunk as a liar or a broken line sends it: under another blob's name.
template <class Origin>
transport::Envelope renamed(const Chunk<Origin>& chunk, const base::Digest& name,
                            const Release& release, transport::Address from,
                            transport::Address to) {
  wire::Message message;
  message.mutable_release()->set_job(release.job.text());
  message.mutable_release()->set_round(release.round.round);
  message.mutable_release()->set_attempt(release.round.attempt);
  message.mutable_chunk()->set_blob(std::string(base::text_of(name.bytes())));
  message.mutable_chunk()->set_index(chunk.index());
  const std::string text = message.SerializeAsString();
  const base::ByteView bytes = base::view_of(text);
  return {std::move(from), std::move(to), base::Bytes(bytes.begin(), bytes.end()), chunk.bytes()};
}

inline Release release_of(const query::QueryPlan& plan) { return {plan.job, plan.round}; }

}  // namespace hanse::federation::testing
