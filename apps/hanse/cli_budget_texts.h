// What --help says of budgets.
#pragma once

namespace hanse::commands {

inline constexpr auto kBudgetText = "Calculate privacy losses; keep the budgets of your data";

inline constexpr auto kBudgetExample = R"(Examples:
  hanse budget epsilon --sigma 1.1 --q 0.01 --steps 1000 --delta 1e-5
  hanse budget sigma --epsilon 3 --q 0.01 --steps 1000 --delta 1e-5
  hanse budget open ovens --home bremen --epsilon 3 --delta 1e-5
  hanse budget show --home bremen
)";

inline constexpr auto kEpsilonText = R"(Tell the epsilon of mechanisms that use the same data

Composes everything that FILE, --mechanism and --sigma name, as uses of one data
asset, and prints the least epsilon that is proved at --delta. pld is the tightest
accountant, rdp and zcdp are what a ledger's gate counts in. Answers are rounded up.)";

inline constexpr auto kEpsilonExample = R"(Examples:
  hanse budget epsilon --sigma 1.1 --q 0.01 --steps 1000 --delta 1e-5
  hanse budget epsilon two_models.toml --delta 1e-5
  hanse budget epsilon --mechanism "laplace scale=2 count=20" \
    --mechanism "gaussian noise_multiplier=4" --delta 1e-6 --accountant rdp --json
)";

inline constexpr auto kSigmaText = R"(Tell the least noise that keeps an epsilon

The least Gaussian noise, over the clip, with which --steps steps keep --epsilon at
--delta, rounded up. With FILE, beside what else uses the same data: the noise of its
Gaussians that have none. A job for a ledger is calibrated with --gate, since a ledger
cannot admit what only a tighter accountant can prove.)";

inline constexpr auto kSigmaExample = R"(Examples:
  hanse budget sigma --epsilon 3 --delta 1e-5 --q 0.01 --steps 1000
  hanse budget sigma --epsilon 1 --delta 1e-5 --steps 60 --gate rdp
  hanse budget sigma third_model.toml --epsilon 2 --delta 1e-5 --json
)";

inline constexpr auto kOpenText = R"(Give data a budget

Opens the ledger of the data asset ASSET: whatever leaves of it, by any job, model or
person, keeps epsilon and delta together for each unit. Budget, unit and what it is
counted in are fixed from here on. The rows that are there now are its first block.)";

inline constexpr auto kOpenExample = R"(Examples:
  hanse budget open ovens --home bremen --epsilon 3 --delta 1e-5
  hanse budget open ovens --home bremen --epsilon 3 --delta 1e-5 --gate rho --unit machine
)";

inline constexpr auto kExtendText = R"(Open a block for new rows, with a budget of its own

Rows that no release has used are paid from a budget of their own. A use of the whole
asset is charged to every block: name the new ones, as ASSET:BLOCK, where older ones
have nothing left.)";

inline constexpr auto kExtendExample = R"(Examples:
  hanse budget extend ovens 2027-q1 --home bremen
)";

inline constexpr auto kDeriveText = R"(Name data made from other data; its parents pay

A use of ASSET is charged to what it is made of. --stability says how many of its
units one unit of a parent can change: 1 for a column more, 5 for windows that overlap
so that a record stands in five. Two ways from one parent add up.)";

inline constexpr auto kDeriveExample = R"(Examples:
  hanse budget derive windows --from ovens --stability 5 --home bremen
  hanse budget derive both --from ovens --from presses:first --home bremen
)";

inline constexpr auto kChargeText = R"(Charge a release that was made by other means

For what leaves without a Hanse job, as a published statistic: it is charged before it
is given away, to all named assets or to none. The same --release with the same
content is charged once; with other content it is refused.)";

inline constexpr auto kChargeExample = R"(Examples:
  hanse budget charge --asset ovens --mechanism "laplace scale=20" --release counts-2026-11 \
    --job counts --purpose statistics --home bremen
  hanse budget charge model.toml --asset ovens:2027-q1 --release model-7 --job model \
    --purpose maintenance --home bremen
)";

inline constexpr auto kShowText = R"(Show what budgets hold: spent and left, by block and by job

What is reserved and not yet released counts as spent. Beside the ledger's own count
stands the tighter epsilon of everything recorded, by PLD: it informs and never gates.)";

inline constexpr auto kShowExample = R"(Examples:
  hanse budget show --home bremen
  hanse budget show ovens --home bremen --json | jq .assets[0].blocks
)";

inline constexpr auto kHistoryText = R"(List who spent what, when, for which job and purpose)";

inline constexpr auto kHistoryExample = R"(Examples:
  hanse budget history ovens --home bremen
  hanse budget history ovens --home bremen --html ovens.html
)";

inline constexpr auto kForecastText = R"(Tell how often something still fits a budget

How many more releases of the named mechanisms each block still admits, and how many
useful queries the rest answers under each rule of allocation.)";

inline constexpr auto kForecastExample = R"(Examples:
  hanse budget forecast ovens --sigma 8 --home bremen
  hanse budget forecast ovens model.toml --home bremen --json
)";

inline constexpr auto kVerifyText = R"(Check a ledger from its first entry on

Recomputes the chain of hashes, every rule and sum, the price of every loss, and the
digest of every stored payload. A --head that was noted down before, as this command
prints it, tells whether an older copy of the store was put back.)";

inline constexpr auto kVerifyExample = R"(Examples:
  hanse budget verify --home bremen
  hanse budget verify --home bremen --head 17:3f0c…
)";

}  // namespace hanse::commands
