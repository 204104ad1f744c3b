// hanse coordinator run, hanse site run.
#include <fmt/format.h>

#include "hanse/commands.h"
#include "hanse/service_log.h"
#include "service/audit_http.h"
#include "service/coordinator_service.h"
#include "service/label_callback.h"
#include "service/label_pages.h"
#include "transport/local_socket.h"

namespace hanse::commands {
namespace {

using base::Result;
using base::Severity;

// What both kinds of party start with.
struct Started {
  service::Home home;
  service::Member member;
  std::unique_ptr<ServiceLog> log;
  std::unique_ptr<storage::SqliteStore> store;
};

Result<Started> start(const std::string& path, roster::Role role, const Doors& doors) {
  service::Home home(path);
  HANSE_TRY(service::Member member, service::load_member(doors.directory, home));
  HANSE_TRY_VOID(service::check_role(member, role));
  HANSE_TRY_VOID(service::check_certificate(member, doors.clock.wall()));
  auto log = std::make_unique<ServiceLog>(doors.clock, member.identity.name(),
                                          doors.terminal.err().terminal);
  HANSE_TRY(auto store, storage::SqliteStore::open(home.store()));
  return Started{std::move(home), std::move(member), std::move(log), std::move(store)};
}

service::ServiceDoors service_doors(const Started& started, const Doors& doors) {
  return {doors.directory, doors.databases, *started.store, doors.executor,
          doors.clock,     doors.random,    *started.log,   doors.environment};
}

Result<std::unique_ptr<transport::HttpServer>> serve_pages(const std::string& bind,
                                                           transport::HttpRoutes routes,
                                                           base::Log& log) {
  std::unique_ptr<transport::HttpServer> pages;
  if (bind.empty()) return pages;
  const bool witnesses = !routes.posts.empty();
  const bool serves_log = routes.files != nullptr;
  const bool labels = !routes.apps.empty();
  HANSE_TRY(pages, transport::HttpServer::create(bind, std::move(routes)));
  log.write(Severity::note, fmt::format("/healthz{}{} and /metrics on port {}",
                                        witnesses    ? ", /add-checkpoint"
                                        : serves_log ? ", the audit log's files"
                                                     : "",
                                        labels ? ", /labels" : "", pages->port()));
  return pages;
}

transport::Credentials credentials_of(const service::Member& member, transport::Address self) {
  const roster::Identity& identity = member.identity;
  return {std::move(self), identity.signing(), identity.agreement(), identity.tls(),
          identity.certificate()};
}

Result<transport::MqttSettings> mqtt_settings(const service::MqttConfig& config,
                                              const Doors& doors) {
  constexpr std::size_t kMaxPasswordBytes = 4096;
  transport::MqttSettings settings{config.broker, config.topic, config.ca, config.user, {}};
  if (config.user.empty()) return settings;
  HANSE_TRY(const base::Bytes file,
            storage::read_all(doors.directory, config.password_file, kMaxPasswordBytes));
  const std::string_view text = base::text_of(file);
  settings.password = text.substr(0, text.find_first_of("\r\n"));
  return settings;
}

Result<transport::HttpApp> label_app(jobs::LabelDesk& desk, const service::SiteConfig& config,
                                     const service::Home& home, const Doors& doors) {
  HANSE_TRY(service::LabelTokens tokens,
            service::LabelTokens::open(doors.directory, home, desk.settings(), doors.random));
  const std::string data = config.data ? config.data->path : "";
  return service::label_pages(desk, std::move(tokens), doors.directory,
                              service::recordings_folder(doors.directory, data));
}

// Null: the owner names no service.
Result<std::unique_ptr<transport::HttpPoster>> poster_of(const jobs::LabelDesk* desk,
                                                         base::Log& log) {
  if (desk == nullptr || desk->settings().callback.empty())
    return std::unique_ptr<transport::HttpPoster>();
  auto poster =
      transport::HttpPoster::create(desk->settings().callback, service::open_items(*desk), log);
  if (!poster) return base::fail(poster.error().within("site.toml, labels.callback"));
  return poster;
}

void say_what_leaves(bool in_the_clear, base::Log& log) {
  if (in_the_clear)
    log.write(Severity::warning,
              "in the clear: sums may be opened without noise, and where they are plain the "
              "coordinator could read each site's update");
}

}  // namespace

Result<void> execute(const CoordinatorRun& command, const Doors& doors) {
  HANSE_TRY(const Started started, start(command.home, roster::Role::coordinator, doors));
  HANSE_TRY(service::CoordinatorConfig config,
            service::load_coordinator_config(doors.directory, started.home, doors.environment,
                                             command.flags));
  const service::ServiceDoors all = service_doors(started, doors);
  HANSE_TRY(const auto running,
            service::CoordinatorService::open(started.home, config, started.member, all));
  HANSE_TRY(transport::KeyRing ring, service::key_ring_of(started.member));
  HANSE_TRY(
      const auto server,
      transport::GrpcServer::create(
          {.bind = config.bind}, credentials_of(started.member, transport::Address::coordinator()),
          std::move(ring), running->control(), {doors.clock, doors.random, *started.log}));
  HANSE_TRY(const auto pages,
            serve_pages(config.http,
                        {.pages = service::pages_of(running->metrics()),
                         .files = service::audit_files(doors.directory, started.home.audit())},
                        *started.log));
  say_what_leaves(config.in_the_clear, *started.log);
  started.log->write(
      Severity::note,
      fmt::format("coordinator of '{}', epoch {}, listens on port {}",
                  started.member.roster.consortium, started.member.roster.epoch, server->port()));
  const std::string& dialled = started.member.roster.address;
  if (!dialled.ends_with(fmt::format(":{}", server->port())))
    started.log->write(Severity::warning,
                       fmt::format("the roster says that sites dial {}: if nothing leads from "
                                   "there to port {}, set bind",
                                   dialled, server->port()));
  return running->run(*server, doors.stop);
}

Result<void> execute(const SiteRun& command, const Doors& doors) {
  HANSE_TRY(const Started started, start(command.home, roster::Role::site, doors));
  HANSE_TRY(
      service::SiteConfig config,
      service::load_site_config(doors.directory, started.home, doors.environment, command.flags));
  const service::ServiceDoors all = service_doors(started, doors);
  HANSE_TRY(const auto running,
            service::SiteService::open(started.home, config, started.member, all));
  HANSE_TRY(transport::KeyRing ring, service::key_ring_of(started.member));
  HANSE_TRY(transport::Address self, service::address_of(started.member.self()));
  const std::string address =
      config.coordinator.empty() ? started.member.roster.address : config.coordinator;
  HANSE_TRY(const auto line,
            transport::GrpcClient::create(
                {.address = address}, credentials_of(started.member, std::move(self)),
                std::move(ring), {doors.clock, doors.random, *started.log}));
  transport::HttpRoutes routes = service::witness_routes(running->witness(), doors.clock);
  routes.pages = service::pages_of(running->metrics());
  if (jobs::LabelDesk* const desk = running->labels()) {
    HANSE_TRY(routes.apps["/labels"], label_app(*desk, config, started.home, doors));
    routes.max_body = std::max(routes.max_body, service::kMaxLabelPost);
  }
  HANSE_TRY(const auto pages, serve_pages(config.http, std::move(routes), *started.log));
  HANSE_TRY(const auto poster, poster_of(running->labels(), *started.log));
  std::unique_ptr<transport::LocalServer> ear;
  if (running->takes_orders()) {
    service::SiteService* const site = running.get();
    HANSE_TRY(ear, transport::LocalServer::create(
                       started.home.socket(),
                       [site](const std::string& said) { return site->order(said); }, doors.clock));
  }
  std::unique_ptr<transport::MqttSource> broker;
  service::MqttEar* const mqtt = running->mqtt_ear();
  if (const auto& from = config.policy.mqtt; from && mqtt != nullptr) {
    HANSE_TRY(const transport::MqttSettings settings, mqtt_settings(*from, doors));
    HANSE_TRY(broker,
              transport::MqttSource::create(
                  settings, [mqtt](const transport::MqttMessage& message) { mqtt->hear(message); },
                  *started.log));
  }
  say_what_leaves(config.in_the_clear, *started.log);
  started.log->write(Severity::note, fmt::format("site of '{}', epoch {}, dials {}",
                                                 started.member.roster.consortium,
                                                 started.member.roster.epoch, address));
  return running->run(*line, doors.stop);
}

}  // namespace hanse::commands
