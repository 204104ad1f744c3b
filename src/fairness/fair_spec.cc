#include "fairness/fair_spec.h"

#include <array>
#include <cmath>
#include <numeric>
#include <utility>

namespace hanse::fairness {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

constexpr std::array<std::pair<Method, std::string_view>, 8> kMethods{
    {{Method::calibration, "calibration"},
     {Method::measure, "measure"},
     {Method::saddle_point, "saddle_point"},
     {Method::combination, "combination"},
     {Method::agnostic, "agnostic"},
     {Method::q_fedavg, "q_fedavg"},
     {Method::gifair, "gifair"},
     {Method::dpsgd_f, "dpsgd_f"}}};
constexpr std::uint32_t kMostWeightRounds = 64;
constexpr std::array<std::pair<ConstraintKind, std::string_view>, 3> kConstraints{
    {{ConstraintKind::excess_gap, "excess_gap"},
     {ConstraintKind::gap, "gap"},
     {ConstraintKind::worst_class, "worst_class"}}};

template <class Kind, std::size_t n>
std::string_view name_in(const std::array<std::pair<Kind, std::string_view>, n>& table,
                         Kind wanted) {
  for (const auto& [kind, name] : table)
    if (kind == wanted) return name;
  HANSE_CHECK(false);
  return {};
}

template <class Kind, std::size_t n>
Result<Kind> kind_in(const std::array<std::pair<Kind, std::string_view>, n>& table,
                     std::string_view wanted, std::string_view what) {
  std::string names;
  for (const auto& [kind, name] : table) {
    if (name == wanted) return kind;
    names += (names.empty() ? "'" : ", '") + std::string(name) + "'";
  }
  return fail(ErrorCode::invalid_argument, "expected {} ({}), found '{}'", what, names,
              wanted.substr(0, 64));
}

}  // namespace

std::string_view name_of(Method method) { return name_in(kMethods, method); }

Result<Method> method_named(std::string_view name) {
  return kind_in(kMethods, name, "a method of fairness");
}

bool weighs(Method method) {
  return method != Method::calibration && method != Method::measure && !clips(method);
}

bool clips(Method method) { return method == Method::dpsgd_f; }

bool calibrates(Method method) {
  return method == Method::calibration || method == Method::combination;
}

std::string_view name_of(ConstraintKind kind) { return name_in(kConstraints, kind); }

Result<ConstraintKind> constraint_named(std::string_view name) {
  return kind_in(kConstraints, name, "a constraint");
}

Result<void> check_spec(const FairSpec& spec) {
  if (spec.classes.size() < 2)
    return fail(ErrorCode::invalid_argument,
                "fairness is between classes of sites, and there is {}: declare a [[class]] with "
                "name and sites for each, so large that none has to be joined with its neighbour",
                spec.classes.size());
  HANSE_TRY_VOID(data::check_classes(spec.classes));
  if (spec.weights.size() != spec.classes.size())
    return fail(ErrorCode::invalid_argument, "{} weights for {} classes", spec.weights.size(),
                spec.classes.size());
  for (const double weight : spec.weights)
    if (!(weight > 0 && weight <= 1))
      return fail(ErrorCode::invalid_argument, "'weight' is above 0 and at most 1, found {}",
                  weight);
  const double all = std::accumulate(spec.weights.begin(), spec.weights.end(), 0.0);
  if (std::abs(all - 1) > 1e-9)
    return fail(ErrorCode::invalid_argument, "weights of classes are 1 together, found {}", all);
  if (!(spec.bound >= 0 && spec.bound <= 1e3))
    return fail(ErrorCode::invalid_argument, "'bound' is 0 to 1000, found {}", spec.bound);
  const bool lifts = spec.method == Method::saddle_point || spec.method == Method::combination;
  if (lifts && spec.constraint == ConstraintKind::excess_gap && spec.best.empty())
    return fail(ErrorCode::invalid_argument,
                "'constraint' excess_gap is over what each class's own best model loses, and a "
                "training by '{}' has to know that: say 'best' in each [[class]] (`hanse fairness "
                "risk` of this job with method = \"calibration\" estimates it), or bound \"gap\" "
                "or \"worst_class\"",
                name_of(spec.method));
  if (!spec.best.empty() && spec.best.size() != spec.classes.size())
    return fail(ErrorCode::invalid_argument, "'best' is known of {} classes, and there are {}",
                spec.best.size(), spec.classes.size());
  for (const double best : spec.best)
    if (!(best >= 0 && best <= 1e3))
      return fail(ErrorCode::invalid_argument, "'best' is 0 to 1000, found {}", best);
  if (spec.weight_rounds < 1 || spec.weight_rounds > kMostWeightRounds)
    return fail(ErrorCode::invalid_argument, "'weight_rounds' is 1 to {}, found {}",
                kMostWeightRounds, spec.weight_rounds);
  if (spec.norms && clips(spec.method))
    return fail(ErrorCode::invalid_argument,
                "'norms' is one round more that asks how long gradients are, and method '{}' asks "
                "in 'weight_rounds' of them: leave it out",
                name_of(spec.method));
  if (!(spec.share > 0 && spec.share < 1))
    return fail(ErrorCode::invalid_argument, "'share' is above 0 and below 1, found {}",
                spec.share);
  if (spec.bins < 4 || spec.bins > 256)
    return fail(ErrorCode::invalid_argument, "'bins' is 4 to 256, found {}", spec.bins);
  return {};
}

}  // namespace hanse::fairness
