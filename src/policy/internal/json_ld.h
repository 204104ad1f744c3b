// The part of JSON-LD that policies are written in: words by their namespace, whichever of the
// spellings they come in. Contexts are known by name and never fetched. Included by .cc files only.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "policy/internal/strict_json.h"

namespace hanse::policy::internal {

// invalid_argument, with the pointer in front.
template <class... Args>
tl::unexpected<base::Error> wrong(std::string_view pointer, fmt::format_string<Args...> format,
                                  Args&&... args) {
  return base::fail(base::ErrorCode::invalid_argument, "{}: {}", pointer.empty() ? "/" : pointer,
                    fmt::format(format, std::forward<Args>(args)...));
}

// What a document's contexts say its words are.
class Contexts {
 public:
  // One more, as "@context" has it.
  base::Result<void> add(const Json& context, const std::string& pointer);

  // "odrl:use", "cx:Membership", "edc:inForceDate", "hanse:kind", "dct:title", "@type"; an IRI of
  // no namespace that is known: itself. A word that no context explains: invalid_argument.
  base::Result<std::string> word(std::string_view written, std::string_view pointer) const;

 private:
  base::Result<void> add_named(std::string_view url, std::string_view pointer);
  base::Result<void> add_terms(const Json& terms, const std::string& pointer);
  base::Result<void> add_term(const std::string& term, const Json& value, const std::string& at);

  bool has_odrl_ = false;
  bool has_catena_x_ = false;
  bool has_ours_ = false;
  std::map<std::string, std::string, std::less<>> terms_;  // to an IRI
  std::string vocabulary_;
};

// {"@value": x}, {"@id": x} and a list of one are x.
const Json& unwrapped(const Json& value);
// The items of a list, of {"@list": […]}, or the value alone.
std::vector<const Json*> items_of(const Json& value);

// A member of an object by its word.
struct Member {
  std::string word;
  const Json* value;
  std::string pointer;
};
// In the order of the document. No object, a word that nothing explains, or the same word in two
// spellings: invalid_argument.
base::Result<std::vector<Member>> members_of(const Json& object, const Contexts& contexts,
                                             std::string_view pointer);

}  // namespace hanse::policy::internal
