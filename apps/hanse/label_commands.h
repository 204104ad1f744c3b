// What the commands of labels were told.
#pragma once

#include <string>

namespace hanse::commands {

struct LabelList {
  std::string home;
  std::string annotator;
  std::string job;
  bool all = false;
  bool json = false;
};

struct LabelAnswer {
  std::string home;
  std::string item;
  std::string label;
  std::string from;  // a table of answers instead; then item and label are empty
  std::string annotator;
  bool cannot_tell = false;  // then there is no label
  bool corrects = false;
  bool json = false;
};

}  // namespace hanse::commands
