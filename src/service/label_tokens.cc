#include "service/label_tokens.h"

#include <fmt/format.h>

namespace hanse::service {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

constexpr std::size_t kTokenBytes = 32;
constexpr std::string_view kHex = "0123456789abcdef";

bool is_token(std::string_view text) {
  return text.size() == 2 * kTokenBytes && text.find_first_not_of(kHex) == std::string_view::npos;
}

// In a time that depends on the length of `given` alone.
bool is_same(std::string_view secret, std::string_view given) {
  volatile unsigned char differ = secret.size() == given.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i)
    differ = static_cast<unsigned char>(differ |
                                        (static_cast<unsigned char>(given[i]) ^
                                         static_cast<unsigned char>(secret[i % secret.size()])));
  return differ == 0;
}

std::string drawn(base::RandomSource& random) {
  std::array<std::byte, kTokenBytes> bytes{};
  random.fill(bytes);
  std::string text;
  for (const std::byte byte : bytes) text += fmt::format("{:02x}", std::to_integer<int>(byte));
  return text;
}

Result<std::string> load(const storage::Directory& directory, const std::string& path) {
  HANSE_TRY(const base::Bytes bytes, storage::read_all(directory, path, 2 * kTokenBytes + 2));
  const std::string_view text = base::text_of(bytes);
  const std::string_view token = text.substr(0, text.find_first_of("\r\n"));
  if (!is_token(token))
    return fail(ErrorCode::corruption,
                "{}: expected {} hexadecimal digits; remove the file, and the next start draws "
                "another token",
                path, 2 * kTokenBytes);
  return std::string(token);
}

}  // namespace

Result<LabelTokens> LabelTokens::open(storage::Directory& directory, const Home& home,
                                      const jobs::LabelSettings& settings,
                                      base::RandomSource& random) {
  LabelTokens tokens;
  for (const auto& [name, price] : settings.annotators) {
    const std::string path = home.annotators() + "/" + name + ".token";
    if (!directory.exists(path)) {
      HANSE_TRY_VOID(storage::make_folders(directory, path));
      HANSE_TRY_VOID(directory.write_private(path, base::view_of(drawn(random) + "\n")));
    }
    HANSE_TRY(tokens.tokens_[name], load(directory, path));
  }
  return tokens;
}

std::optional<std::string> LabelTokens::who(std::string_view token) const {
  std::optional<std::string> found;
  for (const auto& [name, secret] : tokens_)
    if (is_same(secret, token)) found = name;
  return found;
}

// RFC 2104; a token is one block of SHA-256, so it is its own key.
std::string LabelTokens::form_proof(const std::string& annotator, std::string_view item) const {
  const std::string& key = tokens_.at(annotator);
  const auto padded = [&key](int with) {
    std::string block = key;
    for (char& c : block) c = static_cast<char>(c ^ with);
    return block;
  };
  base::Hasher hasher;
  hasher.add(base::view_of(padded(0x36)));
  hasher.add(base::view_of(item));
  const base::Digest inner = hasher.finish();
  hasher.add(base::view_of(padded(0x5c)));
  hasher.add(inner.bytes());
  return hasher.finish().hex();
}

bool LabelTokens::is_form_proof(const std::string& annotator, std::string_view item,
                                std::string_view proof) const {
  return is_same(form_proof(annotator, item), proof);
}

}  // namespace hanse::service
