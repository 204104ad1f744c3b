// A site's experts at work: what they are asked, what they say, over any number of restarts; and
// the orders by which `hanse label` reaches a running site. docs/operating/labels.md
#pragma once

#include <map>
#include <memory>
#include <span>
#include <variant>

#include "active/label_book.h"
#include "base/clock.h"
#include "jobs/job.h"
#include "jobs/toml_reader.h"
#include "storage/durable.h"

namespace hanse::jobs {

// [labels] of a site.
struct LabelSettings {
  std::uint32_t votes = 1;
  std::uint32_t max_votes = 3;
  active::Agreement agreement = active::Agreement::majority;
  std::vector<std::string> show;             // columns that annotators see; none: all
  std::map<std::string, double> annotators;  // what each is paid for a label; at least one
  std::string callback = {};                 // where a service is told of items; empty: nowhere

  bool operator==(const LabelSettings&) const = default;
};

LabelSettings read_labels(Section section);

namespace order {
struct ListLabels {
  std::string annotator;  // what waits for him; empty: all, for the owner
  std::string job;        // empty: of any
  bool all = false;       // settled ones too
};
struct AnswerLabel {
  std::string item;  // its first digits, at least 6
  std::string annotator;
  std::optional<std::string> label;  // none: he cannot tell
  bool corrects = false;
};
}  // namespace order
using LabelOrder = std::variant<order::ListLabels, order::AnswerLabel>;

// One line of JSON, and back: invalid_argument.
std::string encode(const LabelOrder& order);
base::Result<LabelOrder> decode_label_order(std::string_view line);
bool is_label_order(std::string_view line);

// Thread-safe. The store outlives it.
class LabelDesk {
 public:
  static base::Result<std::unique_ptr<LabelDesk>> open(storage::Store& store,
                                                       LabelSettings settings,
                                                       const base::Clock& clock);

  // What a job asks of a label. Of a label that is a number: unsupported.
  base::Result<active::LabelQuestion> question_of(const data::Schema& schema) const;

  // What to tell an owner whose `show` names columns that the items lack; empty: nothing.
  std::string unknown_columns(std::span<const active::LabelItem> items) const;

  // How a cycle of a job was asked; none: it was not.
  std::optional<active::AskedCycle> asked(const base::JobId& job, std::uint32_t cycle) const;
  // Asks what the experts are to label in a cycle, once; durable when it returns. As many items as
  // the book has room for, values cut to what it takes: whatever the records are like, there is no
  // error of theirs.
  base::Result<active::AskedCycle> ask(const base::JobId& job, std::uint32_t cycle,
                                       const base::Digest& selection,
                                       const active::LabelQuestion& question,
                                       std::vector<active::LabelItem> items);
  // As the experts had it by then, wall clock.
  std::optional<std::uint32_t> label_of(const active::LabelQuestion& question,
                                        const base::Digest& record, base::Milliseconds until) const;

  // The item that these digits begin, at least 6: invalid_argument, not_found.
  base::Result<base::Digest> find(const std::string& digits) const;
  // Items that are open and that he has not answered, in the order of their names.
  std::vector<base::Digest> waiting_for(const std::string& annotator) const;

  // What came of an answer.
  struct Taken {
    base::Digest item;
    std::string said;
    active::LabelBook::Settled settled;
  };
  // Durable when it returns. An annotator whom nobody named: permission_denied; a label that is no
  // value: invalid_argument; else as active::LabelBook says.
  base::Result<Taken> take(const order::AnswerLabel& order);

  // As annotators see an item, one line of JSON.
  std::string shown(const base::Digest& item) const;
  static std::string shown(const active::LabelBook& book, const base::Digest& item);

  // One line for one line, each JSON.
  std::string answer(std::string_view line);

  template <class Look>
  auto read(const Look& look) const {
    return book_->read(look);
  }
  const LabelSettings& settings() const { return settings_; }

 private:
  using Book = storage::Durable<active::LabelBook>;
  LabelDesk(std::unique_ptr<Book> book, LabelSettings settings, const base::Clock& clock)
      : book_(std::move(book)), settings_(std::move(settings)), clock_(clock) {}
  base::Result<std::string> carry_out(const order::ListLabels& order) const;
  base::Result<std::string> carry_out(const order::AnswerLabel& order);
  base::Result<void> check_annotator(const std::string& name) const;

  std::unique_ptr<Book> book_;
  const LabelSettings settings_;
  const base::Clock& clock_;
};

}  // namespace hanse::jobs
