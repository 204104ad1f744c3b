#include "service/label_callback.h"

#include <set>

namespace hanse::service {

transport::PostSource open_items(const jobs::LabelDesk& desk) {
  const auto told = std::make_shared<std::set<std::string>>();  // by the poster's one thread
  return {[&desk, told]() -> std::optional<transport::Posted> {
            const auto next = desk.read([&](const active::LabelBook& book) {
              for (const auto& [name, item] : book.items())
                if (book.settled(item).state == active::LabelBook::State::open &&
                    !told->contains(name.hex()))
                  return std::optional(name);
              return std::optional<base::Digest>();
            });
            if (!next) return std::nullopt;
            return transport::Posted{next->hex(), desk.shown(*next)};
          },
          [told](const transport::Posted& one) -> base::Result<void> {
            told->insert(one.name);
            return {};
          }};
}

}  // namespace hanse::service
