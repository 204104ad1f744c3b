// What operators watch: counts, sizes and durations of rounds, nothing of any record.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/units.h"

namespace hanse::service {

// Thread-safe. Names in docs/operating/parties.md.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(Metrics&&) noexcept;

  void count_round(bool closed, base::Milliseconds took);
  void count_answer(base::Milliseconds took);  // of a site
  void count_receipt();                        // at a site
  void set_traffic(std::uint64_t messages, std::uint64_t bytes);
  void set_connected(std::size_t parties);
  void set_refusals(const std::map<std::string, std::uint64_t>& by_reason);
  // How long the oldest order, open round or answer without a receipt waits; zero: none does.
  void set_waiting(const std::string& what, base::Milliseconds age);
  // Of the site's budget: ε promised and spent, and what is left in its currency.
  void set_budget(double promised, double spent, double left);

  // Prometheus' text format.
  std::string text() const;

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace hanse::service
