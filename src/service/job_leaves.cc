#include "service/job_leaves.h"

#include "base/limits.h"

namespace hanse::service {

using base::ErrorCode;
using base::Result;

audit::LeafBatch submission_of(const BookedJob& booked, const base::Digest& roster) {
  const audit::Leaf leaf =
      audit::leaf::Submitted{booked.id, booked.text, booked.by, booked.cohort, roster};
  return {"job/" + booked.id.text(), 1, {audit::encode(leaf)}};
}

Result<void> check_leaves(const audit::LeafBatch& submission) {
  constexpr std::size_t kBesides = 1024;
  const std::size_t bytes = submission.leaves.front().size();
  if (bytes + kBesides <= audit::kMaxLeafBytes) return {};
  return base::fail(ErrorCode::unsupported,
                    "the names of the sites take {} bytes, and a leaf of the audit log has at most "
                    "{}: so many sites need shorter names",
                    bytes, audit::kMaxLeafBytes);
}

Result<audit::Leaf> end_of(const base::JobId& job, const std::string& outcome,
                           const std::string& run, const storage::Directory& directory) {
  audit::leaf::Ended leaf{job, outcome, {}};
  const std::string model = run + "/model.json";
  if (directory.exists(model)) {
    HANSE_TRY(const base::Bytes bytes, storage::read_all(directory, model, base::kMaxModelBytes));
    leaf.model = base::Digest::of(bytes);
  }
  return leaf;
}

}  // namespace hanse::service
