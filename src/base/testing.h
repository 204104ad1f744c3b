// What the tests of several rooms share.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <thread>
#include <vector>

namespace hanse::base::testing {

// Runs `act` on a thread whose system calls `numbers` fail with `error`. False where the kernel
// does not let a process filter its own calls; then nothing was run. See seccomp(2).
inline bool run_refusing(std::initializer_list<unsigned> numbers, unsigned error,
                         const std::function<void()>& act) {
  std::vector<sock_filter> steps{{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)}};
  for (const unsigned number : numbers) {
    steps.push_back({BPF_JMP | BPF_JEQ | BPF_K, 0, 1, number});
    steps.push_back({BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | error});
  }
  steps.push_back({BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW});
  const sock_fprog program{static_cast<unsigned short>(steps.size()), steps.data()};
  bool filtered = false;
  std::thread([&] {
    filtered = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
               ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
    if (filtered) act();
  }).join();
  return filtered;
}

}  // namespace hanse::base::testing
