#include "aggregation/masked/masked.h"

#include "aggregation/masked/consent.h"
#include "aggregation/masked/coordinator.h"
#include "aggregation/masked/graph.h"
#include "aggregation/masked/site.h"
#include "crypto/kem.h"

namespace hanse::aggregation {
namespace {

class Masked final : public Backend {
 public:
  explicit Masked(const Agreement& agreement) : agreement_(agreement) {}
  std::string_view name() const override { return "masked"; }
  bool is_semi_honest(std::size_t sites) const override { return sites > kMaxFullSites; }
  std::size_t exchanged_bytes(std::size_t sites) const override {
    std::size_t neighbours = sites - 1;
    if (const auto degree = is_semi_honest(sites) ? least_degree(sites) : std::nullopt)
      neighbours = degree->neighbours;
    constexpr std::size_t kHead = 1 + base::Digest::kSize;  // kind and transcript
    constexpr std::size_t kCiphertext = crypto::mlkem768::kCiphertextBytes;
    const std::size_t parcels = neighbours * (kCiphertext + kClosedBytes) +
                                neighbours * kCiphertext / 2;  // one mask for each pair
    const std::size_t shares = (neighbours + 1) * crypto::shamir::kShareBytes;
    return kAdvertBytes + kHead + parcels + kHead + crypto::kSignatureBytes + kHead + shares;
  }
  base::Result<Agreed> agreed(base::ByteView evidence, const Setup& setup) const override {
    return agreed_by(evidence, setup);
  }
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

const Backend& masked() {
  static const Masked backend(hybrid());
  return backend;
}

std::unique_ptr<Backend> masked_over(const Agreement& agreement) {
  return std::make_unique<Masked>(agreement);
}

}  // namespace hanse::aggregation
