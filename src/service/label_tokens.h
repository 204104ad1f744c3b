// By what a site's pages know its annotators: local/annotators/NAME.token, a line of 64 hexadecimal
// digits that only the owner may read, and gives to the annotator.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/random.h"
#include "jobs/label_desk.h"
#include "service/home.h"

namespace hanse::service {

class LabelTokens {
 public:
  // Draws the tokens of annotators who have none. A file that holds something else: corruption.
  static base::Result<LabelTokens> open(storage::Directory& directory, const Home& home,
                                        const jobs::LabelSettings& settings,
                                        base::RandomSource& random);

  // Whose token it is. Takes as long whatever is wrong with it.
  std::optional<std::string> who(std::string_view token) const;
  // Goes into a form about `item` and comes back with it: proof that the form was this site's, for
  // an annotator's own session. HMAC-SHA-256 of the item, by the token.
  std::string form_proof(const std::string& annotator, std::string_view item) const;
  bool is_form_proof(const std::string& annotator, std::string_view item,
                     std::string_view proof) const;

 private:
  std::map<std::string, std::string> tokens_;  // by annotator
};

}  // namespace hanse::service
