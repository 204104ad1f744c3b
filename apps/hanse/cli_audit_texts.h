// What --help says of the audit log.
#pragma once

namespace hanse::commands {

inline constexpr auto kAuditText = "Prove what was done with your data";

inline constexpr auto kAuditExample = R"(Examples:
  hanse audit verify --site bremen --log audit runs/bearings
  hanse audit checkpoint --log audit
  hanse audit prove --log audit 17 -o leaf17.tlog-proof
  hanse audit fsck audit
  hanse audit fetch audit --home bremen
)";

inline constexpr auto kAuditVerifyText =
    R"(Hold finished jobs against the audit log, trusting nobody

Works on copies: RUN is the folder that `hanse job watch --out` fetched, --log the
files of the log. Reads every leaf, checks root, cosignatures and the signatures of
all answers and sums of these jobs, and takes every step of the training again. With
--site all jobs of the site's own record are looked at, and record, grants and ledger
are held against the log; the site must not be running on that folder meanwhile. Exit
code 9 where something is wrong.)";

inline constexpr auto kAuditVerifyExample = R"(Examples:
  hanse audit verify --site bremen --log audit runs/bearings
  hanse audit verify --site bremen --log audit runs/* --html statement.html
  hanse audit verify --roster roster --log audit runs/bearings --json
)";

inline constexpr auto kProveText = R"(Prove that a leaf is in the log, or check such a proof

A proof stands alone in one file (tlog-proof) and has the leaf in it: whoever has the
policy checks it without the log, with this or another program.)";

inline constexpr auto kProveExample = R"(Examples:
  hanse audit prove --log audit 17 -o leaf17.tlog-proof
  hanse audit prove --check leaf17.tlog-proof --policy audit/policy
)";

inline constexpr auto kCheckpointText = R"(Show the head of a log and who has cosigned it

Size, root, the log's key, and when each witness of the policy signed. Exit code 7
where the policy is not satisfied.)";

inline constexpr auto kCheckpointExample = R"(Examples:
  hanse audit checkpoint --log audit
  hanse audit checkpoint --log audit --policy policy --json
)";

inline constexpr auto kFsckText = R"(Hash a log's files again

Every entry, every tile, the root, and each signature of the checkpoint. Exit code 9
where something is damaged.)";

inline constexpr auto kFsckExample = R"(Examples:
  hanse audit fsck audit
  hanse audit fsck audit --policy policy --json
)";

inline constexpr auto kFetchText = R"(Copy the consortium's audit log from its coordinator

Checkpoint, tiles, policy and rosters, as any web server could hand them out. A folder
that has a part of them gets the rest. Nothing is believed but the coordinator's
signature under the head: `hanse audit verify` and `fsck` check the rest.)";

inline constexpr auto kFetchExample = R"(Examples:
  hanse audit fetch audit --home hamburg
  hanse job watch bearings --home hamburg --out runs/bearings    # and what the job left
  hanse audit verify --site hamburg --log audit runs/bearings
)";

inline constexpr auto kWitnessText = R"(Cosign the audit log over HTTP (C2SP tlog-witness)

Answers POST /add-checkpoint for a site that does not run: a running site does so on
its own HTTP port, and on its line to the coordinator. What was cosigned is in the
site's store before the cosignature leaves; no two histories are ever cosigned.)";

inline constexpr auto kWitnessExample = R"(Examples:
  hanse audit witness --home hamburg
  hanse audit witness --home hamburg --bind 0.0.0.0:7481
)";

inline constexpr auto kServeText = R"(Serve a copy of an audit log over HTTP (C2SP tlog-tiles)

GET /checkpoint, /tile/…, /policy and /rosters/…; nothing else of the folder. Any web
server can do the same with the files.)";

inline constexpr auto kServeExample = R"(Examples:
  hanse audit serve coordinator/audit
  hanse audit serve audit --bind 0.0.0.0:7482
)";

}  // namespace hanse::commands
