#include "service/label_callback.h"

#include <deque>
#include <set>

namespace hanse::service {
namespace {

// By the poster's one thread. The book is gone through when nothing is left of the last time.
class OpenItems {
 public:
  explicit OpenItems(const jobs::LabelDesk& desk) : desk_(desk) {}

  std::optional<transport::Posted> next() {
    return desk_.read([&](const active::LabelBook& book) -> std::optional<transport::Posted> {
      if (!find(book)) {
        for (const auto& [name, item] : book.items())
          if (!told_.contains(name) && is_open(book, item)) waiting_.push_back(name);
        if (waiting_.empty()) return std::nullopt;
      }
      return transport::Posted{waiting_.front().hex(), desk_.shown(book, waiting_.front())};
    });
  }

  void posted(const transport::Posted& one) {
    if (waiting_.empty() || waiting_.front().hex() != one.name) return;
    told_.insert(waiting_.front());
    waiting_.pop_front();
  }

 private:
  static bool is_open(const active::LabelBook& book, const active::LabelBook::Item& item) {
    return book.settled(item).state == active::LabelBook::State::open;
  }
  // Whether one is left that is still open.
  bool find(const active::LabelBook& book) {
    while (!waiting_.empty() && !is_open(book, book.items().at(waiting_.front())))
      waiting_.pop_front();
    return !waiting_.empty();
  }

  const jobs::LabelDesk& desk_;
  std::set<base::Digest> told_;
  std::deque<base::Digest> waiting_;
};

}  // namespace

transport::PostSource open_items(const jobs::LabelDesk& desk) {
  const auto items = std::make_shared<OpenItems>(desk);
  return {[items] { return items->next(); },
          [items](const transport::Posted& one) -> base::Result<void> {
            items->posted(one);
            return {};
          }};
}

}  // namespace hanse::service
