// The part of JSON-LD that policies are written in: words by their namespace, whichever of the
// spellings they come in. Contexts are known by name and never fetched. Included by .cc files only.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "policy/strict_json.h"

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
  // no namespace that is known: itself in "<>", so that none passes for a word. One that no context
  // explains, or that two explain otherwise: invalid_argument.
  base::Result<std::string> word(std::string_view written, std::string_view pointer) const;
  // A name of something that is no word, like a target: its prefix written out, if it has one that
  // is known; else as it is written.
  std::string iri(std::string_view written) const;

 private:
  base::Result<void> add_named(std::string_view url, std::string_view pointer);
  base::Result<void> add_terms(const Json& terms, const std::string& pointer);
  base::Result<void> add_term(const std::string& term, const Json& value, const std::string& at);
  // What the contexts that are known by name say; empty: nothing.
  std::string known(std::string_view written) const;

  static constexpr std::size_t kMaxTerms = 1024;
  bool has_odrl_ = false;
  bool has_catena_x_ = false;
  bool has_ours_ = false;
  std::map<std::string, std::string, std::less<>> terms_;  // to an IRI
  std::string vocabulary_;
};

// {"@value": x}, {"@id": x} and a list of one are x.
const Json& unwrapped(const Json& value);
// Whether one of its wraps is {"@id": x}.
bool is_wrapped_id(const Json& value);
// The items of a list, of {"@list": […]}, or the value alone.
std::vector<const Json*> items_of(const Json& value);
// Where the item stands: "{pointer}/0", or the pointer itself where there is no list.
std::string item_pointer(const std::string& pointer, const Json& list, std::size_t index);
// Every {"@value": …, "@type": …} in it is of a type that XML Schema has for what policies say.
base::Result<void> check_value_types(const Json& json, const Contexts& contexts,
                                     const std::string& pointer);

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
