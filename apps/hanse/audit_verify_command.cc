// hanse audit verify.
#include "hanse/commands.h"
#include "service/audit_statement.h"
#include "service/home.h"

namespace hanse::commands {

using base::ErrorCode;
using base::Result;

namespace {

Result<service::AuditQuestion> question_of(const AuditVerify& command, const Doors& doors) {
  for (const std::string& run : command.runs)
    if (!doors.directory.exists(run))
      return base::fail(ErrorCode::not_found,
                        "'{}' does not exist: give the folder that a finished job left, as "
                        "`hanse job watch NAME --out RUN` fetches it",
                        run);
  service::AuditQuestion question{command.runs, command.log, command.roster, {}};
  if (question.log.empty()) question.log = command.runs.front() + "/../../audit";
  if (!doors.directory.exists(question.log + "/checkpoint"))
    return base::fail(ErrorCode::not_found,
                      "'{}' has no checkpoint: give the folder of the audit log's files with --log",
                      question.log);
  if (!command.site.empty()) {
    question.site = command.site;
    if (question.roster.empty()) question.roster = service::Home(command.site).roster();
  }
  if (question.roster.empty())
    return base::fail(ErrorCode::invalid_argument,
                      "whom to believe is yours to say: give the roster that you trust with "
                      "--roster, or your site's folder with --site");
  return question;
}

}  // namespace

Result<void> execute(const AuditVerify& command, const Doors& doors) {
  HANSE_TRY(const service::AuditQuestion question, question_of(command, doors));
  std::unique_ptr<storage::Store> store;
  if (question.site) {
    const std::string path = service::Home(*question.site).store();
    if (!doors.directory.exists(path))
      return base::fail(ErrorCode::not_found, "'{}' has no store: expected {}", *question.site,
                        path);
    HANSE_TRY(store, storage::SqliteStore::open(path));
  }
  HANSE_TRY(const service::AuditStatement statement,
            service::audit_statement(question,
                                     {doors.directory, doors.executor, doors.clock, store.get()}));
  if (!command.html.empty())
    HANSE_TRY_VOID(doors.directory.write(command.html, base::view_of(to_html(statement))));
  HANSE_TRY_VOID(command.json ? doors.terminal.print_data(to_json(statement))
                              : doors.terminal.print(visible(to_text(statement))));
  if (statement.is_in_order()) return {};
  return base::fail(ErrorCode::corruption, "{} found; the first: {}",
                    statement.findings.size() + statement.findings_left_out,
                    statement.findings.front());
}

}  // namespace hanse::commands
