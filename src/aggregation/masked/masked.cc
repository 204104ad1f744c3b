#include "aggregation/masked/masked.h"

#include "aggregation/masked/coordinator.h"
#include "aggregation/masked/graph.h"
#include "aggregation/masked/site.h"

namespace hanse::aggregation {
namespace {

class Masked final : public Backend {
 public:
  explicit Masked(const Agreement& agreement) : agreement_(agreement) {}
  std::string_view name() const override { return "masked"; }
  base::Result<std::unique_ptr<SiteMachine>> site(
      Setup setup, Self self, std::span<const base::Bytes> durable) const override {
    HANSE_TRY(auto terms, Terms::create(std::move(setup)));
    return MaskedSite::create(std::move(terms), self, agreement_, durable);
  }
  base::Result<std::unique_ptr<CoordinatorMachine>> coordinator(
      Setup setup, std::span<const base::Bytes> durable) const override {
    HANSE_TRY(auto terms, Terms::create(std::move(setup)));
    return MaskedCoordinator::create(std::move(terms), agreement_, durable);
  }

 private:
  const Agreement& agreement_;
};

}  // namespace

bool is_semi_honest(const Setup& setup) { return setup.cohort.size() > kMaxFullSites; }

const Backend& masked() {
  static const Masked backend(hybrid());
  return backend;
}

std::unique_ptr<Backend> masked_over(const Agreement& agreement) {
  return std::make_unique<Masked>(agreement);
}

}  // namespace hanse::aggregation
