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

}  // namespace hanse::storage
