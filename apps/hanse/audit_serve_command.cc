// hanse audit witness, hanse audit serve: a port of its own, until it is told to stop.
#include <fmt/format.h>

#include "hanse/commands.h"
#include "hanse/service_log.h"
#include "service/audit_http.h"
#include "service/audit_members.h"
#include "service/home.h"
#include "service/site_service.h"

namespace hanse::commands {
namespace {

using base::Result;
using base::Severity;

Result<void> serve(const std::string& bind, transport::HttpRoutes routes, const std::string& what,
                   base::Log& log, const Doors& doors) {
  HANSE_TRY(const auto server, transport::HttpServer::create(bind, std::move(routes)));
  log.write(Severity::note, fmt::format("{} on port {}", what, server->port()));
  server->run(doors.stop);
  log.write(Severity::note, "stopping");
  return {};
}

}  // namespace

Result<void> execute(const AuditWitness& command, const Doors& doors) {
  const service::Home home(command.home);
  HANSE_TRY(const service::Member member, service::load_member(doors.directory, home));
  HANSE_TRY_VOID(service::check_role(member, roster::Role::site));
  ServiceLog log(doors.clock, member.identity.name(), doors.terminal.err().terminal);
  HANSE_TRY(const auto store, storage::SqliteStore::open(home.store()));
  HANSE_TRY(const base::SiteId site, base::SiteId::create(member.self().name));
  HANSE_TRY(const auto witness,
            federation::DurableWitness::open(
                *store, service::witness_identity(member.roster, site, member.identity.signing())));
  return serve(
      command.bind, service::witness_routes(*witness, doors.clock),
      fmt::format("{} cosigns {} at POST /add-checkpoint",
                  service::witness_name(member.roster, site), service::audit_origin(member.roster)),
      log, doors);
}

Result<void> execute(const AuditServe& command, const Doors& doors) {
  if (!doors.directory.exists(command.log + "/checkpoint"))
    return base::fail(base::ErrorCode::not_found,
                      "{} has no file 'checkpoint': name the folder of an audit log, such as "
                      "HOME/audit of a coordinator",
                      command.log);
  ServiceLog log(doors.clock, "audit", doors.terminal.err().terminal);
  return serve(command.bind,
               {.pages = {}, .files = service::audit_files(doors.directory, command.log)},
               fmt::format("the audit log in {}", command.log), log, doors);
}

}  // namespace hanse::commands
