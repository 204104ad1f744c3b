// The coordinator's side of a masked sum.
#pragma once

#include <map>
#include <optional>
#include <variant>

#include "aggregation/masked/opening.h"

namespace hanse::aggregation {

class MaskedCoordinator final : public CoordinatorMachine {
 public:
  // `agreement` outlives it. Errors as Backend::coordinator says.
  static base::Result<std::unique_ptr<CoordinatorMachine>> create(
      std::shared_ptr<const Terms> terms, const Agreement& agreement,
      std::span<const base::Bytes> durable);

  std::size_t sealed_size() const override { return terms_->ring.packed_size(); }
  base::Result<CoordinatorStep> advance(const base::SiteId& site, base::ByteView received) override;
  bool wants_input(const base::SiteId& site) const override;
  base::Result<CoordinatorStep> advance(const base::SiteId& site,
                                        std::span<const base::Slice> sealed) override;
  base::Result<CoordinatorStep> leave(const base::SiteId& site) override;
  std::vector<base::SiteId> waiting_for() const override;
  std::vector<Exchange> said_to(const base::SiteId& site) const override;
  bool is_done() const override;
  base::Bytes evidence() const override;
  base::Result<Sum> finish() && override;

 private:
  struct Advertising {
    std::map<std::size_t, base::Bytes> adverts;
  };
  struct Sharing {
    Circle circle;
    std::map<std::size_t, base::Bytes> adverts;
    std::map<std::size_t, SharesWord> shares;
  };
  struct Collecting {
    Sharing shared;
    SiteSet senders;
    SiteSet counted;
    RingVector sum;
  };
  // `counted` are fewer than the survivors after a restart: their contributions must come again.
  struct Opening {
    Sharing shared;
    SiteSet senders;
    SiteSet survivors;
    SiteSet counted;
    RingVector sum;
    std::map<std::size_t, crypto::Signature> signatures;
    std::optional<ConfirmationWord> confirmation;
    std::map<std::size_t, UnmaskWord> answers;
    // To be taken off the sum, once it is counted and enough answered; false answers give an error
    // as long as there are no others to make up for them.
    std::optional<base::Result<std::vector<Mask>>> masks;
  };
  using State = std::variant<Advertising, Sharing, Collecting, Opening>;

  MaskedCoordinator(std::shared_ptr<const Terms> terms, const Agreement& agreement)
      : terms_(std::move(terms)), agreement_(agreement), left_(terms_->cohort()) {}

  base::Result<void> restore(base::ByteView entry);
  base::Result<void> restore_closing(const SiteSet& set);

  // What a site says, checked and kept; the same again changes nothing.
  base::Result<void> take(std::size_t site, WordKind kind, base::ByteView word);
  base::Result<void> take_advert(Advertising& state, std::size_t site, base::ByteView word);
  base::Result<void> take_shares(Sharing& state, std::size_t site, base::ByteView word);
  base::Result<void> take_signature(Opening& state, std::size_t site, base::ByteView word);
  base::Result<void> take_answer(Opening& state, std::size_t site, base::ByteView word);

  // Goes on while nobody is waited for.
  void settle(CoordinatorStep& step);
  void close_advertising(const SiteSet& members);
  void close_sharing(const SiteSet& senders);
  void close_collecting(const SiteSet& survivors);
  void confirm(Opening& state, CoordinatorStep& step);
  void open(Opening& state) const;

  std::vector<std::size_t> waiting() const;
  std::vector<std::size_t> waiting_in(const Opening& state) const;
  // Whether a sum may still come of it when these sites are gone.
  bool is_possible_without(const SiteSet& left) const;
  bool wants(std::size_t site) const;
  void say(const SiteSet& sites, WordKind kind, CoordinatorStep& step) const;
  base::Bytes word_for(std::size_t site, WordKind kind) const;
  base::Bytes roster_for(std::size_t site) const;
  base::Bytes delivery_for(std::size_t site) const;

  const Sharing* shared() const;  // since the roster was closed
  std::shared_ptr<const Terms> terms_;
  const Agreement& agreement_;
  SiteSet left_;
  State state_;
};

}  // namespace hanse::aggregation
