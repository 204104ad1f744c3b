#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "storage/database.h"

namespace hanse::storage {
namespace {

using base::ErrorCode;

constexpr int kConnectTimeoutSeconds = 10;  // libpq's own default is to wait for ever

// Rows that the server computes before it sends the first of them; libpq hands them over one by
// one, so that memory here holds one row whatever the batch.
constexpr std::size_t kBatch = 4096;

struct Free {
  void operator()(PGconn* connection) const { PQfinish(connection); }
  void operator()(PGresult* result) const { PQclear(result); }
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

// PostgreSQL 15 documentation, appendix A.
ErrorCode code_of(std::string_view state) {
  struct Row {
    std::string_view prefix;  // of the SQLSTATE; longer ones first
    ErrorCode code;
  };
  constexpr std::array<Row, 12> kRows = {{
      {"57014", ErrorCode::deadline_exceeded},  // cancelled, as by statement_timeout
      {"55P03", ErrorCode::deadline_exceeded},  // no lock in time
      {"42P01", ErrorCode::not_found},          // no such table
      {"42501", ErrorCode::permission_denied},
      {"3D", ErrorCode::not_found},  // no such database
      {"3F", ErrorCode::not_found},  // no such schema
      {"28", ErrorCode::permission_denied},
      {"08", ErrorCode::unavailable},
      {"53", ErrorCode::unavailable},  // out of memory, disk or connections
      {"57", ErrorCode::unavailable},  // shutting down or starting up
      {"40", ErrorCode::unavailable},  // lost a conflict; may work later
      {"XX", ErrorCode::internal},
  }};
  if (state.empty()) return ErrorCode::unavailable;
  for (const Row& row : kRows)
    if (state.starts_with(row.prefix)) return row.code;
  return ErrorCode::invalid_argument;
}

// Lines joined, without libpq's own source locations and without the password.
std::string cleaned(std::string_view text, const std::string& password) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (!line.empty() && !line.starts_with("LOCATION:"))
      out += (out.empty() ? "" : "; ") + std::string(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  for (std::size_t at = 0; !password.empty(); at += 3) {
    at = out.find(password, at);
    if (at == std::string::npos) break;
    out.replace(at, password.size(), "***");
  }
  return out;
}

// A failed connection has no field for the server's SQLSTATE; its verbose text has
// "FATAL:  28P01: …".
std::string_view state_in(std::string_view text) {
  constexpr std::size_t kLength = 5;
  for (std::size_t at = text.find(":  "); at != std::string_view::npos;
       at = text.find(":  ", at + 1)) {
    const std::string_view state = text.substr(at + 3, kLength);
    const auto fits = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); };
    if (state.size() == kLength && std::ranges::all_of(state, fits) &&
        text.substr(at + 3 + kLength).starts_with(": "))
      return state;
  }
  return {};
}

// What the URL says, as libpq reads it.
struct Url {
  std::string text;
  std::string name;  // without secrets
  std::string password;
  int timeout_seconds = kConnectTimeoutSeconds;
};

base::Result<Url> parsed(const std::string& text) {
  Url url{.text = text, .name = public_name(text), .password = {}};
  const bool scheme = text.starts_with("postgresql://") || text.starts_with("postgres://");
  const Owned<PQconninfoOption> options(scheme && text.find('\0') == std::string::npos
                                            ? PQconninfoParse(text.c_str(), nullptr)
                                            : nullptr);
  if (!options)  // libpq's words would repeat the URL
    return base::fail(ErrorCode::invalid_argument,
                      "expected a database as postgresql://USER@HOST:PORT/DATABASE?OPTION=VALUE, "
                      "found a text of {} bytes that is none; write special characters as %XX",
                      text.size());
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr) continue;
    const std::string_view keyword = option->keyword;
    const std::string_view value = option->val;
    if (keyword == "password") url.password = value;
    if (keyword != "connect_timeout") continue;
    int seconds = 0;
    std::from_chars(value.data(), value.data() + value.size(), seconds);
    if (seconds > 0) url.timeout_seconds = std::min(seconds, 3600);
  }
  return url;
}

class Connection {
 public:
  explicit Connection(Url url) : url_(std::move(url)) {}

  base::Result<void> open() {
    // Before the URL: may be overridden by it. Behind it: may not. A peer that is gone without a
    // word is noticed within a minute.
    constexpr std::array<const char*, 8> kKeys = {
        "keepalives_idle",           "keepalives_interval",
        "keepalives_count",          "tcp_user_timeout",
        "fallback_application_name", "dbname",
        "client_encoding",           nullptr};
    const std::array<const char*, 8> values = {
        "30", "10", "3", "60000", "hanse", url_.text.c_str(), "UTF8", nullptr};
    connection_.reset(PQconnectStartParams(kKeys.data(), values.data(), 1));
    if (!connection_) return base::fail(ErrorCode::unavailable, "out of memory");
    PQsetNoticeProcessor(connection_.get(), [](void*, const char*) {}, nullptr);
    PQsetErrorVerbosity(connection_.get(), PQERRORS_VERBOSE);
    for (auto state = PGRES_POLLING_WRITING; state != PGRES_POLLING_OK;
         state = PQconnectPoll(connection_.get())) {
      if (state == PGRES_POLLING_FAILED || PQstatus(connection_.get()) == CONNECTION_BAD)
        return not_connected();
      HANSE_TRY_VOID(wait(state == PGRES_POLLING_READING ? POLLIN : POLLOUT));
    }
    PQsetErrorVerbosity(connection_.get(), PQERRORS_DEFAULT);
    return {};
  }

  // By the extended protocol, which takes one statement and refuses several.
  base::Result<void> execute(const std::string& statement) {
    const Owned<PGresult> result(PQexecParams(connection_.get(), statement.c_str(), 0, nullptr,
                                              nullptr, nullptr, nullptr, 0));
    if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) return failed(result.get());
    return {};
  }

  // Rows one by one from take().
  base::Result<void> send(const std::string& statement) {
    if (PQsendQueryParams(connection_.get(), statement.c_str(), 0, nullptr, nullptr, nullptr,
                          nullptr, 0) != 1 ||
        PQsetSingleRowMode(connection_.get()) != 1)
      return failed(nullptr);
    return {};
  }
  Owned<PGresult> take() { return Owned<PGresult>(PQgetResult(connection_.get())); }

  // With the database's own words.
  tl::unexpected<base::Error> failed(const PGresult* result) const {
    const auto field = [&](int code) {
      const char* const text = result == nullptr ? nullptr : PQresultErrorField(result, code);
      return std::string(text == nullptr ? "" : text);
    };
    const std::string state = field(PG_DIAG_SQLSTATE);
    std::string words = field(PG_DIAG_MESSAGE_PRIMARY);
    if (words.empty()) words = PQerrorMessage(connection_.get());
    for (const int code : {PG_DIAG_MESSAGE_DETAIL, PG_DIAG_MESSAGE_HINT})
      if (const std::string more = field(code); !more.empty()) words += "\n" + more;
    const ErrorCode code = code_of(state);
    return base::fail(code, "{}: {}: {}", url_.name,
                      code == ErrorCode::unavailable ? "the database went away"
                                                     : "the database refuses the query",
                      cleaned(words, url_.password));
  }

 private:
  tl::unexpected<base::Error> not_connected() const {
    const std::string_view words = PQerrorMessage(connection_.get());
    const std::string_view state = state_in(words);
    const ErrorCode code = PQconnectionNeedsPassword(connection_.get()) == 1
                               ? ErrorCode::permission_denied
                               : code_of(state);
    return base::fail(code, "{}: cannot connect: {}", url_.name, cleaned(words, url_.password));
  }

  base::Result<void> wait(short events) const {
    pollfd socket{.fd = PQsocket(connection_.get()), .events = events, .revents = 0};
    int ready = 0;
    do {
      ready = ::poll(&socket, 1, 1000 * url_.timeout_seconds);
    } while (ready < 0 && errno == EINTR);
    if (ready < 0)
      return base::fail(ErrorCode::unavailable, "{}: cannot connect: {}", url_.name,
                        std::strerror(errno));
    if (ready == 0)
      return base::fail(ErrorCode::deadline_exceeded,
                        "{}: no answer for {} s; is the address right? connect_timeout=SECONDS in "
                        "the URL waits longer",
                        url_.name, url_.timeout_seconds);
    return {};
  }

  Url url_;
  Owned<PGconn> connection_;
};

class PostgresCursor final : public Cursor {
 public:
  explicit PostgresCursor(Connection connection) : connection_(std::move(connection)) {}
  base::Result<void> start(const std::string& statement) {
    // A server that computes for a process that was killed stops soon. Before version 14 there is
    // no such setting, and nothing is lost.
    static_cast<void>(connection_.execute("SET client_connection_check_interval = 2000"));
    // Texts of numbers and times are the same whatever a role, a database or the URL has set: a
    // number's all digits, a time as ISO 8601 has it.
    for (const char* const setting : {"extra_float_digits = 1", "datestyle = 'ISO'",
                                      "timezone = 'UTC'", "intervalstyle = 'iso_8601'"})
      HANSE_TRY_VOID(connection_.execute(std::string("SET ") + setting));
    HANSE_TRY_VOID(connection_.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
    HANSE_TRY_VOID(connection_.execute("DECLARE hanse NO SCROLL CURSOR FOR " + statement));
    HANSE_TRY_VOID(fetch());
    for (int i = 0; i < PQnfields(row_.get()); ++i) columns_.emplace_back(PQfname(row_.get(), i));
    return {};
  }

  const std::vector<std::string>& columns() const override { return columns_; }

  // Dropped anywhere: the connection closes, and the server ends the transaction.
  base::Result<bool> next() override {
    // The first row is there already: its batch was begun for the columns' names.
    if (!std::exchange(first_, false)) HANSE_TRY_VOID(advance());
    while (fetching_ && PQntuples(row_.get()) == 0) {
      // The batch is over. A full one may not have been the last.
      const bool full = taken_ == kBatch;
      while (const Owned<PGresult> rest = connection_.take())
        if (PQresultStatus(rest.get()) != PGRES_TUPLES_OK) return connection_.failed(rest.get());
      fetching_ = false;
      if (full) HANSE_TRY_VOID(fetch());
    }
    taken_ += fetching_;
    return fetching_;
  }

  std::optional<std::string_view> cell(std::size_t column) const override {
    const int index = static_cast<int>(column);
    HANSE_CHECK(column < columns_.size() && PQntuples(row_.get()) == 1);
    if (PQgetisnull(row_.get(), 0, index) == 1) return std::nullopt;
    return std::string_view(PQgetvalue(row_.get(), 0, index),
                            static_cast<std::size_t>(PQgetlength(row_.get(), 0, index)));
  }

 private:
  base::Result<void> fetch() {
    HANSE_TRY_VOID(connection_.send(fmt::format("FETCH FORWARD {} FROM hanse", kBatch)));
    fetching_ = true;
    taken_ = 0;
    return advance();
  }

  // On to the next row of the batch; behind the last one to a result without rows.
  base::Result<void> advance() {
    if (!fetching_) return {};
    row_ = connection_.take();
    const ExecStatusType status = PQresultStatus(row_.get());
    if (status == PGRES_SINGLE_TUPLE || status == PGRES_TUPLES_OK) return {};
    fetching_ = false;
    return connection_.failed(row_.get());
  }

  Connection connection_;
  std::vector<std::string> columns_;
  Owned<PGresult> row_;
  std::size_t taken_ = 0;  // rows of the batch under way
  bool fetching_ = false;  // a batch is under way
  bool first_ = true;
};

}  // namespace

base::Result<std::unique_ptr<Cursor>> Postgres::query(const std::string& url,
                                                      const std::string& statement) {
  if (statement.find('\0') != std::string::npos)
    return base::fail(ErrorCode::invalid_argument, "a query has no NUL byte");
  HANSE_TRY(Url address, parsed(url));
  Connection connection(std::move(address));
  HANSE_TRY_VOID(connection.open());
  auto cursor = std::make_unique<PostgresCursor>(std::move(connection));
  HANSE_TRY_VOID(cursor->start(statement));
  return cursor;
}

}  // namespace hanse::storage
