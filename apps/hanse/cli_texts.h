// What --help says.
#pragma once

namespace hanse::commands {

inline constexpr auto kExitCodes =
    R"(Exit codes: 0 done, 2 wrong usage, 3 wrong input, 5 not found, 6 exists already,
8 budget exhausted, 9 damaged file, 10 disk full or unavailable, 130 stopped by
Ctrl-C; all of them in docs/operating/command_line.md.
)";

inline constexpr auto kTop = R"(Examples:
  hanse run examples/bearings.toml        train, compare, write a report
  hanse resume runs/bearings-1            go on after Ctrl-C
  hanse report runs/bearings-1            the table again
  hanse predict runs/bearings-1 DATA      what the model says about new recordings
  hanse data inspect plant.csv            a proposal for a job's columns
  hanse run --help                        more about a command

A job says what it promises: epsilon, or that nothing is private (in the clear). Every
report says which, and what it comes to.
)";

// The first line stands in the list of commands too.
inline constexpr auto kRunText = R"(Train local-only, federated and pooled; compare; report

Trains a model three ways on the job's records and measures all three on the same
test records: every site alone (local-only), together with records at home
(federated), and with all records in one place (pooled). Writes the folder RUN with
report.json, report.html, model.json and job.toml. Ctrl-C, a kill or a power cut
loses a few seconds of work: hanse resume RUN goes on.)";

inline constexpr auto kRunExample = R"(Examples:
  hanse run examples/bearings.toml
  hanse run examples/bearings.toml --seed 11 --out runs/eleven
  hanse run examples/bearings.toml --set training.rounds=60 --set model.hidden=[16]
  hanse run examples/bearings.toml --repeats 5
  hanse run examples/bearings.toml --json | jq .metrics.federated
)";

inline constexpr auto kResumeText = R"(Go on with a run that was stopped

Goes on where RUN was stopped by Ctrl-C, a kill, a power cut or a full disk, and comes
to the same report and model, bit by bit, as if nothing had happened. Job, data,
program and instruction set have to be those that RUN began with.)";

inline constexpr auto kResumeExample = R"(Examples:
  hanse resume runs/bearings-1
  hanse resume runs/bearings-1 --threads 4 --json | jq .metrics.federated
)";

inline constexpr auto kReportText = R"(Show what a run found, or compare runs

Prints the table that hanse run ended with; of several runs, one table per metric.)";

inline constexpr auto kCheckText = R"(Check a job file and say what it would do

Finds the mistakes that show without reading a record.)";

inline constexpr auto kReportExample = R"(Examples:
  hanse report runs/bearings-1
  hanse report runs/bearings-1 runs/bearings-2      side by side
  hanse report runs/bearings-1 --json | jq .metrics
)";

inline constexpr auto kPredictText = R"(Apply a run's model to new data

Applies RUN's model to new data, read and transformed as the job's data was: a
folder of recordings, a table's file or folder, or a database. Labels and groups may
be absent; with labels the metrics are printed too. One line per record goes to
stdout as CSV.)";

inline constexpr auto kPredictExample = R"(Examples:
  hanse predict runs/cwru-1 new_recordings > predictions.csv
  hanse predict runs/cwru-1 new_recordings --json
  hanse predict runs/ovens-1 today.csv --map local/map.toml
  hanse predict runs/ovens-1 postgresql://reader@plant/mes --query 'SELECT * FROM ovens'
  hanse predict runs/bearings-1 plant --files '{machine}_{day}.npy' --rpm 1772
)";

inline constexpr auto kCheckExample = R"(Examples:
  hanse job check examples/bearings.toml
  hanse job check examples/bearings.toml --set training.strategy=fedprox
  hanse job check examples/bearings.toml --json
)";

inline constexpr auto kInspectText = R"(Propose a job's [data] section for a table

Looks through a table and prints the [data] section of a job file, for a person to
edit: its columns, what they seem to be, units and marks of missing values. What the
file holds stands in comments and stays here: ranges and values are declared by you,
from what is physically possible, never from the data.)";

inline constexpr auto kInspectExample = R"(Examples:
  hanse data inspect plant.csv > job.toml
  hanse data inspect engines.txt --format whitespace --header unit,cycle,t24,t30
  hanse data inspect runs --files '{machine}_{day}.csv'
  hanse data inspect postgresql://reader@plant/mes --query 'SELECT * FROM ovens' --json
)";

inline constexpr auto kExportText = R"(Print a job's records and folds as CSV, for other tools

Encoded as the models see them, with the site, the group, the target and the number
of the fold in which each record tests (it trains in all others; 0: in none; empty:
not used). For simulations, where all records lie in one place already.)";

inline constexpr auto kExportExample = R"(Examples:
  hanse data export examples/heart.toml > heart.csv
  hanse data export examples/heart.toml --seed 3 --set data.split.folds=10
)";

inline constexpr auto kCompletionExample = R"(Examples:
  source <(hanse completion bash)
  hanse completion zsh > ~/.zfunc/_hanse
)";

inline constexpr auto kSiteText = "Belong to a consortium";

inline constexpr auto kJoinText = R"(Make a party's keys and request; pin a roster

Without ROSTER: makes three keys in DIR/keys, which never leave it, and writes
DIR/request for the members. With ROSTER, as signed by them: checks the signatures
and goes by it. The first time its fingerprints are compared by people; each later
epoch has to follow from the one before.)";

inline constexpr auto kJoinExample = R"(Examples:
  hanse site join --home bremen --consortium ovens --name bremen
  hanse site join --home audit --consortium ovens --name tuev --role auditor
  hanse site join --home bremen roster            go by this epoch
  hanse site join --home bremen --rotate          new keys, when those wear out
)";

inline constexpr auto kConsortiumText = "Found a consortium; admit and revoke its parties";

inline constexpr auto kInitText = R"(Found a consortium: the coordinator's keys and a first proposal

Writes DIR/proposal, epoch 1, signed by the coordinator. It is complete when every
founder has signed it: hanse consortium approve.)";

inline constexpr auto kInitExample = R"(Examples:
  hanse consortium init ovens --home hub --address hub.example:7443 bremen/request ulm/request
  hanse consortium init trial --test --home hub --address localhost:7443 a/request b/request
)";

inline constexpr auto kApproveText = R"(Sign a proposal, or propose what a request asks for

Shows what changes with fingerprints, asks, and signs. A proposal is signed in its
file. A request becomes DIR/proposal, the next epoch. An epoch is complete with the
signatures of more than half of the sites of the epoch before.)";

inline constexpr auto kApproveExample = R"(Examples:
  hanse consortium approve proposal --home bremen
  hanse consortium approve essen/request --home bremen
)";

inline constexpr auto kRevokeText = R"(Propose an epoch without a party

Writes DIR/proposal, signed by this party. The others sign it with hanse consortium
approve.)";

inline constexpr auto kRevokeExample = R"(Examples:
  hanse consortium revoke ulm --home bremen
)";

inline constexpr auto kCoordinatorText = R"(Run the coordinator of a consortium

Asks the sites, adds up what they answer, and keeps the model. One port, mutual TLS,
sites dial in. What it must not lose lies in DIR/store.db: after a crash or a stop it
goes on where it was. Settings: DIR/local/coordinator.toml.)";

inline constexpr auto kCoordinatorExample = R"(Examples:
  hanse coordinator run --home coordinator --in-the-clear
  hanse coordinator run --home coordinator --bind 0.0.0.0:7443 --http 127.0.0.1:7480 --in-the-clear
)";

inline constexpr auto kSiteRunText = R"(Run a site beside its records

Dials the coordinator and answers what its owner has agreed to, from the tables that
DIR/local/site.toml names. Records stay here. After a crash or a stop it goes on
where it was, and says nothing twice.)";

inline constexpr auto kSiteRunExample = R"(Examples:
  hanse site run --home hamburg --in-the-clear
  https_proxy=http://proxy:3128 hanse site run --home hamburg --in-the-clear
)";

inline constexpr auto kInTheClear = "Let updates leave without noise; in test consortia only";

inline constexpr auto kSubmitText = R"(Give a job to a coordinator

The coordinator trains it with the sites of its roster, after the jobs before it.)";

inline constexpr auto kSubmitExample = R"(Examples:
  hanse job submit ovens.toml --home engineer
  hanse job submit ovens.toml --home engineer --out runs/ovens-1
)";

inline constexpr auto kWatchText = R"(Watch a job until it is over

With --out, then fetches report and model. Ctrl-C ends the watching, not the job.)";

inline constexpr auto kWatchExample = R"(Examples:
  hanse job watch ovens --home engineer
  hanse job watch ovens --home engineer --out runs/ovens-1
)";

inline constexpr auto kJobListExample = R"(Examples:
  hanse job list --home engineer
  hanse job list --home engineer --json | jq '.jobs[].phase'
)";

inline constexpr auto kCancelExample = R"(Examples:
  hanse job cancel ovens --home engineer
)";

inline constexpr auto kApproveJobText = R"(Agree, as a site's owner, to a job

A site whose local/site.toml says [consent] jobs = "approved" (so it is without that
section) declines every job that its owner has not agreed to, and leaves it in
DIR/pending for him to read.)";

inline constexpr auto kApproveJobExample = R"(Examples:
  hanse job approve hamburg/pending/3f1c….toml --home hamburg
)";

inline constexpr auto kDoctorText = R"(Look for what would keep a party from running

Checks keys and roster, certificate, settings, how long the disk takes for a durable
write, the way to the coordinator and its clock; with --job also that the site's own
records fit the job.)";

inline constexpr auto kDoctorExample = R"(Examples:
  hanse doctor --home hamburg
  hanse doctor --home hamburg --job ovens.toml --json
)";

inline constexpr auto kQuickstartText = R"(Watch a consortium of real processes for a few seconds

Starts a coordinator and three sites on this machine, each a process with keys, a
roster and a store of its own, lets them train a job over mutual TLS, shows how it
goes and stops them again. Leaves everything in RUN to look at.)";

inline constexpr auto kQuickstartExample = R"(Examples:
  hanse quickstart
  hanse quickstart --out consortium
)";

}  // namespace hanse::commands
