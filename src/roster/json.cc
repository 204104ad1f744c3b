#include "roster/json.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

#include "crypto/base64.h"

namespace hanse::roster::json {

using base::ErrorCode;
using base::Result;

namespace {

// A roster holds a list of objects; what nests deeper is none.
constexpr int kMaxDepth = 4;

tl::unexpected<base::Error> expected(std::string_view key, std::string_view what) {
  return base::fail(ErrorCode::corruption, "expected {} at '{}'", what, key);
}

// Null where absent.
const Json* at(const Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(std::string(key));
  return found == object.end() ? nullptr : &*found;
}

Result<crypto::PublicKey> key_at(const Json& object, std::string_view key) {
  HANSE_TRY(const std::string text, string_at(object, key));
  const auto bytes = crypto::bytes_of_base64(text, crypto::kKeyBytes);
  if (!bytes || bytes->size() != crypto::kKeyBytes)
    return expected(key, "the 32 bytes of a key in base 64");
  crypto::PublicKey read{};
  std::ranges::copy(*bytes, read.begin());
  return read;
}

}  // namespace

std::string text_of(std::string_view kind, const Json& document) {
  return fmt::format("{}\n{}\n", kind,
                     document.dump(2, ' ', false, Json::error_handler_t::replace));
}

Result<Json> document_of(std::string_view kind, std::string_view text) {
  if (!text.starts_with(kind) || text.substr(kind.size(), 1) != "\n")
    return base::fail(ErrorCode::corruption, "expected the first line '{}', found '{}'", kind,
                      text.substr(0, std::min<std::size_t>(text.find('\n'), 40)));
  bool deep = false;
  Json document = Json::parse(
      text.substr(kind.size()),
      [&](int depth, Json::parse_event_t, const Json&) {
        deep = deep || depth > kMaxDepth;
        return !deep;
      },
      false);
  if (deep || !document.is_object())
    return base::fail(ErrorCode::corruption, "expected one JSON object after the line '{}'", kind);
  return document;
}

Result<std::string> string_at(const Json& object, std::string_view key) {
  const Json* const found = at(object, key);
  if (!found || !found->is_string()) return expected(key, "a string");
  return found->get<std::string>();
}

Result<std::uint32_t> number_at(const Json& object, std::string_view key) {
  const Json* const found = at(object, key);
  if (!found || !found->is_number_unsigned() ||
      found->get<std::uint64_t>() > std::numeric_limits<std::uint32_t>::max())
    return expected(key, "a whole number below 2^32");
  return found->get<std::uint32_t>();
}

Result<bool> flag_at(const Json& object, std::string_view key) {
  const Json* const found = at(object, key);
  if (!found || !found->is_boolean()) return expected(key, "true or false");
  return found->get<bool>();
}

Result<Json> child_at(const Json& object, std::string_view key) {
  const Json* const found = at(object, key);
  if (!found || !found->is_structured()) return expected(key, "an object or a list");
  return *found;
}

Json json_of(const Party& party) {
  return Json{{"name", party.name},
              {"role", name_of(party.role)},
              {"organisation", party.organisation},
              {"site_class", party.site_class},
              {"signing", crypto::base64_of(party.signing)},
              {"agreement", crypto::base64_of(party.agreement)},
              {"certificate", crypto::base64_of(party.certificate)}};
}

Result<Party> party_of(const Json& object) {
  Party party;
  HANSE_TRY(party.name, string_at(object, "name"));
  HANSE_TRY(const std::string role, string_at(object, "role"));
  HANSE_TRY(party.role, role_of(role));
  HANSE_TRY(party.organisation, string_at(object, "organisation"));
  HANSE_TRY(party.site_class, string_at(object, "site_class"));
  HANSE_TRY(party.signing, key_at(object, "signing"));
  HANSE_TRY(party.agreement, key_at(object, "agreement"));
  HANSE_TRY(const std::string certificate, string_at(object, "certificate"));
  HANSE_TRY(party.certificate, crypto::bytes_of_base64(certificate, crypto::kMaxCertificateBytes));
  return party;
}

std::string hex_of(const base::Digest& digest) {
  return digest == base::Digest() ? "" : digest.hex();
}

Result<base::Digest> digest_of_hex(std::string_view text) {
  if (text.empty()) return base::Digest();
  std::array<std::uint8_t, base::Digest::kSize> value{};
  bool read = text.size() == 2 * value.size();
  for (std::size_t i = 0; read && i < value.size(); ++i) {
    const char* const begin = text.data() + 2 * i;
    read = std::from_chars(begin, begin + 2, value[i], 16).ptr == begin + 2;
  }
  if (!read) return base::fail(ErrorCode::corruption, "expected a digest of 64 hexadecimal digits");
  return base::Digest(value);
}

Result<void> check_canonical(std::string_view kind, std::string_view text,
                             std::string_view expected) {
  if (text == expected) return {};
  const auto place = std::ranges::mismatch(text, expected).in1;
  const auto line = 1 + std::count(text.begin(), place, '\n');
  return base::fail(ErrorCode::corruption,
                    "a text of the kind '{}' is spaced and ordered as Hanse writes it, without "
                    "further keys; from line {} on it is not: use the file as it was written",
                    kind, line);
}

}  // namespace hanse::roster::json
