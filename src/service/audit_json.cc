// An audit statement as JSON (docs/formats/audit.md, "Statement").
#include "jobs/json_fields.h"
#include "service/audit_statement.h"

namespace hanse::service {
namespace {

using jobs::JsonFields;

// Where a leaf is, or null.
void leaf_field(JsonFields& json, std::optional<std::uint64_t>& leaf) {
  std::optional<double> number;
  if (leaf) number = static_cast<double>(*leaf);
  json.field("leaf", number);
}

}  // namespace

void describe(JsonFields& json, StatedSum& sum) {
  json.field("round", sum.round);
  json.field("attempt", sum.attempt);
  json.field("leaf", sum.leaf);
  json.field("sites", sum.sites);
  json.field("signers", sum.signers);
  json.field("released", sum.released);
}

void describe(JsonFields& json, StatedObligation& obligation) {
  json.field("obligation", obligation.obligation);
  json.field("how", obligation.how);
}

void describe(JsonFields& json, StatedDecline& decline) {
  json.field("round", decline.round);
  json.field("attempt", decline.attempt);
  json.field("at", decline.at);
  json.field("why", decline.why);
  json.field("offer", decline.offer);
  json.field("policies", decline.policies);
  json.field("policy_epoch", decline.policy_epoch);
}

void describe(JsonFields& json, StatedAnswer& answer) {
  json.field("round", answer.round);
  json.field("attempt", answer.attempt);
  leaf_field(json, answer.leaf);
  json.field("decided", answer.decided);
  json.field("basis", answer.basis);
  json.field("offer", answer.offer);
  json.field("charges", answer.charges);
  json.field("in_sum", answer.is_in_sum);
  json.field("agreed", answer.has_agreed);
  json.field("expired", answer.has_expired);
  json.field("policies", answer.policies);
  json.field("policy_epoch", answer.policy_epoch);
  json.field("rules", answer.rules);
  json.field("obligations", answer.obligations);
}

void describe(JsonFields& json, StatedSpending& spending) {
  json.field("block", spending.block);
  json.field("purpose", spending.purpose);
  json.field("releases", spending.releases);
  json.field("amount", spending.amount);
  json.field("currency", spending.currency);
}

void describe(JsonFields& json, StatedJob& job) {
  json.field("job", job.job);
  json.field("by", job.by);
  json.field("job_file", job.text);
  json.field("outcome", job.outcome);
  json.field("has_run", job.has_run);
  json.field("backend", job.backend);
  json.field("least_sites", job.least);
  json.field("sums", job.sums);
  json.field("aborted", job.aborted);
  json.field("retraced", job.retraced);
  json.field("has_model", job.has_model);
  json.field("receipt", job.receipt);
  json.field("answers", job.answers);
  json.field("spent", job.spent);
  json.field("charged_without_answer", job.charged_without_answer);
  json.field("declines", job.declines);
}

void describe(JsonFields& json, StatedCosigner& cosigner) {
  json.field("name", cosigner.name);
  json.field("at", cosigner.at);
}

std::string to_json(const AuditStatement& statement) {
  return JsonFields::write([copy = statement](JsonFields& json) mutable {
    bool in_order = copy.is_in_order();
    std::vector<std::string> proved = in_order ? what_is_proved(copy) : std::vector<std::string>();
    std::vector<std::string> not_proved =
        in_order ? what_is_not_proved(copy) : std::vector<std::string>();
    std::vector<std::string> unprovable = what_no_log_proves();
    json.constant("schema", "hanse.audit_statement/1");
    json.field("made", copy.made);
    json.field("in_order", in_order);
    json.field("consortium", copy.consortium);
    json.field("epoch", copy.epoch);
    json.field("roster", copy.roster);
    json.field("site", copy.site);
    json.object("log", [&](JsonFields& log) {
      log.field("origin", copy.origin);
      log.field("size", copy.size);
      log.field("root", copy.root);
      log.field("cosigners", copy.cosigners);
      log.field("quorum_since", copy.quorum);
    });
    json.field("signatures", copy.signatures);
    json.field("receipts", copy.receipts);
    json.field("jobs", copy.jobs);
    json.field("findings", copy.findings);
    json.field("findings_left_out", copy.findings_left_out);
    json.field("notes", copy.notes);
    json.field("uncovered", copy.uncovered);
    json.field("proved", proved);
    json.field("not_proved", not_proved);
    json.field("no_log_proves", unprovable);
  });
}

}  // namespace hanse::service
