// Names of sites, jobs and rounds. A name is safe in a file name, a log line and an HTML page.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"

namespace hanse::base {

// Empty, too long (64) or other than letters, digits, '.', '_' and '-': invalid_argument. `what`
// starts the text.
Result<std::string> checked_name(std::string_view what, std::string_view name);

template <class Tag>
class Name {
 public:
  static Result<Name> create(std::string_view name) {
    HANSE_TRY(std::string checked, checked_name(Tag::kWhat, name));
    return Name(std::move(checked));
  }
  const std::string& text() const { return text_; }
  auto operator<=>(const Name&) const = default;

 private:
  explicit Name(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

struct SiteTag {
  static constexpr std::string_view kWhat = "site";
};
struct JobTag {
  static constexpr std::string_view kWhat = "job";
};

using SiteId = Name<SiteTag>;
using JobId = Name<JobTag>;

// One attempt at one round of one job. A new attempt is a new release: fresh masks, fresh noise, a
// new charge.
struct RoundId {
  std::uint32_t round = 0;
  std::uint32_t attempt = 0;
  auto operator<=>(const RoundId&) const = default;
};

}  // namespace hanse::base
