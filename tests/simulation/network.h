// A bad network in virtual time: envelopes come late, twice, out of order, damaged or not at all,
// as a seed decides.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/random.h"
#include "base/units.h"
#include "transport/transport.h"

namespace hanse::simulation {

struct NetworkFaults {
  double loss = 0;       // probability that an envelope never arrives
  double duplicate = 0;  // … that it arrives twice
  double damage = 0;     // … that a byte of its chunk is flipped
  std::int64_t max_delay_ms = 0;
  std::int64_t bytes_per_ms =
      0;  // of each party's line, either way; 0: without limit. 125 are 1 Mbit/s
};

// What became of one envelope, for the trace.
struct Fate {
  bool lost = false;
  bool duplicated = false;
  bool damaged = false;
};

class Network {
 public:
  Network(NetworkFaults faults, std::uint64_t seed) : faults_(faults), random_(seed, "network") {}

  Fate send(transport::Envelope envelope, base::Milliseconds now);
  std::uint64_t sent_bytes() const { return sent_bytes_; }
  std::optional<base::Milliseconds> next_delivery() const;
  // The earliest envelope, which next_delivery announced.
  transport::Envelope deliver();

 private:
  bool chance(double probability) { return base::uniform_unit(random_) < probability; }
  void enqueue(const transport::Envelope& envelope, base::Milliseconds now);

  NetworkFaults faults_;
  base::SeededSimulationRandom random_;
  std::uint64_t sequence_ = 0;
  std::uint64_t sent_bytes_ = 0;
  // When the line of a site towards the coordinator, or from it, has room again.
  std::map<std::pair<transport::Address, transport::Address>, base::Milliseconds> free_at_;
  std::map<std::pair<base::Milliseconds, std::uint64_t>, transport::Envelope> in_flight_;
};

// What a message of federation is, in a word.
std::string_view name_of(const transport::Envelope& envelope);

}  // namespace hanse::simulation
