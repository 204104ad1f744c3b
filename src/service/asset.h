// The budget that a running site charges its answers to.
#pragma once

#include "federation/site/admission.h"
#include "service/config.h"

namespace hanse::service {

// The ledger of the store, with the asset that the owner named. At the first start it is opened as
// he says; later he says the same, or its name alone. Another budget than the ledger has, or an
// asset that it does not have: failed_precondition with what to do.
base::Result<std::unique_ptr<federation::Ledger>> open_asset(storage::Store& store,
                                                             const BudgetConfig& budget,
                                                             const Home& home,
                                                             base::Milliseconds wall);

// What a whole job asks of this site's budget: public numbers of its file and the size of its
// cohort.
base::Result<federation::JobTerms> terms_of(const jobs::Job& job, const federation::Offer& offer,
                                            const base::SiteId& self);

}  // namespace hanse::service
