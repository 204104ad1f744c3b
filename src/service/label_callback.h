// Tells the owner's own annotating service what waits to be labelled. docs/operating/labels.md
#pragma once

#include "jobs/label_desk.h"
#include "transport/http_poster.h"

namespace hanse::service {

// Open items one after another, each as annotators see it. What was taken is not told again by this
// process; after a restart all that is open is told anew, and the service knows it by its name. The
// desk outlives it.
transport::PostSource open_items(const jobs::LabelDesk& desk);

}  // namespace hanse::service
