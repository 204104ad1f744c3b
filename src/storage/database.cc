#include "storage/database.h"

namespace hanse::storage {

std::string public_name(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return "database";
  const std::string_view rest = url.substr(scheme + 3);
  const std::string_view address = rest.substr(0, rest.find_first_of("?#"));
  // A password may hold an '@' as it is, so the last one counts. One behind the path may be of a
  // password that holds a '?' or '#', or is an option: then nothing can be told apart.
  const std::size_t at = rest.rfind('@');
  if (at != std::string_view::npos && at >= address.size()) return "database";
  const std::string_view place = at == std::string_view::npos ? address : address.substr(at + 1);
  return "postgresql://" + std::string(place);
}

bool has_password(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (!url.starts_with("postgres") || scheme == std::string_view::npos) return false;
  const std::string_view rest = url.substr(scheme + 3);
  const std::string_view address = rest.substr(0, rest.find_first_of("/?#"));
  const std::string_view user = address.substr(0, address.rfind('@'));
  const std::size_t colon = user.find(':');
  if (user.size() < address.size() && colon < user.size() - 1) return true;
  constexpr std::string_view kOption = "password=";  // and libpq's sslpassword
  const std::size_t option = rest.find(kOption);
  if (option == std::string_view::npos) return false;
  const std::string_view value = rest.substr(option + kOption.size());
  return !value.empty() && !value.starts_with('&');
}

}  // namespace hanse::storage
