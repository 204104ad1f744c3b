// Speed and memory of reading and of features, as rows of JSON. Writes the table that it reads,
// 100 MB of numbers as plants log them, where bench/peers/data.py finds it. With HANSE_FULL set,
// also the memory that 2 GB take.

#include <fmt/core.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "base/random.h"
#include "data/inspect.h"
#include "data/reader.h"
#include "data/vibration.h"

namespace {

using namespace hanse;

constexpr std::size_t kColumns = 16;
constexpr int kRepeats = 9;

std::string path_of(std::string_view name) {
  return (std::filesystem::temp_directory_path() / name).string();
}

// Numbers of six digits, as sensors give them. A block of records is made once and repeated.
void write_table(const std::string& path, std::size_t bytes) {
  constexpr std::size_t kBlock = 20'000;
  base::SeededSimulationRandom random(7, "bench/data");
  std::string block;
  for (std::size_t row = 0; row < kBlock; ++row)
    for (std::size_t column = 0; column < kColumns; ++column)
      block += fmt::format("{:.6g}{}", 100 * base::standard_normal(random),
                           column + 1 < kColumns ? ',' : '\n');
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  HANSE_CHECK(file != nullptr);
  for (std::size_t i = 0; i < kColumns; ++i)
    fmt::print(file, "x{}{}", i, i + 1 < kColumns ? ',' : '\n');
  for (std::size_t done = 0; done < bytes; done += block.size())
    HANSE_CHECK(std::fwrite(block.data(), 1, block.size(), file) == block.size());
  HANSE_CHECK(std::fclose(file) == 0);
}

std::vector<data::Column> columns() {
  std::vector<data::Column> made(kColumns);
  for (std::size_t i = 0; i < kColumns; ++i) {
    made[i].name = fmt::format("x{}", i);
    made[i].kind = data::ColumnKind::number;
    made[i].high = 1;
  }
  return made;
}

data::TableSpec spec_of(const std::string& path) {
  data::TableSpec spec;
  spec.path = path;
  return spec;
}

template <class Act>
double seconds(const Act& act) {
  const auto begin = std::chrono::steady_clock::now();
  act();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

template <class Act>
double median_seconds(const Act& act) {
  std::vector<double> taken(kRepeats);
  for (double& one : taken) one = seconds(act);
  std::ranges::nth_element(taken, taken.begin() + kRepeats / 2);
  return taken[kRepeats / 2];
}

void print(std::string_view name, double value, std::string_view unit) {
  fmt::print(R"({{"name":"{}","value":{:.4g},"unit":"{}"}})"
             "\n",
             name, value, unit);
}

double peak_megabytes() {
  rusage usage{};
  HANSE_CHECK(::getrusage(RUSAGE_SELF, &usage) == 0);
  return static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;
}

// To be measured first: a peak stays.
void measure_memory() {
  const std::string path = path_of("hanse-bench-large.csv");
  write_table(path, 2'000'000'000);
  const storage::Disk disk;
  const auto reader = data::open_table({disk}, spec_of(path), columns());
  HANSE_CHECK(reader.has_value());
  const double read = seconds([&] {
    data::Table batch;
    for (std::size_t got = 1; got > 0;) {
      got = (*reader)->read(batch, 10'000).value();
      batch = {};
    }
  });
  print("csv_2gb_read_peak", peak_megabytes(), "MB");
  print("csv_2gb_read", 2000 / read, "MB/s");
  const double inspected =
      seconds([&] { HANSE_CHECK(data::inspect_table({disk}, spec_of(path)).has_value()); });
  print("csv_2gb_inspect_peak", peak_megabytes(), "MB");
  print("csv_2gb_inspect", 2000 / inspected, "MB/s");
  std::filesystem::remove(path);
}

void measure_csv() {
  const std::string path = path_of("hanse-bench.csv");
  write_table(path, 100'000'000);
  const storage::Disk disk;
  const double taken = median_seconds(
      [&] { HANSE_CHECK(data::read_table({disk}, spec_of(path), columns()).has_value()); });
  print("csv_numbers", static_cast<double>(std::filesystem::file_size(path)) / 1e6 / taken, "MB/s");
}

void measure_features() {
  const data::vibration::WindowSpec spec{.sampling_rate_hz = 12'000,
                                         .samples = 4096,
                                         .geometry = data::vibration::bearing("skf_6205").value()};
  auto extractor = data::vibration::Extractor::create(spec).value();
  base::SeededSimulationRandom random(7, "window");
  std::vector<double> window(spec.samples);
  for (double& value : window) value = base::standard_normal(random);
  std::vector<double> features(data::vibration::feature_columns().size());
  constexpr int kWindows = 200;
  const double taken = median_seconds([&] {
    for (int i = 0; i < kWindows; ++i) extractor.extract(window, 30, features);
  });
  print("window_features_4096", 1e6 * taken / kWindows, "us");
}

}  // namespace

int main() {
  if (std::getenv("HANSE_FULL") != nullptr) measure_memory();
  measure_csv();
  measure_features();
  return 0;
}
