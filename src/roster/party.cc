#include "roster/party.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/ids.h"
#include "crypto/agreement.h"
#include "crypto/note.h"
#include "roster/json.h"

namespace hanse::roster {

using base::ErrorCode;
using base::Result;

namespace {

constexpr std::string_view kRequestKind = "hanse request 1";
constexpr std::string_view kPartyKind = "hanse party 1";
constexpr std::size_t kFingerprintBytes = 16;

Result<void> check_unnamed(const Party& party) {
  if (party.organisation.size() > kMaxOrganisationBytes ||
      !crypto::is_plain_text(party.organisation) ||
      party.organisation.find('\n') != std::string::npos)
    return base::fail(ErrorCode::invalid_argument,
                      "an organisation is one line of UTF-8 of at most {} bytes; found {} bytes",
                      kMaxOrganisationBytes, party.organisation.size());
  if (!party.site_class.empty()) {
    if (party.role != Role::site)
      return base::fail(ErrorCode::invalid_argument, "only sites have a class; this is {}",
                        name_of(party.role));
    HANSE_TRY_VOID(base::checked_name("site class", party.site_class));
  }
  HANSE_TRY_VOID(crypto::Verifier::create(party.signing));
  HANSE_TRY_VOID(crypto::check_agreement_key(party.agreement));
  HANSE_TRY(const auto facts, crypto::read_certificate(party.certificate));
  if (facts.name != party.name)
    return base::fail(ErrorCode::invalid_argument, "its certificate is in the name of '{}'",
                      facts.name);
  if (facts.key == party.signing || facts.key == party.agreement ||
      party.signing == party.agreement)
    return base::fail(ErrorCode::invalid_argument,
                      "its three keys must differ: one key has one purpose");
  return {};
}

}  // namespace

std::string_view name_of(Role role) {
  switch (role) {
    case Role::coordinator:
      return "coordinator";
    case Role::site:
      return "site";
    case Role::engineer:
      return "engineer";
    case Role::auditor:
      return "auditor";
  }
  return "";
}

Result<Role> role_of(std::string_view name) {
  for (const Role role : kRoles)
    if (name == name_of(role)) return role;
  return base::fail(ErrorCode::invalid_argument,
                    "a role is coordinator, site, engineer or auditor; found '{}'",
                    name.substr(0, 40));
}

Result<void> check(const Party& party) {
  HANSE_TRY_VOID(base::checked_name("party", party.name));
  const auto checked = check_unnamed(party);
  if (!checked) return base::fail(checked.error().within(fmt::format("party '{}'", party.name)));
  return {};
}

std::string fingerprint(const Party& party) {
  const std::string text = json::text_of(kPartyKind, json::json_of(party));
  const std::string hex = base::Digest::of(base::view_of(text)).hex();
  std::string groups = hex.substr(0, 4);
  for (std::size_t i = 4; i < 2 * kFingerprintBytes; i += 4) groups += " " + hex.substr(i, 4);
  return groups;
}

std::string to_text(const Request& request) {
  return json::text_of(
      kRequestKind, {{"consortium", request.consortium}, {"party", json::json_of(request.party)}});
}

Result<Request> Request::from_text(std::string_view text) {
  HANSE_TRY(const json::Json document, json::document_of(kRequestKind, text));
  Request request;
  HANSE_TRY(request.consortium, json::string_at(document, "consortium"));
  HANSE_TRY_VOID(base::checked_name("consortium", request.consortium));
  HANSE_TRY(const json::Json party, json::child_at(document, "party"));
  HANSE_TRY(request.party, json::party_of(party));
  HANSE_TRY_VOID(check(request.party));
  HANSE_TRY_VOID(json::check_canonical(kRequestKind, text, to_text(request)));
  return request;
}

Result<void> check_possession(const Signed<Request>& request) {
  const Party& party = request.value().party;
  HANSE_TRY(const auto verifier, crypto::Verifier::create(party.signing));
  if (!request.signed_by(party.name, verifier))
    return base::fail(ErrorCode::permission_denied,
                      "the request of '{}' is not signed with the key that it names; it was "
                      "changed on the way or is somebody else's: ask {} for it again",
                      party.name, party.name);
  return {};
}

}  // namespace hanse::roster
