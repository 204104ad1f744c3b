#include "jobs/report_groups.h"

#include <fmt/format.h>

#include "jobs/report_charts.h"

namespace hanse::jobs {
namespace {

std::string with_interval(const Estimate& estimate, bool is_difference = false) {
  const auto number = [&](double value) {
    return is_difference ? fmt::format("{:+.4f}", value) : fmt::format("{:.4f}", value);
  };
  if (!estimate.value) return "–";
  std::string text = number(*estimate.value);
  if (estimate.low && estimate.high)
    text += fmt::format(" ({} to {})", number(*estimate.low), number(*estimate.high));
  return text;
}

std::string kept_or_not(const ReportedFairness& fairness, const Estimate& disparity) {
  const std::string value =
      fmt::format("the groups' shares of \"{}\" lie {} apart, at most {:g} wanted",
                  fairness.groups->positive, with_interval(disparity), fairness.bound);
  if (disparity.high && *disparity.high <= fairness.bound)
    return fmt::format("The bound is kept: {}.", value);
  if (disparity.low && *disparity.low > fairness.bound)
    return fmt::format("The bound is not kept: {}.", value);
  return fmt::format("Nothing says that the bound is kept, nor that it is not: {}{}.", value,
                     disparity.low ? "" : "; one split has no interval, add evaluation.repeats");
}

}  // namespace

ReportedFairness reported(const fairness::GroupSpec& spec, const data::Schema& schema) {
  return {.method = std::string(kFdpFair),
          .constraint = {},
          .bound = spec.bound,
          .share = 0,
          .classes = {},
          .metrics = {},
          .groups = ReportedGroups{spec.by, spec.groups[0], spec.groups[1],
                                   schema.label()->values.at(spec.positive)}};
}

std::vector<FairnessRow> group_rows(const ReportedGroups& groups) {
  std::vector<FairnessRow> rows{{"error", "error"}, {"disparity", "disparity"}};
  for (const std::string& group : {groups.without, groups.with}) {
    const std::string name = fmt::format("{} {}", groups.by, group);
    rows.push_back({fmt::format("{}: {}", name, groups.positive), "rate_" + group});
    rows.push_back({fmt::format("{}: error", name), "error_" + group});
  }
  return rows;
}

std::vector<std::string> group_verdicts(const ReportedFairness& fairness) {
  const Estimate* disparity = find(fairness.metrics.federated, "disparity");
  if (disparity == nullptr || !disparity->value) return {};
  std::vector<std::string> sentences{kept_or_not(fairness, *disparity)};
  const Estimate* error = find(fairness.metrics.federated_minus_local, "error");
  const Estimate* free = find(fairness.metrics.local, "disparity");
  if (error && error->value && free && free->value)
    sentences.push_back(fmt::format(
        "Without the bound the same probabilities give them {} apart; the bound changes the error "
        "by {}.",
        with_interval(*free), with_interval(*error, true)));
  return sentences;
}

std::string groups_section(const ReportedFairness& fairness) {
  std::string said;
  for (const std::string& sentence : group_verdicts(fairness))
    said += fmt::format("<p>{}{}{}</p>", said.empty() ? "<strong>" : "", escaped(sentence),
                        said.empty() ? "</strong>" : "");
  std::string rows;
  for (const FairnessRow& row : rows_of(fairness)) {
    const auto of = [&](const Estimates& arm, bool is_difference = false) {
      return cell(find(arm, row.value), is_difference);
    };
    const ComparedArms& metrics = fairness.metrics;
    rows += fmt::format(
        R"(<tr><th scope="row">{}</th><td class="main">{}</td><td>{}</td><td>{}</td><td>{}</td>)"
        R"(</tr>)",
        escaped(row.name), of(metrics.federated), of(metrics.local), of(metrics.pooled),
        of(metrics.federated_minus_local, true));
  }
  const std::string note = fmt::format(
      "On test records of both values of {}. Disparity is how far their shares of \"{}\" lie "
      "apart. Without the bound: the same probabilities, each label where it is the likelier one. "
      "In one place: all records at one site, under the same budget.",
      fairness.groups->by, fairness.groups->positive);
  return fmt::format(
      R"(<h2>Fairness</h2>{}<div class="card scroll"><table><thead><tr><th scope="col">rate</th>)"
      R"(<th scope="col">fair</th><th scope="col">no bound</th><th scope="col">in one place</th>)"
      R"(<th scope="col">fair − no bound</th></tr></thead><tbody>{}</tbody></table></div>)"
      R"(<p class="note">{}</p>)",
      said, rows, escaped(note));
}

}  // namespace hanse::jobs
