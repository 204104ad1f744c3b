// expect: no matching function|could not convert|conversion
// A site sends no bytes but those of a sealed vector: parameters are the coordinator's to send.
#include "chain.h"
#include "federation/message/message.h"

using namespace hanse;

federation::ParametersChunk parameters();
federation::SealedChunk sealed_chunk();
federation::Release release();

void run() {
#ifdef SHORTCUT
  const federation::SiteMessage message{release(), parameters()};
#else
  const federation::SiteMessage message{release(), sealed_chunk()};
#endif
  (void)message;
}
