// What --help says of policies.
#pragma once

namespace hanse::commands {

inline constexpr auto kPolicyText = "What may be done with your data";

inline constexpr auto kPolicyExample = R"(Examples:
  hanse policy check policies
  hanse policy decide --policies policies --request request.json
  hanse policy explain --policies policies --request request.json --signal lineLoad=0.95
  hanse policy diff policies policies.new
  hanse policy offer policies --out offered
)";

inline constexpr auto kPolicyCheckText = R"(Load policies and say what is odd about them

Every word that is not understood is an error with its place in the file (exit code
3): nothing is skipped. Of what loads it says which rules are shadowed by a
prohibition, contradict one, can never apply, are over, or say the same twice. What
it says is so; it does not find everything.)";

inline constexpr auto kPolicyCheckExample = R"(Examples:
  hanse policy check policies
  hanse policy check policies/gdpr.jsonld --strict
  hanse policy check policies --json
)";

inline constexpr auto kPolicyDecideText = R"(Decide a request by policies

The request is AuthZEN's: subject, action, resource, context. The answer on stdout
says permit or deny, under which obligations, by which rule, and until when time alone
cannot change it. Exit code 0: permitted, 7: denied.)";

inline constexpr auto kPolicyDecideExample = R"(Examples:
  hanse policy decide --policies policies --request request.json
  hanse policy decide --policies policies --request - --json < request.json
  hanse policy decide --policies policies --request request.json --at 2027-06-01T00:00:00Z
)";

inline constexpr auto kPolicyExplainText = R"(Explain a decision, and what would change it

Every rule that speaks of the request with each of its comparisons: what the policy
says, what the request says, and whether that holds, does not, or is unknown, which
denies. Of a denial it names the fewest comparisons to change, of a permit what would
end it. Exit code 0 either way.)";

inline constexpr auto kPolicyExplainExample = R"(Examples:
  hanse policy explain --policies policies --request request.json
  hanse policy explain --policies policies --request request.json --signal lineLoad=0.95
)";

inline constexpr auto kPolicyDiffText =
    R"(Find requests that two sets of policies answer differently

Asks both sets about the corners of every rule that only one of them has: each value
that a policy names, one between each two, one that nobody names, and none. Prints a
request for each kind of difference in decision or obligations. Corners are no proof
that there is no other; it says how many were tried.)";

inline constexpr auto kPolicyDiffExample = R"(Examples:
  hanse policy diff policies policies.new
  hanse policy diff old.jsonld new.jsonld --json
)";

inline constexpr auto kPolicyOfferText = R"(Write what of your policies may be offered to others

Offers in the words of the Catena-X profile 2025/9, as connectors take them, and
annex.jsonld with every rule that no offer has whole: it stays at home. No word of
Hanse's own goes into an offer, and no operational or competitive policy.)";

inline constexpr auto kPolicyOfferExample = R"(Examples:
  hanse policy offer policies --out offered
)";

}  // namespace hanse::commands
