#include "data/fleet.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "base/limits.h"
#include "data/machine.h"
#include "data/recordings.h"

namespace hanse::data {
namespace {

using base::ErrorCode;

// A converter below 4 bits shows nothing of a bearing, one above 24 more than there is.
constexpr int kMinBits = 4;
constexpr int kMaxBits = 24;

vibration::WindowSpec window_of(const FleetSpec& spec, const vibration::BearingGeometry& geometry) {
  return {spec.sampling_rate_hz, spec.window, geometry};
}

base::Result<void> check_plant(const PlantSpec& plant, const vibration::WindowSpec& window) {
  HANSE_TRY_VOID(base::SiteId::create(plant.name));
  if (plant.bearings < 1 || plant.recordings < 1)
    return base::fail(ErrorCode::invalid_argument,
                      "expected at least one bearing and one recording of each, found {} and {}",
                      plant.bearings, plant.recordings);
  if (!(plant.severity >= 0 && plant.severity <= 1))
    return base::fail(ErrorCode::invalid_argument, "severity must be in [0, 1], found {}",
                      plant.severity);
  const auto share = [](double part) { return std::isfinite(part) && part >= 0; };
  const double whole = std::accumulate(plant.balance.begin(), plant.balance.end(), 0.0);
  if (!std::ranges::all_of(plant.balance, share) || !std::isfinite(whole) || !(whole > 0))
    return base::fail(ErrorCode::invalid_argument,
                      "balance must be shares of at least 0, not all 0, found {}, {}, {}, {}",
                      plant.balance[0], plant.balance[1], plant.balance[2], plant.balance[3]);
  if (!(plant.noise_g >= 0 && plant.noise_g <= kFullScaleG))
    return base::fail(ErrorCode::invalid_argument, "noise_g must be in [0, {}], found {}",
                      kFullScaleG, plant.noise_g);
  if (plant.quantisation_bits < kMinBits || plant.quantisation_bits > kMaxBits)
    return base::fail(ErrorCode::invalid_argument, "quantisation_bits must be {} to {}, found {}",
                      kMinBits, kMaxBits, plant.quantisation_bits);
  if (!(plant.rpm_low <= plant.rpm_high))
    return base::fail(ErrorCode::invalid_argument,
                      "rpm_low must not be above rpm_high, found {} and {}", plant.rpm_low,
                      plant.rpm_high);
  HANSE_TRY_VOID(check_shaft(window, plant.rpm_low / 60));
  return check_shaft(window, plant.rpm_high / 60);
}

base::Result<vibration::WindowSpec> check(const FleetSpec& spec) {
  HANSE_TRY(const vibration::BearingGeometry geometry, vibration::bearing(spec.bearing));
  const vibration::WindowSpec window = window_of(spec, geometry);
  HANSE_TRY_VOID(vibration::Extractor::create(window));
  if (spec.sites.empty() || spec.sites.size() > base::kMaxSites)
    return base::fail(ErrorCode::invalid_argument, "a fleet has 1 to {} plants, found {}",
                      base::kMaxSites, spec.sites.size());
  std::set<std::string_view> names;
  std::size_t records = 0;
  for (const PlantSpec& plant : spec.sites) {
    const auto fine = check_plant(plant, window);
    if (!fine) return base::fail(fine.error().within("plant '" + plant.name + "'"));
    if (!names.insert(plant.name).second)
      return base::fail(ErrorCode::invalid_argument, "two plants are named '{}'", plant.name);
    const std::size_t limit = base::kMaxTableCells;
    if (plant.bearings > limit / plant.recordings ||
        plant.bearings * plant.recordings > limit - records)
      return base::fail(ErrorCode::invalid_argument, "plant '{}': more than {} recordings",
                        plant.name, limit);
    records += plant.bearings * plant.recordings;
  }
  HANSE_TRY_VOID(check_table_size("the fleet", records, vibration::feature_columns().size() + 3));
  return window;
}

// Bearings of each label: shares of the whole by the largest remainder, the first label of equals.
std::array<std::size_t, kFaults.size()> bearings_per_label(const PlantSpec& plant) {
  const double whole = std::accumulate(plant.balance.begin(), plant.balance.end(), 0.0);
  std::array<std::size_t, kFaults.size()> counts{};
  std::array<double, kFaults.size()> rest{};
  std::size_t given = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double exact = static_cast<double>(plant.bearings) * (plant.balance[i] / whole);
    counts[i] = std::min(static_cast<std::size_t>(exact), plant.bearings - given);
    rest[i] = plant.balance[i] > 0 ? exact - static_cast<double>(counts[i]) : -1;
    given += counts[i];
  }
  for (; given < plant.bearings; ++given) {
    const auto most = std::ranges::max_element(rest) - rest.begin();
    ++counts[static_cast<std::size_t>(most)];
    rest[static_cast<std::size_t>(most)] -= 1;
  }
  return counts;
}

// One bearing of one plant and the features of its recordings, one after another.
struct Bearing {
  const PlantSpec* plant;
  std::string name;
  Fault fault;
  std::vector<double> features;
};

std::vector<Bearing> bearings_of(const FleetSpec& spec) {
  std::vector<Bearing> bearings;
  for (const PlantSpec& plant : spec.sites) {
    std::size_t number = 0;
    const auto counts = bearings_per_label(plant);
    for (std::size_t label = 0; label < counts.size(); ++label)
      for (std::size_t i = 0; i < counts[label]; ++i)
        bearings.push_back({.plant = &plant,
                            .name = fmt::format("{}-{:04}", plant.name, ++number),
                            .fault = static_cast<Fault>(label),
                            .features = {}});
  }
  return bearings;
}

void run(const vibration::WindowSpec& window, std::uint64_t seed, Bearing& bearing) {
  base::SeededSimulationRandom random(seed, "bearing/" + bearing.name);
  const PlantSpec& plant = *bearing.plant;
  const double rpm = plant.rpm_low + (plant.rpm_high - plant.rpm_low) * base::uniform_unit(random);
  const Machine machine = draw_machine(bearing.fault, plant.severity, rpm / 60, plant.noise_g,
                                       plant.quantisation_bits, random);
  const vibration::FaultOrders orders = fault_orders(window.geometry);
  vibration::Extractor extractor = vibration::Extractor::create(window).value();
  const std::size_t width = vibration::feature_columns().size();
  std::vector<double> samples(window.samples);
  bearing.features.resize(plant.recordings * width);
  for (std::size_t i = 0; i < plant.recordings; ++i) {
    record(machine, orders, window.sampling_rate_hz, random, samples);
    extractor.extract(samples, machine.shaft_hz,
                      std::span(bearing.features).subspan(i * width, width));
  }
}

Table table_of(std::span<const Bearing> bearings) {
  Table table{.source = "simulated:bearings", .records = 0, .columns = {}};
  for (const Bearing& bearing : bearings) table.records += bearing.plant->recordings;
  const std::vector<Column> features = vibration::feature_columns();
  for (std::size_t k = 0; k < features.size(); ++k) {
    std::vector<double> cells;
    cells.reserve(table.records);
    for (const Bearing& bearing : bearings)
      for (std::size_t i = 0; i < bearing.plant->recordings; ++i)
        cells.push_back(bearing.features[i * features.size() + k]);
    table.columns.push_back({features[k].name, std::move(cells)});
  }
  const auto add = [&](std::string_view name, auto text_of) {
    std::vector<std::string> cells;
    for (const Bearing& bearing : bearings)
      cells.insert(cells.end(), bearing.plant->recordings, std::string(text_of(bearing)));
    table.columns.push_back({std::string(name), std::move(cells)});
  };
  add(kLabelColumn, [](const Bearing& b) { return kFaults[static_cast<std::size_t>(b.fault)]; });
  add(kGroupColumn, [](const Bearing& b) { return std::string_view(b.name); });
  add(kSiteColumn, [](const Bearing& b) { return std::string_view(b.plant->name); });
  return table;
}

}  // namespace

base::Result<PlantSpec> PlantSpec::of_class(std::string_view site_class, std::string name) {
  // Shaft speeds are those of four- and six-pole motors at 50 and 60 Hz, less their slip. Two dozen
  // bearings are what a plant has run to a diagnosis: failures are rare, recordings of them are
  // not. Their faults are early ones, at a third of the way from incipient to spalled on a
  // logarithmic scale, since a spalled bearing needs no model. Today's sensor has 16 bits and the
  // machine around it a noise of 0.1 g; a logger of the eighties has 8 bits, 0.125 g a step, stands
  // in a louder hall and was read by hand.
  if (site_class == "modern")
    return PlantSpec{.name = std::move(name),
                     .site_class = "modern",
                     .bearings = 24,
                     .recordings = 10,
                     .severity = 0.35,
                     .balance = {0.4, 0.2, 0.2, 0.2},
                     .noise_g = 0.1,
                     .quantisation_bits = 16,
                     .rpm_low = 1400,
                     .rpm_high = 1800};
  if (site_class == "legacy")
    return PlantSpec{.name = std::move(name),
                     .site_class = "legacy",
                     .bearings = 12,
                     .recordings = 3,
                     .severity = 0.35,
                     .balance = {0.4, 0.2, 0.2, 0.2},
                     .noise_g = 0.2,
                     .quantisation_bits = 8,
                     .rpm_low = 950,
                     .rpm_high = 1500};
  return base::fail(ErrorCode::not_found, "no class of plants '{}'; there are: modern, legacy",
                    site_class);
}

base::Result<Schema> fleet_schema(const FleetSpec& spec) {
  HANSE_TRY_VOID(check(spec));
  std::vector<Column> columns = vibration::feature_columns();
  const auto add = [&](std::string_view name, ColumnKind kind) -> Column& {
    return columns.emplace_back(Column{.name = std::string(name), .kind = kind});
  };
  add(kLabelColumn, ColumnKind::label).values = {kFaults.begin(), kFaults.end()};
  add(kGroupColumn, ColumnKind::group);
  add(kSiteColumn, ColumnKind::site);
  return Schema::create(std::move(columns));
}

base::Result<std::vector<SiteData>> simulate(const FleetSpec& spec, std::uint64_t seed,
                                             base::Executor& executor) {
  HANSE_TRY(const vibration::WindowSpec window, check(spec));
  HANSE_TRY(Schema schema, fleet_schema(spec));
  std::vector<Bearing> bearings = bearings_of(spec);
  executor.parallel_for(bearings.size(), [&](std::size_t i) { run(window, seed, bearings[i]); });
  HANSE_TRY(std::vector<SiteData> sites,
            encode(std::make_shared<const Schema>(std::move(schema)), table_of(bearings)));
  for (SiteData& site : sites) {
    const auto plant = std::ranges::find(spec.sites, site.site.text(), &PlantSpec::name);
    site.site_class = plant->site_class;
    site.records.site_class_names = {plant->site_class};
  }
  return sites;
}

}  // namespace hanse::data
