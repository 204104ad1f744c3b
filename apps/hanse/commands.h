// The commands of the binary: each takes a plain struct, so that the command line stays in one
// file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/random.h"
#include "hanse/label_commands.h"
#include "hanse/policy_commands.h"
#include "hanse/terminal.h"
#include "jobs/job.h"
#include "service/config.h"
#include "storage/database.h"

namespace hanse::commands {

// hanse run
struct Run {
  std::string job;
  std::string out;  // empty: the first free runs/NAME-N
  std::optional<std::uint64_t> seed;
  std::optional<std::uint32_t> repeats;
  std::size_t threads = 0;  // 0: as many as the machine runs at once
  bool json = false;
  bool quiet = false;
  std::vector<std::string> set;
};

// hanse resume
struct Resume {
  std::string run;
  std::size_t threads = 0;
  bool json = false;
  bool quiet = false;
};

// hanse report
struct Report {
  std::vector<std::string> runs;
  bool json = false;
};

// hanse predict
struct Predict {
  std::string run;
  std::string data;
  std::optional<std::string> files;
  std::optional<double> rpm;
  std::optional<std::string> map;
  std::optional<std::string> query;
  std::optional<std::string> site_class;
  std::size_t threads = 0;
  bool json = false;
};

// hanse job check
struct JobCheck {
  std::string job;
  bool json = false;
  std::vector<std::string> set;
};

// hanse data inspect
struct Inspect {
  std::string data;                   // a file, a folder or postgresql://…
  std::optional<std::string> format;  // by the file's name where there is none
  std::optional<std::string> header;  // names, separated by commas
  std::optional<std::string> files;
  std::optional<std::string> query;
  std::optional<std::string> separator;  // as the first line looks where there is none
  std::optional<std::string> decimal;    // as the numbers look where there is none
  bool json = false;
};

// hanse data export
struct Export {
  std::string job;
  std::optional<std::uint64_t> seed;
  std::size_t threads = 0;
  std::vector<std::string> set;
};

// hanse site join
struct SiteJoin {
  std::string home;
  std::string roster;  // to pin; empty: make keys and a request
  std::string consortium;
  std::string name;
  std::string role = "site";
  std::string site_class;
  std::string organisation;
  bool rotate = false;
  bool yes = false;
  bool json = false;
};

// hanse consortium init
struct ConsortiumInit {
  std::string name;
  std::vector<std::string> requests;
  std::string home;
  std::string address;
  std::string organisation;
  bool test = false;
  bool json = false;
};

// hanse consortium approve
struct ConsortiumApprove {
  std::string file;  // a proposal or a request
  std::string home;
  bool instead = false;  // of another proposal for the same epoch
  bool yes = false;
  bool json = false;
};

// hanse consortium revoke
struct ConsortiumRevoke {
  std::string name;
  std::string home;
  bool instead = false;
  bool json = false;
};

// hanse coordinator run
struct CoordinatorRun {
  std::string home;
  service::Flags flags;
  std::size_t threads = 0;
};

// hanse site run
struct SiteRun {
  std::string home;
  service::Flags flags;
  std::size_t threads = 0;
};

// What the commands to a coordinator share.
struct DeployedJobs {
  std::string home;         // of the party that asks
  std::string coordinator;  // HOST:PORT; empty: as the roster says
  bool json = false;
};

// hanse job submit
struct JobSubmit {
  std::string job;
  DeployedJobs where;
  bool watch = false;
  std::string out;  // where to save what it leaves; empty: nowhere
  std::vector<std::string> set;
};

// hanse job list
struct JobList {
  DeployedJobs where;
};

// hanse job watch
struct JobWatch {
  std::string job;
  DeployedJobs where;
  std::string out;
};

// hanse job cancel
struct JobCancel {
  std::string job;
  DeployedJobs where;
};

// hanse job approve
struct JobApprove {
  std::string job;  // a job file, or one that waits in pending/
  std::string home;
};

// hanse doctor
struct Doctor {
  DeployedJobs where;
  std::string job;  // to hold the site's records against; may be empty
};

// hanse quickstart
struct Quickstart {
  std::string out;  // empty: the first free runs/quickstart-N
  bool json = false;
  bool quiet = false;
};

// The mechanisms that a budget command asks about: a TOML file, lines of their own, or one sampled
// Gaussian.
struct Mechanisms {
  std::string file;
  std::vector<std::string> lines;
  std::optional<double> sigma;  // over the sensitivity
  double q = 1;                 // Poisson sampling rate
  std::uint64_t steps = 1;
};

// hanse budget epsilon
struct BudgetEpsilon {
  Mechanisms what;
  double delta = 0;
  std::string accountant = "pld";
  bool json = false;
};

// hanse budget sigma
struct BudgetSigma {
  Mechanisms what;
  double epsilon = 0;
  double delta = 0;
  std::string accountant;  // pld where neither it nor a gate is named
  std::string gate;        // calibrate for a ledger that counts in this currency
  bool json = false;
};

// hanse budget open
struct BudgetOpen {
  std::string home;
  std::string asset;
  double epsilon = 0;
  double delta = 0;
  std::string gate = "rdp";
  std::string unit = "record";
  std::string neighbours = "add_remove";
  std::string block = "first";
  bool json = false;
};

// hanse budget extend
struct BudgetExtend {
  std::string home;
  std::string asset;
  std::string block;
  bool json = false;
};

// hanse budget derive
struct BudgetDerive {
  std::string home;
  std::string asset;
  std::vector<std::string> parents;  // "ASSET" or "ASSET:BLOCK,BLOCK"
  double stability = 1;
  bool json = false;
};

// hanse budget charge
struct BudgetCharge {
  std::string home;
  std::vector<std::string> assets;  // "ASSET" or "ASSET:BLOCK,BLOCK"
  Mechanisms what;
  std::string release;
  std::string job;
  std::string purpose;
  bool json = false;
};

// hanse budget show
struct BudgetShow {
  std::string home;
  std::string asset;  // empty: all
  bool json = false;
};

// hanse budget history
struct BudgetHistory {
  std::string home;
  std::string asset;
  std::string html;  // a page with the burn-down; empty: none
  bool json = false;
};

// hanse budget forecast
struct BudgetForecast {
  std::string home;
  std::string asset;
  Mechanisms what;              // may name nothing
  double floor = 0.05;          // least useful epsilon of a query
  double base = 0.1;            // of the founding rule
  std::uint64_t queries = 100;  // planned, for the rule of least error
  bool json = false;
};

// hanse budget verify
struct BudgetVerify {
  std::string home;
  std::string asset;  // empty: all
  std::string head;   // pinned elsewhere: "ENTRIES:DIGEST"
  bool json = false;
};

// hanse audit verify
struct AuditVerify {
  std::vector<std::string> runs;
  std::string site;    // a site's folder; empty: none
  std::string log;     // empty: beside the first run's folder
  std::string roster;  // empty: the site's own
  std::string html;    // a page; empty: none
  bool json = false;
};

// hanse audit prove
struct AuditProve {
  std::string log;  // with `index`: makes a proof
  std::optional<std::uint64_t> index;
  std::string out;     // empty: stdout
  std::string check;   // a proof to check …
  std::string policy;  // … and by which policy
};

// hanse audit checkpoint
struct AuditCheckpoint {
  std::string log;
  std::string policy;  // empty: the log's own
  bool json = false;
};

// hanse audit fsck
struct AuditFsck {
  std::string log;
  std::string policy;  // empty: the log's own
  bool json = false;
};

// hanse audit fetch
struct AuditFetch {
  DeployedJobs where;
  std::string out;
};

// hanse audit witness
struct AuditWitness {
  std::string home;
  std::string bind = "127.0.0.1:7481";
};

// hanse audit serve
struct AuditServe {
  std::string log;
  std::string bind = "127.0.0.1:7482";
};

// hanse fairness risk
struct FairnessRisk {
  std::string job;
  std::vector<std::string> set;
  std::uint32_t seeds = 20;
  bool ladder = false;
  bool allow_levelling_down = false;
  std::string out;  // empty: nothing is written
  std::size_t threads = 0;
  bool json = false;
  bool quiet = false;
};

// hanse fairness watch
struct FairnessWatch {
  std::vector<std::string> runs;  // in the order of their periods
  std::optional<double> reference;
  double alpha = .05;
  bool json = false;
};

// Already answered by the command line itself: help, version, completion.
struct Text {
  std::string text;
};

// The command line was wrong.
struct Usage {
  std::string text;
};

using Command =
    std::variant<Run, Resume, Report, Predict, JobCheck, Inspect, Export, SiteJoin, ConsortiumInit,
                 ConsortiumApprove, ConsortiumRevoke, CoordinatorRun, SiteRun, JobSubmit, JobList,
                 JobWatch, JobCancel, JobApprove, Doctor, Quickstart, BudgetEpsilon, BudgetSigma,
                 BudgetOpen, BudgetExtend, BudgetDerive, BudgetCharge, BudgetShow, BudgetHistory,
                 BudgetForecast, BudgetVerify, AuditVerify, AuditProve, AuditCheckpoint, AuditFsck,
                 AuditFetch, AuditWitness, AuditServe, PolicyCheck, PolicyDecide, PolicyExplain,
                 PolicyDiff, PolicyOffer, PolicySignalSet, PolicySignalUnset, PolicySignalProve,
                 PolicySignalList, PolicyReload, PolicyServe, LabelList, LabelAnswer, FairnessRisk,
                 FairnessWatch, Text, Usage>;

// What commands reach the world through.
struct Doors {
  storage::Directory& directory;
  storage::Databases& databases;
  base::Executor& executor;
  const base::Clock& clock;
  base::RandomSource& random;
  const jobs::Environment& environment;
  const Terminal& terminal;
  const std::function<bool()>& stop;  // true once somebody asked the process to end
};

base::Result<void> execute(const Run& command, const Doors& doors);
base::Result<void> execute(const Resume& command, const Doors& doors);
base::Result<void> execute(const Report& command, const Doors& doors);
base::Result<void> execute(const Predict& command, const Doors& doors);
base::Result<void> execute(const JobCheck& command, const Doors& doors);
base::Result<void> execute(const Inspect& command, const Doors& doors);
base::Result<void> execute(const Export& command, const Doors& doors);
base::Result<void> execute(const SiteJoin& command, const Doors& doors);
base::Result<void> execute(const ConsortiumInit& command, const Doors& doors);
base::Result<void> execute(const ConsortiumApprove& command, const Doors& doors);
base::Result<void> execute(const ConsortiumRevoke& command, const Doors& doors);
base::Result<void> execute(const CoordinatorRun& command, const Doors& doors);
base::Result<void> execute(const SiteRun& command, const Doors& doors);
base::Result<void> execute(const JobSubmit& command, const Doors& doors);
base::Result<void> execute(const JobList& command, const Doors& doors);
base::Result<void> execute(const JobWatch& command, const Doors& doors);
base::Result<void> execute(const JobCancel& command, const Doors& doors);
base::Result<void> execute(const JobApprove& command, const Doors& doors);
base::Result<void> execute(const Doctor& command, const Doors& doors);
base::Result<void> execute(const Quickstart& command, const Doors& doors);
base::Result<void> execute(const FairnessRisk& command, const Doors& doors);
base::Result<void> execute(const FairnessWatch& command, const Doors& doors);
base::Result<void> execute(const BudgetEpsilon& command, const Doors& doors);
base::Result<void> execute(const BudgetSigma& command, const Doors& doors);
base::Result<void> execute(const BudgetOpen& command, const Doors& doors);
base::Result<void> execute(const BudgetExtend& command, const Doors& doors);
base::Result<void> execute(const BudgetDerive& command, const Doors& doors);
base::Result<void> execute(const BudgetCharge& command, const Doors& doors);
base::Result<void> execute(const BudgetShow& command, const Doors& doors);
base::Result<void> execute(const BudgetHistory& command, const Doors& doors);
base::Result<void> execute(const BudgetForecast& command, const Doors& doors);
base::Result<void> execute(const BudgetVerify& command, const Doors& doors);
base::Result<void> execute(const AuditVerify& command, const Doors& doors);
base::Result<void> execute(const AuditProve& command, const Doors& doors);
base::Result<void> execute(const AuditCheckpoint& command, const Doors& doors);
base::Result<void> execute(const AuditFsck& command, const Doors& doors);
base::Result<void> execute(const AuditFetch& command, const Doors& doors);
base::Result<void> execute(const AuditWitness& command, const Doors& doors);
base::Result<void> execute(const AuditServe& command, const Doors& doors);
base::Result<void> execute(const PolicyCheck& command, const Doors& doors);
base::Result<void> execute(const PolicyDecide& command, const Doors& doors);
base::Result<void> execute(const PolicyExplain& command, const Doors& doors);
base::Result<void> execute(const PolicyDiff& command, const Doors& doors);
base::Result<void> execute(const PolicyOffer& command, const Doors& doors);
base::Result<void> execute(const PolicySignalSet& command, const Doors& doors);
base::Result<void> execute(const PolicySignalUnset& command, const Doors& doors);
base::Result<void> execute(const PolicySignalProve& command, const Doors& doors);
base::Result<void> execute(const PolicySignalList& command, const Doors& doors);
base::Result<void> execute(const PolicyReload& command, const Doors& doors);
base::Result<void> execute(const LabelList& command, const Doors& doors);
base::Result<void> execute(const LabelAnswer& command, const Doors& doors);
base::Result<void> execute(const PolicyServe& command, const Doors& doors);

}  // namespace hanse::commands
