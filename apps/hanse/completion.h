// Completion scripts for bash and zsh, made from the command line's own description.
#pragma once

#include <string>
#include <vector>

namespace hanse::commands {

// One command as a shell sees it.
struct Completable {
  std::string words;                      // "run", "job check"
  std::string summary;                    // one line
  std::vector<std::string> options;       // "--out"
  std::vector<std::string> option_texts;  // one line each
};

std::string bash_completion(const std::vector<Completable>& commands);
std::string zsh_completion(const std::vector<Completable>& commands);

}  // namespace hanse::commands
