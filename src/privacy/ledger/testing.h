// What the tests around the ledger share.
#pragma once

#include "privacy/ledger/ledger.h"

namespace hanse::privacy::testing {

inline constexpr base::Milliseconds kNow{1'700'000'000'000};

inline Gate gate(Currency currency = Currency::rho, double epsilon = 1, double delta = 1e-6) {
  return Gate::create(currency, base::Epsilon::create(epsilon).value(),
                      base::Delta::create(delta).value())
      .value();
}

inline AssetId asset(std::string_view name) { return AssetId::create(name).value(); }
inline base::JobId job(std::string_view name) { return base::JobId::create(name).value(); }
inline PurposeId purpose(std::string_view name = "maintenance") {
  return PurposeId::create(name).value();
}
inline BlockName block(std::string_view text) { return BlockName::parse(text).value(); }
inline ReleaseId release(std::string_view text) { return ReleaseId::of_text(text).value(); }

inline PrivacyLoss loss(const loss::Kind& kind, Neighbours neighbours = Neighbours::add_remove) {
  return PrivacyLoss::create(kind, neighbours).value();
}
inline Charge gaussian(double noise_multiplier, std::uint64_t count = 1) {
  return {loss(loss::Gaussian{.noise_multiplier = noise_multiplier}), count};
}
// Costs exactly so many units of a gate of epsilon_delta.
inline Charge pure(std::uint64_t units, std::uint64_t count = 1) {
  return {loss(loss::Pure{.epsilon = static_cast<double>(units) * kUnit}), count};
}

inline NewAsset new_asset(std::string_view name, const Gate& with = gate(),
                          std::string_view first = "first") {
  return {asset(name), UnitId::create("record").value(), Neighbours::add_remove, with,
          BlockId::create(first).value()};
}

inline Use use(std::string_view name, std::vector<Charge> charges) {
  return {asset(name), {}, std::move(charges)};
}
inline Use use_of(std::string_view name, std::vector<BlockName> blocks,
                  std::vector<Charge> charges) {
  return {asset(name), std::move(blocks), std::move(charges)};
}

inline Request request(std::string_view id, std::vector<Use> uses, std::string_view of = "job") {
  return {release(id), std::string(id), job(of), purpose(), std::move(uses)};
}

// Applies an entry that was proposed, or says why it could not be.
inline base::Result<void> put(PrivacyLedger& ledger, const base::Result<base::Bytes>& entry) {
  HANSE_TRY(const base::Bytes bytes, entry);
  HANSE_TRY_VOID(ledger.check(bytes));
  ledger.apply(bytes);
  return {};
}
inline base::Result<void> reserve(PrivacyLedger& ledger, const Request& request) {
  return put(ledger, ledger.reserve_entry(request, kNow));
}

template <class T>
std::optional<base::ErrorCode> code(const base::Result<T>& result) {
  return result ? std::optional<base::ErrorCode>() : result.error().code();
}

// The one block of an asset that has one.
inline BlockStanding standing(const PrivacyLedger& ledger, std::string_view name,
                              std::size_t index = 0) {
  return ledger.standing(asset(name)).value().at(index);
}

}  // namespace hanse::privacy::testing
