// This program once more, as another process.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace hanse::commands {

// Ended with the object: asked to stop first, killed if it does not. It also ends when this process
// dies in whatever way.
class Child {
 public:
  // stdin and stdout are /dev/null, stderr the file at `log`.
  static base::Result<Child> start(const std::vector<std::string>& arguments,
                                   const std::string& log);
  ~Child();
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;

  // It has ended by itself.
  bool ended();
  void ask_to_stop();

 private:
  explicit Child(pid_t pid) : pid_(pid) {}
  pid_t pid_;           // -1 once it has ended
  bool asked_ = false;  // to stop
};

// A port of 127.0.0.1 that was free a moment ago.
base::Result<unsigned> free_port();

}  // namespace hanse::commands
