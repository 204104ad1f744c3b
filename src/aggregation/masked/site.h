// The site's side of a masked sum.
#pragma once

#include <map>
#include <optional>
#include <variant>

#include "aggregation/masked/secrets.h"

namespace hanse::aggregation {

// What a site has bound itself to, durable before anybody hears of it. Everything else it hears
// again after a restart, and then says again to the bit: all that it says follows from the root.
struct Pledges {
  std::optional<crypto::SecretBytes> root;
  std::optional<base::Digest> transcript;  // it shares its secrets under no other
  std::optional<SiteSet> senders;          // its contribution carries masks with these
  std::optional<SiteSet> survivors;        // it opens this set's sum and no other
};

class MaskedSite final : public SiteMachine {
 public:
  // `agreement` outlives it. Errors as Backend::site says.
  static base::Result<std::unique_ptr<SiteMachine>> create(std::shared_ptr<const Terms> terms,
                                                           Self self, const Agreement& agreement,
                                                           std::span<const base::Bytes> durable);

  SiteStep begin(base::RandomSource& random) override;
  base::Result<SiteStep> advance(base::ByteView received) override;
  bool wants_input() const override;
  base::Result<SiteStep> advance(math::Sealable input) override;
  base::Result<SiteStep> resume(base::Slice sealed, const base::Digest& bound) override;

 private:
  // Each state holds what the states before it left.
  struct Silent {};
  struct Advertised {
    Secrets secrets;
  };
  struct Shared {
    Secrets secrets;
    Circle circle;
    Secrets::Sharing sharing;
  };
  struct Delivered {
    Shared shared;
    SiteSet senders;
    std::vector<Held> held;   // ascending by whose they are, its own among them
    std::vector<Mask> masks;  // to be used once
  };
  struct Sealed {
    Shared shared;
    SiteSet senders;
    std::vector<Held> held;
  };
  struct Signed {
    Sealed sealed;
    SiteSet survivors;
    crypto::Signature signature;
  };
  struct Opened {
    Signed before;
    base::Bytes unmask;
  };
  using State = std::variant<Silent, Advertised, Shared, Delivered, Sealed, Signed, Opened>;

  MaskedSite(std::shared_ptr<const Terms> terms, std::size_t self, const crypto::Signer& signer,
             const Agreement& agreement)
      : terms_(std::move(terms)), self_(self), signer_(signer), agreement_(agreement) {}

  base::Result<void> restore(base::ByteView entry);
  // Whether the state waits for this kind of word.
  bool expects(WordKind kind) const;
  base::Result<SiteStep> take(WordKind kind, base::ByteView word);
  base::Result<SiteStep> take_roster(base::ByteView word);
  base::Result<Circle> checked_circle(const Secrets& secrets, const RosterWord& roster) const;
  base::Result<SiteStep> take_delivery(base::ByteView word);
  base::Result<Delivered*> ready_to_seal();
  static base::Digest bound_to(const Delivered& state);
  SiteStep seal(Delivered& state, base::Slice sealed);
  base::Result<SiteStep> take_survivors(base::ByteView word);
  base::Result<SiteStep> take_confirmation(base::ByteView word);
  base::Result<void> check_sets(std::string_view what, const SiteSet& set,
                                const SiteSet& within) const;
  base::Bytes entry(std::uint8_t kind, base::ByteView value) const;

  std::shared_ptr<const Terms> terms_;
  std::size_t self_;
  const crypto::Signer& signer_;
  const Agreement& agreement_;
  Pledges pledges_;
  std::map<WordKind, base::Digest> heard_;
  State state_;
};

}  // namespace hanse::aggregation
