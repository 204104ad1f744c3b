#include "jobs/words.h"

namespace hanse::jobs {

const Words<data::ColumnKind>& words_of(data::ColumnKind) {
  using data::ColumnKind;
  static const Words<ColumnKind> words{
      {"number", ColumnKind::number},       {"category", ColumnKind::category},
      {"label", ColumnKind::label},         {"group", ColumnKind::group},
      {"site", ColumnKind::site},           {"site_class", ColumnKind::site_class},
      {"order", ColumnKind::order},         {"unit", ColumnKind::unit},
      {"partition", ColumnKind::partition}, {"input", ColumnKind::input},
      {"text", ColumnKind::text},           {"ignore", ColumnKind::ignore},
  };
  return words;
}

const Words<data::MissingPolicy>& words_of(data::MissingPolicy) {
  using data::MissingPolicy;
  static const Words<MissingPolicy> words{{"refuse", MissingPolicy::refuse},
                                          {"drop", MissingPolicy::drop},
                                          {"neutral", MissingPolicy::neutral},
                                          {"value", MissingPolicy::value}};
  return words;
}

const Words<data::TableFormat>& words_of(data::TableFormat) {
  using data::TableFormat;
  static const Words<TableFormat> words{{"csv", TableFormat::csv},
                                        {"whitespace", TableFormat::whitespace},
                                        {"npy", TableFormat::npy},
                                        {"postgresql", TableFormat::postgresql}};
  return words;
}

const Words<data::TransformKind>& words_of(data::TransformKind) {
  using data::TransformKind;
  static const Words<TransformKind> words{
      {"rolling_mean", TransformKind::rolling_mean},
      {"rolling_std", TransformKind::rolling_std},
      {"rolling_slope", TransformKind::rolling_slope},
      {"baseline", TransformKind::baseline},
      {"window", TransformKind::window},
      {"log", TransformKind::log},
      {"copy", TransformKind::copy},
      {"ratio", TransformKind::ratio},
      {"product", TransformKind::product},
      {"difference", TransformKind::difference},
      {"interaction", TransformKind::interaction},
      {"sum", TransformKind::sum},
      {"hats", TransformKind::hats},
      {"remaining_life", TransformKind::remaining_life},
      {"threshold", TransformKind::threshold},
      {"bands", TransformKind::bands},
      {"which", TransformKind::which},
      {"combine", TransformKind::combine},
  };
  return words;
}

const Words<data::RecordingUnit>& words_of(data::RecordingUnit) {
  using data::RecordingUnit;
  static const Words<RecordingUnit> words{{"recording", RecordingUnit::recording},
                                          {"group", RecordingUnit::group},
                                          {"window", RecordingUnit::window}};
  return words;
}

const Words<data::SplitKind>& words_of(data::SplitKind) {
  using data::SplitKind;
  static const Words<SplitKind> words{{"holdout", SplitKind::holdout},
                                      {"k_fold", SplitKind::k_fold},
                                      {"declared", SplitKind::declared}};
  return words;
}

const Words<data::SplitBy>& words_of(data::SplitBy) {
  using data::SplitBy;
  static const Words<SplitBy> words{
      {"group", SplitBy::group}, {"record", SplitBy::record}, {"time", SplitBy::time}};
  return words;
}

const Words<data::TestOn>& words_of(data::TestOn) {
  using data::TestOn;
  static const Words<TestOn> words{{"all", TestOn::all}, {"last", TestOn::last}};
  return words;
}

const Words<Over>& words_of(Over) {
  static const Words<Over> words{
      {"records", Over::records}, {"sites", Over::sites}, {"groups", Over::groups}};
  return words;
}

}  // namespace hanse::jobs
