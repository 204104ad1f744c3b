#include "hanse/summary.h"

#include <gtest/gtest.h>

#include "hanse/progress.h"

namespace hanse::commands {
namespace {

jobs::Estimates estimate(std::optional<double> value) { return {{"roc_auc", value, {}, {}}}; }

jobs::ComparedArms arms(double local, double federated, std::optional<double> pooled) {
  return {estimate(local), estimate(federated), estimate(pooled), estimate(federated - local)};
}

jobs::Report two_sites() {
  jobs::Report report;
  report.job.name = "bearings";
  report.seed = 7;
  report.sites = {{"köln", "modern", 900, 1200, 0, {}, {40, 220'160}, arms(.7, .9, .91)},
                  {"lübeck", "legacy", 90, 34, 0, {}, {40, 220'160}, arms(.6, .85, std::nullopt)}};
  report.groups = {{"legacy", {"lübeck"}, 90, 34, arms(.6, .85, .86)}};
  report.metrics.mean = arms(.701, .902, .911);
  return report;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t end = text.find('\n', from);
    lines.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return lines;
}

TEST(Summary, ColumnsLineUpWhateverTheAlphabet) {
  const std::string text = summary(two_sites(), Style{});
  std::size_t width = 0;
  int rows = 0;
  for (const std::string& line : lines_of(text)) {
    if (!line.starts_with("  ")) continue;
    ++rows;
    if (width == 0) width = width_of(line);
    EXPECT_EQ(width_of(line), width) << line;
  }
  EXPECT_EQ(rows, 7);
}

TEST(Summary, ShowsNumbersWithTheirNAndADashWhereUndefined) {
  const std::string text = summary(two_sites(), Style{});
  EXPECT_NE(text.find("1,234"), std::string::npos) << text;
  EXPECT_NE(text.find("0.902"), std::string::npos);
  EXPECT_NE(text.find("–"), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(Summary, ShowsIntervalsAndTheDifferenceWhereThereAreSome) {
  jobs::Report report = two_sites();
  for (auto* metrics : {&report.metrics.mean, &report.sites[0].metrics}) {
    metrics->federated.front() = {"roc_auc", .9, .88, .92};
    metrics->federated_minus_local.front() = {"roc_auc", .2, .1, .3};
  }
  report.job.repeats = 10;
  const std::string text = summary(report, Style{});
  for (const char* part :
       {"0.900±0.020", "+0.200±0.100", "fed. − local", "seeds 7 to 16", "95 % interval"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  EXPECT_EQ(summary(two_sites(), Style{}).find("±"), std::string::npos);
}

TEST(Summary, FitsATerminal) {
  jobs::Report report = two_sites();
  for (auto* metrics : {&report.metrics.mean, &report.sites[0].metrics, &report.sites[1].metrics})
    for (auto* arm :
         {&metrics->local, &metrics->federated, &metrics->pooled, &metrics->federated_minus_local})
      arm->front() = {"rmse", 17.01, 15.01, 19.01};
  report.groups.clear();
  for (auto& site : report.sites) site.group.clear();
  report.job.split = "declared";
  for (int i = 0; i < 20; ++i) report.hurt.push_back({"köln", "rmse", std::string(jobs::kHurts)});
  for (const std::string& line : lines_of(summary(report, Style{})))
    EXPECT_LE(width_of(line), 80U) << line;
  const std::string longest(64, 'x');
  report.sites[0].name = longest;
  const std::string text = summary(report, Style{});
  EXPECT_EQ(text.find(longest), std::string::npos);
  EXPECT_NE(text.find(longest.substr(0, 39) + "… "), std::string::npos) << text;
}

TEST(Summary, NamesSitesThatJoiningHurts) {
  jobs::Report report = two_sites();
  report.sites[1].metrics.federated_minus_local.front() = {"roc_auc", -.1, -.15, -.05};
  report.hurt = {{"lübeck", "roc_auc", std::string(jobs::kHurts)},
                 {"köln", "roc_auc", std::string(jobs::kMayHurt)}};
  const std::string text = summary(report, Style{});
  EXPECT_NE(text.find("joining hurts: lübeck (roc_auc -0.100, -0.150 to -0.050)"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("joining may hurt: köln"), std::string::npos) << text;
}

TEST(Summary, EveryTableOfALeakyRunSaysSo) {
  jobs::Report report = two_sites();
  report.job.split = "holdout of 30 % by record, LEAKY: groups may be on both sides";
  const std::string text = summary(report, Style{});
  for (const char* table : {"LEAKY · all test records", "LEAKY · per site", "LEAKY · per group"})
    EXPECT_NE(text.find(table), std::string::npos) << text;
  EXPECT_NE(comparison({{"a", report}, {"b", report}}, Style{}).find("LEAKY"), std::string::npos);
}

TEST(Summary, SaysWhatLeft) {
  EXPECT_EQ(departures(two_sites()), "Each site sent 40 vectors, 215.0 KiB, and no record");
  jobs::Report uneven = two_sites();
  uneven.sites[1].left = {39, 1000};
  EXPECT_EQ(departures(uneven),
            "Each site sent 39 to 40 vectors, at most 215.0 KiB, and no record");
}

TEST(Summary, ComparesRunsOfDifferentMetrics) {
  jobs::Report other = two_sites();
  other.metrics.mean.federated = {{"accuracy", .5, {}, {}}};
  const std::string text = comparison({{"runs/a", two_sites()}, {"runs/b", other}}, Style{});
  EXPECT_NE(text.find("accuracy"), std::string::npos);
  EXPECT_NE(text.find("roc_auc"), std::string::npos);
  EXPECT_NE(text.find("runs/b"), std::string::npos);
}

TEST(Terminal, CountsColumnsNotBytes) {
  EXPECT_EQ(width_of("lübeck"), 6U);
  EXPECT_EQ(left("ü", 3), "ü  ");
  EXPECT_EQ(right("ü", 3), "  ü");
  EXPECT_EQ(right("long", 2), "long");
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(bytes_in_words(1024), "1.0 KiB");
}

TEST(Terminal, MakesControlCharactersVisible) {
  EXPECT_EQ(visible("\x1b[2Jgone\r\x07\x7f\n"), "\\x1b[2Jgone\\x0d\\x07\\x7f\n");
  EXPECT_EQ(visible(std::string_view("a\0b\tc", 5)), "a\\x00b\\x09c");
  EXPECT_EQ(visible("\xC2\x9B"
                    "31m"),
            "\\u009b31m");  // CSI as one character of C1
  EXPECT_EQ(visible("\x9B"
                    "31m"),
            "\\x9b31m");  // and as one byte
  EXPECT_EQ(visible("a,b\r\nc"), "a,b\r\nc");
  for (const char* fine :
       {"lübeck", "\xC2\xA0", "– · █ 日本 😀", "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF"})
    EXPECT_EQ(visible(fine), fine);
  EXPECT_EQ(visible("\xC0\x9B"), "\\xc0\\x9b");           // overlong
  EXPECT_EQ(visible("\xED\xA0\x80"), "\\xed\\xa0\\x80");  // surrogate
  EXPECT_EQ(visible("\xF0\x9F\x98"), "\\xf0\\x9f\\x98");  // cut short
  EXPECT_EQ(visible("\xC2"), "\\xc2");
}

TEST(Summary, ObeysNoTextOfAReport) {
  jobs::Report report = two_sites();
  const std::string evil =
      "\x1b[2J\xC2\x9B"
      "1A\r";
  report.job.name = report.job.source = report.job.split = evil;
  report.job.model = report.job.strategy = evil;
  report.sites[0].name = report.sites[0].group = report.groups[0].name = evil;
  report.metrics.mean.federated.front().name = evil;
  report.metrics.folds.resize(2);
  for (const std::string& text :
       {summary(report, Style{}), comparison({{evil, report}, {"b", report}}, Style{})}) {
    EXPECT_EQ(text.find_first_of("\x1b\r"), std::string::npos) << text;
    EXPECT_EQ(text.find("\xC2\x9B"), std::string::npos) << text;
    EXPECT_NE(text.find("\\x1b[2J\\u009b1A\\x0d"), std::string::npos) << text;
  }
}

TEST(Progress, NamesFoldAndRound) {
  jobs::Progress progress{jobs::Phase::federated, 1, 1, 2, 3, 7, 40, 0, 4, 5, 2048, .25};
  EXPECT_EQ(in_words(progress), "fold 2/3  round  7/40  4/5 sites in  loss 0.2500  2.0 KiB");
  progress.repeats = 10;
  EXPECT_EQ(in_words(progress),
            "repeat 1/10  fold 2/3  round  7/40  4/5 sites in  loss 0.2500  2.0 KiB");
}

}  // namespace
}  // namespace hanse::commands
