#include "privacy/accounting/loss.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <tuple>
#include <vector>

#include "base/limits.h"
#include "base/nearest.h"

namespace hanse::privacy {
namespace {

using base::ErrorCode;

// The longest text has five fields of at most 50 bytes each.
constexpr std::size_t kMaxText = 512;

// A lattice vector has no more coordinates than the largest blob has words.
constexpr std::uint64_t kMaxCoordinates = base::kMaxBlobBytes / sizeof(std::int64_t);

// What a field may hold.
enum class Rule { positive, rate, probability, count, coordinates, shares };

template <class Struct, class Value>
struct Field {
  std::string_view name;
  Value Struct::* member;
  Rule rule;
};

template <class Struct>
struct Spelling;

template <>
struct Spelling<loss::Unbounded> {
  static constexpr std::string_view kName = "unbounded";
  static constexpr auto kFields = std::tuple{};
};
template <>
struct Spelling<loss::Gaussian> {
  static constexpr std::string_view kName = "gaussian";
  static constexpr auto kFields =
      std::tuple{Field{"noise_multiplier", &loss::Gaussian::noise_multiplier, Rule::positive},
                 Field{"sampling_rate", &loss::Gaussian::sampling_rate, Rule::rate}};
};
template <>
struct Spelling<loss::FixedSizeGaussian> {
  static constexpr std::string_view kName = "fixed_size_gaussian";
  static constexpr auto kFields = std::tuple{
      Field{"noise_multiplier", &loss::FixedSizeGaussian::noise_multiplier, Rule::positive},
      Field{"sampling_rate", &loss::FixedSizeGaussian::sampling_rate, Rule::rate}};
};
template <>
struct Spelling<loss::DiscreteGaussian> {
  static constexpr std::string_view kName = "discrete_gaussian";
  static constexpr auto kFields =
      std::tuple{Field{"sigma", &loss::DiscreteGaussian::sigma, Rule::positive},
                 Field{"sensitivity", &loss::DiscreteGaussian::sensitivity, Rule::positive},
                 Field{"coordinates", &loss::DiscreteGaussian::coordinates, Rule::coordinates},
                 Field{"shares", &loss::DiscreteGaussian::shares, Rule::shares},
                 Field{"sampling_rate", &loss::DiscreteGaussian::sampling_rate, Rule::rate}};
};
template <>
struct Spelling<loss::Laplace> {
  static constexpr std::string_view kName = "laplace";
  static constexpr auto kFields =
      std::tuple{Field{"scale", &loss::Laplace::scale, Rule::positive},
                 Field{"sampling_rate", &loss::Laplace::sampling_rate, Rule::rate}};
};
template <>
struct Spelling<loss::DiscreteLaplace> {
  static constexpr std::string_view kName = "discrete_laplace";
  static constexpr auto kFields =
      std::tuple{Field{"scale", &loss::DiscreteLaplace::scale, Rule::positive},
                 Field{"sensitivity", &loss::DiscreteLaplace::sensitivity, Rule::count}};
};
template <>
struct Spelling<loss::Skellam> {
  static constexpr std::string_view kName = "skellam";
  static constexpr auto kFields =
      std::tuple{Field{"variance", &loss::Skellam::variance, Rule::positive},
                 Field{"l1_sensitivity", &loss::Skellam::l1_sensitivity, Rule::positive},
                 Field{"l2_sensitivity", &loss::Skellam::l2_sensitivity, Rule::positive}};
};
template <>
struct Spelling<loss::Pure> {
  static constexpr std::string_view kName = "pure";
  static constexpr auto kFields =
      std::tuple{Field{"epsilon", &loss::Pure::epsilon, Rule::positive}};
};
template <>
struct Spelling<loss::BoundedRange> {
  static constexpr std::string_view kName = "bounded_range";
  static constexpr auto kFields =
      std::tuple{Field{"epsilon", &loss::BoundedRange::epsilon, Rule::positive}};
};
template <>
struct Spelling<loss::Approximate> {
  static constexpr std::string_view kName = "approximate";
  static constexpr auto kFields =
      std::tuple{Field{"epsilon", &loss::Approximate::epsilon, Rule::positive},
                 Field{"delta", &loss::Approximate::delta, Rule::probability}};
};
template <>
struct Spelling<loss::Concentrated> {
  static constexpr std::string_view kName = "concentrated";
  static constexpr auto kFields =
      std::tuple{Field{"rho", &loss::Concentrated::rho, Rule::positive}};
};

// Calls visit(field) for each field of Struct, in the order of its spelling.
template <class Struct, class Visit>
void each_field(Visit&& visit) {
  std::apply([&](const auto&... field) { (visit(field), ...); }, Spelling<Struct>::kFields);
}

bool holds(Rule rule, double value) {
  if (!std::isfinite(value)) return false;
  if (rule == Rule::rate) return value > 0 && value <= 1;
  if (rule == Rule::probability) return value >= 0 && value < 1;
  return value > 0;
}

bool holds(Rule rule, std::uint64_t value) {
  if (rule == Rule::shares) return value >= 1 && value <= base::kMaxSites;
  if (rule == Rule::coordinates) return value >= 1 && value <= kMaxCoordinates;
  return value >= 1 && value <= std::uint64_t{1} << 53;  // whole as a double
}

std::string_view expected(Rule rule) {
  switch (rule) {
    case Rule::positive:
      return "a finite number above 0";
    case Rule::rate:
      return "a rate in (0, 1]";
    case Rule::probability:
      return "a probability in [0, 1)";
    case Rule::count:
      return "a whole number from 1 to 2^53";
    case Rule::coordinates:
      return "a whole number from 1 to 134217728";
    case Rule::shares:
      return "a whole number of sites from 1 to 4096";
  }
  HANSE_CHECK(false);
}

template <class Struct>
base::Result<void> check_fields(const Struct& kind) {
  base::Result<void> checked;
  each_field<Struct>([&](const auto& field) {
    if (checked && !holds(field.rule, kind.*field.member))
      checked = base::fail(ErrorCode::invalid_argument, "{} of {} must be {}, found {}", field.name,
                           Spelling<Struct>::kName, expected(field.rule), kind.*field.member);
  });
  return checked;
}

// Poisson sampling is known for units that come and go, sampling of a fixed size for units that
// change.
template <class Struct>
base::Result<void> check_relation(const Struct& kind, Neighbours neighbours) {
  if constexpr (std::is_same_v<Struct, loss::FixedSizeGaussian>) {
    if (neighbours != Neighbours::replace_one)
      return base::fail(ErrorCode::invalid_argument,
                        "fixed_size_gaussian is a loss under neighbours=replace_one, found {}; "
                        "under add_remove use gaussian with Poisson sampling",
                        text(neighbours));
  } else if constexpr (requires { kind.sampling_rate; }) {
    if (kind.sampling_rate < 1 && neighbours != Neighbours::add_remove)
      return base::fail(ErrorCode::invalid_argument,
                        "{} with a sampling_rate of {} is a loss under neighbours=add_remove, "
                        "found {}; for samples of a fixed size use fixed_size_gaussian",
                        Spelling<Struct>::kName, kind.sampling_rate, text(neighbours));
  }
  return {};
}

template <std::size_t... I>
std::vector<std::string> kind_names(std::index_sequence<I...>) {
  return {std::string(Spelling<std::variant_alternative_t<I, loss::Kind>>::kName)...};
}

constexpr auto kAllKinds = std::make_index_sequence<std::variant_size_v<loss::Kind>>();

// The kind of that name with every field at its default.
template <std::size_t I = 0>
base::Result<loss::Kind> kind_named(std::string_view name) {
  if constexpr (I == std::variant_size_v<loss::Kind>) {
    const auto names = kind_names(kAllKinds);
    return base::fail(ErrorCode::invalid_argument, "no privacy loss is called '{}'{}; known: {}",
                      name, base::did_you_mean(name, names), fmt::join(names, ", "));
  } else {
    using Struct = std::variant_alternative_t<I, loss::Kind>;
    if (Spelling<Struct>::kName == name) return loss::Kind(Struct{});
    return kind_named<I + 1>(name);
  }
}

template <class Value>
base::Result<void> read_number(std::string_view name, std::string_view digits, Value& out) {
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  if (error != std::errc() || end != digits.data() + digits.size())
    return base::fail(ErrorCode::invalid_argument, "{} must be a {}, found '{}'", name,
                      std::is_integral_v<Value> ? "whole number" : "number", digits);
  return {};
}

template <class Struct>
base::Result<void> set_field(Struct& kind, std::string_view name, std::string_view digits) {
  base::Result<void> set;
  bool found = false;
  each_field<Struct>([&](const auto& field) {
    if (field.name != name) return;
    found = true;
    set = read_number(name, digits, kind.*field.member);
  });
  if (found) return set;
  std::vector<std::string> known;
  each_field<Struct>([&](const auto& field) { known.emplace_back(field.name); });
  known.emplace_back("neighbours");
  return base::fail(ErrorCode::invalid_argument, "{} has no field '{}'{}; known: {}",
                    Spelling<Struct>::kName, name, base::did_you_mean(name, known),
                    fmt::join(known, ", "));
}

// Words between blanks.
std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> found;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) found.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return found;
}

}  // namespace

std::string_view text(Neighbours neighbours) {
  return neighbours == Neighbours::add_remove ? "add_remove" : "replace_one";
}

base::Result<Neighbours> parse_neighbours(std::string_view text) {
  if (text == "add_remove") return Neighbours::add_remove;
  if (text == "replace_one") return Neighbours::replace_one;
  return base::fail(ErrorCode::invalid_argument,
                    "neighbours must be add_remove or replace_one, found '{}'", text);
}

base::Result<PrivacyLoss> PrivacyLoss::create(const loss::Kind& kind, Neighbours neighbours) {
  const auto check = [&](const auto& fields) -> base::Result<void> {
    if (auto checked = check_fields(fields); !checked) return checked;
    return check_relation(fields, neighbours);
  };
  HANSE_TRY_VOID(std::visit(check, kind));
  return PrivacyLoss(kind, neighbours);
}

std::string PrivacyLoss::text() const {
  std::string out = std::visit(
      []<class Struct>(const Struct& kind) {
        std::string line(Spelling<Struct>::kName);
        each_field<Struct>([&](const auto& field) {
          if (kind.*field.member != Struct{}.*field.member)
            line += fmt::format(" {}={}", field.name, kind.*field.member);
        });
        return line;
      },
      kind_);
  if (neighbours_ != Neighbours::add_remove)
    out += fmt::format(" neighbours={}", privacy::text(neighbours_));
  return out;
}

base::Result<PrivacyLoss> PrivacyLoss::parse(std::string_view text) {
  if (text.size() > kMaxText)
    return base::fail(ErrorCode::invalid_argument,
                      "a privacy loss is written in at most {} bytes, found {}", kMaxText,
                      text.size());
  const auto parts = words(text);
  HANSE_TRY(loss::Kind kind, kind_named(parts.empty() ? std::string_view() : parts[0]));
  Neighbours neighbours = Neighbours::add_remove;
  std::vector<std::string_view> seen;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::size_t sign = parts[i].find('=');
    if (sign == std::string_view::npos)
      return base::fail(ErrorCode::invalid_argument, "expected field=value, found '{}'", parts[i]);
    const std::string_view name = parts[i].substr(0, sign);
    const std::string_view value = parts[i].substr(sign + 1);
    if (std::ranges::find(seen, name) != seen.end())
      return base::fail(ErrorCode::invalid_argument, "'{}' is given twice", name);
    seen.push_back(name);
    if (name == "neighbours") {
      HANSE_TRY(neighbours, parse_neighbours(value));
      continue;
    }
    HANSE_TRY_VOID(std::visit([&](auto& fields) { return set_field(fields, name, value); }, kind));
  }
  return create(kind, neighbours);
}

namespace {

// What happens to each kind when a unit counts as `times` units.
struct Scaling {
  double times;
  double whole() const { return std::ceil(times); }

  base::Result<loss::Kind> operator()(loss::Unbounded kind) const { return loss::Kind(kind); }
  // Binomial(k, q) of the k units are in the sample, so the pair is dominated by k units that come
  // all together with probability 1 − (1 − q)^k: the likelihood ratio grows with x, and the
  // threshold sets that attain every hockey-stick divergence then favour the larger mixture
  // (Ganesh 2024, whose mixtures of Gaussians this bounds).
  double rate(double sampling_rate) const {
    return sampling_rate < 1 ? -std::expm1(whole() * std::log1p(-sampling_rate)) : 1;
  }
  double length(double sampling_rate) const { return sampling_rate < 1 ? whole() : times; }
  base::Result<loss::Kind> operator()(loss::Gaussian kind) const {
    return loss::Gaussian{kind.noise_multiplier / length(kind.sampling_rate),
                          rate(kind.sampling_rate)};
  }
  base::Result<loss::Kind> operator()(const loss::FixedSizeGaussian& kind) const {
    if (kind.sampling_rate < 1)
      return base::fail(ErrorCode::unsupported,
                        "no bound is known for {} units of a sample of fixed size; sample by "
                        "Poisson, or charge without sampling",
                        times);
    return loss::FixedSizeGaussian{kind.noise_multiplier / times, 1};
  }
  base::Result<loss::Kind> operator()(loss::DiscreteGaussian kind) const {
    kind.sensitivity *= length(kind.sampling_rate);
    kind.sampling_rate = rate(kind.sampling_rate);
    return kind;
  }
  base::Result<loss::Kind> operator()(loss::Laplace kind) const {
    return loss::Laplace{kind.scale / length(kind.sampling_rate), rate(kind.sampling_rate)};
  }
  base::Result<loss::Kind> operator()(loss::DiscreteLaplace kind) const {
    const double steps = static_cast<double>(kind.sensitivity) * whole();
    if (steps > 0x1p53)
      return base::fail(ErrorCode::unsupported, "{} lattice steps are more than 2^53", steps);
    return loss::DiscreteLaplace{kind.scale, static_cast<std::uint64_t>(steps)};
  }
  base::Result<loss::Kind> operator()(loss::Skellam kind) const {
    return loss::Skellam{kind.variance, kind.l1_sensitivity * times, kind.l2_sensitivity * times};
  }
  base::Result<loss::Kind> operator()(loss::Pure kind) const {
    return loss::Pure{kind.epsilon * whole()};
  }
  // Along a chain of neighbours the ranges add.
  base::Result<loss::Kind> operator()(loss::BoundedRange kind) const {
    return loss::BoundedRange{kind.epsilon * whole()};
  }
  // (kε, δ·(1 + e^ε + … + e^{(k−1)ε})): Dwork, Roth 2014, Theorem 2.2 step by step.
  base::Result<loss::Kind> operator()(loss::Approximate kind) const {
    const double delta =
        kind.delta > 0 ? kind.delta * std::expm1(whole() * kind.epsilon) / std::expm1(kind.epsilon)
                       : 0;
    if (!(delta < 1))
      return base::fail(ErrorCode::unsupported,
                        "nothing is promised to {} units by epsilon={} delta={}", times,
                        kind.epsilon, kind.delta);
    return loss::Approximate{kind.epsilon * whole(), delta};
  }
  // Bun, Steinke 2016, Proposition 1.9.
  base::Result<loss::Kind> operator()(loss::Concentrated kind) const {
    return loss::Concentrated{kind.rho * whole() * whole()};
  }
};

}  // namespace

base::Result<PrivacyLoss> PrivacyLoss::scaled(double stability) const {
  if (!std::isfinite(stability) || stability < 1)
    return base::fail(ErrorCode::invalid_argument,
                      "stability must be finite and at least 1, found {}", stability);
  if (stability == 1) return *this;
  HANSE_TRY(const loss::Kind kind, std::visit(Scaling{stability}, kind_));
  return create(kind, neighbours_);
}

}  // namespace hanse::privacy
