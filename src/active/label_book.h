// Which records a site has asked its experts about, what they said, and what that is worth: a
// storage::Machine. docs/formats/labels.md
//
// An item is asked about once, whatever asks for it and how often; an annotator answers it once and
// is paid once. What an item comes to is a function of its answers alone.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/ids.h"
#include "base/units.h"

namespace hanse::active {

// How answers that differ are settled, once there are `votes` of them.
enum class Agreement {
  majority,   // a label with more than half of the answers
  unanimous,  // all the same label
};
std::string_view name_of(Agreement agreement);
base::Result<Agreement> agreement_named(std::string_view name);

// What is asked of each record: which of the label's values it is.
struct LabelQuestion {
  std::string column;
  std::vector<std::string> values;  // at least 2
  std::uint32_t votes = 1;          // answers by different annotators
  // Where they do not agree one more is asked, up to so many; then more than half decide, and an
  // item without that stays without a label.
  std::uint32_t max_votes = 3;
  Agreement agreement = Agreement::majority;

  bool operator==(const LabelQuestion&) const = default;
};

struct LabelItem {
  base::Digest record;  // active::name_of
  // What an annotator sees of it: columns and their values, as texts.
  std::vector<std::pair<std::string, std::string>> shows = {};

  bool operator==(const LabelItem&) const = default;
};

struct AskedCycle {
  base::Milliseconds at{};
  base::Digest selection;  // SHA-256 of what the plan selected by

  bool operator==(const AskedCycle&) const = default;
};

// The choice of one cycle, or a part of it: an entry of the log has its bounds.
struct LabelBatch {
  base::JobId job;
  std::uint32_t cycle = 0;
  LabelQuestion question;
  std::vector<LabelItem> items;
  // Of the last part, with which the cycle is asked: when (wall clock), and by which selection.
  // Others have none.
  std::optional<AskedCycle> asked = {};

  bool operator==(const LabelBatch&) const = default;
};

struct LabelAnswer {
  base::Digest item;  // item_of
  std::string annotator;
  std::optional<std::uint32_t> label = {};  // none: he cannot tell
  std::uint64_t price = 0;                  // in millionths of whatever the owner counts in
  base::Milliseconds at{};                  // wall clock
  bool corrects = false;                    // takes the place of what he said; not paid again

  bool operator==(const LabelAnswer&) const = default;
};

// The name of a record under a question: another label column, or other values, is another item.
base::Digest item_of(const LabelQuestion& question, const base::Digest& record);

inline constexpr std::size_t kMaxLabelItems = 1'000'000;  // of a site
inline constexpr std::size_t kMaxAnnotators = 256;
inline constexpr std::size_t kMaxShownBytes = 1024;  // of a column's name, and of a value

class LabelBook {
 public:
  struct Item {
    LabelItem asked;
    std::size_t question = 0;  // place in questions()
    base::JobId job;           // that asked first
    std::uint32_t cycle = 0;
    std::vector<LabelAnswer> answers = {};  // one of each annotator, in the order of their coming

    bool operator==(const Item&) const = default;
  };
  enum class State { open, labelled, without_label };
  struct Settled {
    State state = State::open;
    std::optional<std::uint32_t> label = {};
    std::uint32_t wanted = 0;  // more answers, where it is open

    bool operator==(const Settled&) const = default;
  };

  // Entries. A batch of a cycle that was asked before, an item that was, or an answer that was
  // given before: applies to nothing.
  static base::Bytes asked(const LabelBatch& batch);
  static base::Bytes answered(const LabelAnswer& answer);

  // As storage::Machine has them. check refuses: what is malformed (corruption); of an answer an
  // unknown item (not_found), a label that the question does not have, another answer by the same
  // annotator without `corrects`, an answer to what is settled (failed_precondition).
  base::Result<void> check(base::ByteView entry) const;
  void apply(base::ByteView entry);
  base::Bytes snapshot() const;
  static base::Result<LabelBook> restore(base::ByteView snapshot);

  const std::vector<LabelQuestion>& questions() const { return questions_; }
  const std::map<base::Digest, Item>& items() const { return items_; }
  Settled settled(const Item& item) const;
  // How a cycle was asked, all of it; none: it was not, or only in part.
  std::optional<AskedCycle> asked_of(const base::JobId& job, std::uint32_t cycle) const;
  // The label of a record under a question, if it had come to one by then (wall clock).
  std::optional<std::uint32_t> label_of(const LabelQuestion& question, const base::Digest& record,
                                        base::Milliseconds until) const;
  // What each annotator has earned, in millionths.
  std::map<std::string, std::uint64_t> earned() const;

  bool operator==(const LabelBook&) const = default;

 private:
  base::Result<void> check_answer(const LabelAnswer& answer) const;
  void take(const LabelBatch& batch);
  void take(const LabelAnswer& answer);

  std::vector<LabelQuestion> questions_;
  std::map<base::Digest, Item> items_;
  std::map<std::pair<base::JobId, std::uint32_t>, AskedCycle> cycles_;
};

}  // namespace hanse::active
