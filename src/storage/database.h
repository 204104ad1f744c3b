// The door to databases that belong to others: plants' own tables, read and never written.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hanse::storage {

// The rows of a query, one after another.
class Cursor {
 public:
  virtual ~Cursor() = default;
  virtual const std::vector<std::string>& columns() const = 0;
  // On to the next row; false at the end.
  virtual base::Result<bool> next() = 0;
  // Of the current row, as text that is never a null pointer; none for NULL. Lives until next().
  virtual std::optional<std::string_view> cell(std::size_t column) const = 0;
};

// postgresql://HOST/DATABASE of a URL, for error texts and reports: no user, no password, no
// options. Of anything else "database".
std::string public_name(std::string_view url);

// The URL itself has a password that is not empty: it must not be kept where others read it.
bool has_password(std::string_view url);

// Errors: not_found (no such database or table), permission_denied (also a wrong password),
// invalid_argument (no URL; the database refuses the query, with its words), deadline_exceeded (no
// answer in time, or the statement was cancelled), unavailable (no server there, or it went away).
// No text has the password.
class Databases {
 public:
  virtual ~Databases() = default;
  // One statement that returns rows, in a read-only transaction, fetched in batches so that memory
  // does not grow with the answer.
  virtual base::Result<std::unique_ptr<Cursor>> query(const std::string& url,
                                                      const std::string& statement) = 0;
};

// PostgreSQL through libpq, with a server-side cursor. Built by programs and tests only.
class Postgres final : public Databases {
 public:
  base::Result<std::unique_ptr<Cursor>> query(const std::string& url,
                                              const std::string& statement) override;
};

}  // namespace hanse::storage
