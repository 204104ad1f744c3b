// What the texts of parties and rosters share: a line that names the kind, then one JSON document,
// spaced in one way only.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "roster/party.h"

namespace hanse::roster::json {

using Json = nlohmann::ordered_json;

std::string text_of(std::string_view kind, const Json& document);

// Another kind, no JSON, no object: corruption.
base::Result<Json> document_of(std::string_view kind, std::string_view text);

// What is at a key of an object; absent or of another type: corruption.
base::Result<std::string> string_at(const Json& object, std::string_view key);
base::Result<std::uint32_t> number_at(const Json& object, std::string_view key);
base::Result<bool> flag_at(const Json& object, std::string_view key);
base::Result<Json> child_at(const Json& object, std::string_view key);

Json json_of(const Party& party);
base::Result<Party> party_of(const Json& object);

// Lower-case hexadecimal; empty for the zero digest.
std::string hex_of(const base::Digest& digest);
base::Result<base::Digest> digest_of_hex(std::string_view text);

// There is one text for each value: `text` is `expected`, else corruption.
base::Result<void> check_canonical(std::string_view kind, std::string_view text,
                                   std::string_view expected);

}  // namespace hanse::roster::json
