// What annotators see, as HTML: no script, nothing from elsewhere, all that is not ours escaped.
#pragma once

#include <span>

#include "jobs/label_desk.h"

namespace hanse::service {

// Who does not show who he is; `refused` if his token is nobody's.
std::string label_door_page(bool refused);
std::string label_problem_page(std::string_view trouble);

// The first `limit` of the items that wait for him.
std::string label_list_page(const active::LabelBook& book, const std::string& annotator,
                            std::span<const base::Digest> open, std::size_t limit);

struct ItemView {
  std::string annotator;
  std::string proof;    // of the form
  std::string picture;  // HTML; empty: none
  std::string trouble;  // with his last answer; empty: none
};
std::string label_item_page(const active::LabelBook& book, const base::Digest& item,
                            const ItemView& view);

}  // namespace hanse::service
