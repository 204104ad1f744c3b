#include "service/audit_http.h"

#include "audit/tiles.h"
#include "service/audit_members.h"
#include "service/control.h"

namespace hanse::service {

namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::string_view kBytes = "application/octet-stream";
}  // namespace

transport::HttpFiles audit_files(const storage::Directory& directory, std::string folder) {
  return [&directory, folder = std::move(folder)](
             const std::string& path) -> std::optional<transport::HttpReply> {
    const std::string name = path.substr(path.starts_with('/') ? 1 : 0);
    if (!is_log_file(name)) return std::nullopt;
    const auto bytes = storage::read_all(directory, folder + "/" + name, audit::kMaxBundleBytes);
    if (!bytes) return std::nullopt;
    return transport::HttpReply{200, std::string(name.starts_with("tile/") ? kBytes : kText),
                                std::string(base::text_of(*bytes))};
  };
}

transport::HttpRoutes witness_routes(federation::DurableWitness& witness,
                                     const base::Clock& clock) {
  transport::HttpRoutes routes;
  routes.max_body = audit::kMaxAddCheckpointBytes;
  routes.posts["/add-checkpoint"] = [&](const std::string& body) {
    const audit::WitnessAnswer answer =
        witness.answer(base::view_of(body), seconds_of(clock.wall()));
    return transport::HttpReply{answer.status, answer.content_type, answer.body};
  };
  return routes;
}

}  // namespace hanse::service
