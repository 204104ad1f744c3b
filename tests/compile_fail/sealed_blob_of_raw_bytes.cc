// expect: no matching function|private|constraints
// Only a sealed vector becomes a blob that a site may send.
#include "chain.h"
#include "federation/message/message.h"

using namespace hanse;

base::Executor& executor();

void run() {
#ifdef SHORTCUT
  const federation::SealedBlob blob(base::Slice(Integers{1, 2, 3}), executor());
#else
  const federation::SealedBlob blob(sealed(), executor());
#endif
  (void)blob;
}
