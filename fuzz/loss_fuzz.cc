// Texts of privacy losses: refused, or written so that they read the same again; and every way to
// account for what reads gives a number of the right kind.
#include <cmath>
#include <span>
#include <string_view>

#include "privacy/accounting/gate.h"
#include "privacy/accounting/loss.h"
#include "privacy/accounting/rdp.h"
#include "privacy/accounting/zcdp.h"

using namespace hanse;
using namespace hanse::privacy;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(size == 0 ? "" : reinterpret_cast<const char*>(data), size);
  const auto loss = PrivacyLoss::parse(text);
  if (!loss) {
    HANSE_CHECK(loss.error().code() == base::ErrorCode::invalid_argument);
    return 0;
  }
  const auto again = PrivacyLoss::parse(loss->text());
  HANSE_CHECK(again.has_value() && *again == *loss && again->text() == loss->text());
  for (const double order : {1.5, 2.0, 17.0}) {
    const double divergence = rdp(*loss, order);
    HANSE_CHECK(divergence >= 0);
    HANSE_CHECK(loss->is_bounded() || std::isinf(divergence));
  }
  const auto concentrated = rho(*loss);
  HANSE_CHECK(!concentrated || (*concentrated >= 0 && std::isfinite(*concentrated)));
  static const Gate gate = Gate::create(Currency::rdp, base::Epsilon::create(1).value(),
                                        base::Delta::create(1e-5).value())
                               .value();
  const Charge charge{*loss, 3};
  const auto price = gate.price(std::span(&charge, 1));
  HANSE_CHECK(!price || price->units > 0);
  const auto scaled = loss->scaled(2);
  if (scaled && loss->is_bounded()) {
    const Charge two{*scaled, 3};
    const auto dearer = gate.price(std::span(&two, 1));
    // but for rounding upwards
    HANSE_CHECK(!price || !dearer ||
                static_cast<double>(dearer->units) * (1 + 1e-9) + 3 >=
                    static_cast<double>(price->units));
  }
  return 0;
}
