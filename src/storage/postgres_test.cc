#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "storage/database.h"

namespace hanse::storage {
namespace {

using base::ErrorCode;
namespace fs = std::filesystem;

// A PostgreSQL server of its own, reached through a socket in a folder of its own.
class Server {
 public:
  // Empty where PostgreSQL is not installed.
  static fs::path binaries() {
    std::error_code none;
    for (const auto& version : fs::directory_iterator("/usr/lib/postgresql", none))
      if (fs::exists(version.path() / "bin/initdb")) return version.path() / "bin";
    return {};
  }

  Server() {
    std::string pattern = (fs::temp_directory_path() / "hanse-postgres-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    if (::geteuid() == 0) shell("chown postgres " + folder_);
    std::ofstream(folder_ + "/password") << "s3cret/@?\n";
    fs::permissions(folder_ + "/password", fs::perms::others_read | fs::perms::owner_all);
    const std::string bin = binaries().string();
    ready_ =
        as_postgres(bin + "/initdb -N -A scram-sha-256 -U owner -E UTF8 --locale=C " +
                    "--pwfile=" + folder_ + "/password -D " + folder_ + "/data") &&
        as_postgres(bin + "/pg_ctl -w -D " + folder_ + "/data -l " + folder_ +
                    "/log -o \"-c listen_addresses='' -c fsync=off -k " + folder_ + "\" start");
  }
  ~Server() {
    stop();
    fs::remove_all(folder_);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  bool ready() const { return ready_; }
  void stop() const {
    as_postgres(binaries().string() + "/pg_ctl -m immediate -D " + folder_ + "/data stop");
  }

  // '/', '@' and '?' of the password as %XX.
  std::string url(const std::string& database = "postgres",
                  const std::string& password = "s3cret%2F%40%3F") const {
    return "postgresql://owner:" + password + "@/" + database + "?host=" + folder_;
  }

 private:
  static bool shell(const std::string& command) {
    return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
  }
  static bool as_postgres(const std::string& command) {
    return shell((::geteuid() == 0 ? "cd / && runuser -u postgres -- " : "") + command);
  }

  std::string folder_;
  bool ready_ = false;
};

class PostgresServer : public ::testing::Test {
 protected:
  void SetUp() override {
    if (Server::binaries().empty()) GTEST_SKIP() << "PostgreSQL is not installed";
    server_ = std::make_unique<Server>();
    ASSERT_TRUE(server_->ready());
  }

  base::Result<std::unique_ptr<Cursor>> query(const std::string& statement) {
    return Postgres().query(server_->url(), statement);
  }

  // All rows, cells joined by '|', NULL as "-".
  std::vector<std::string> rows(const std::string& statement) {
    std::vector<std::string> rows;
    auto cursor = query(statement);
    EXPECT_TRUE(cursor.has_value()) << (cursor ? "" : cursor.error().text());
    while (cursor) {
      const auto more = (*cursor)->next();
      EXPECT_TRUE(more.has_value()) << (more ? "" : more.error().text());
      if (!more || !*more) break;
      std::string row;
      for (std::size_t i = 0; i < (*cursor)->columns().size(); ++i)
        row += (i > 0 ? "|" : "") + std::string((*cursor)->cell(i).value_or("-"));
      rows.push_back(row);
    }
    return rows;
  }

  // Of opening the query, or of reading its rows.
  base::Error error_of(const std::string& url, const std::string& statement) {
    auto cursor = Postgres().query(url, statement);
    while (cursor) {
      const auto more = (*cursor)->next();
      if (!more) return more.error();
      if (!*more) return {ErrorCode::internal, "no error"};
    }
    return cursor.error();
  }

  void expect(const base::Error& error, ErrorCode code, std::string_view words) {
    EXPECT_EQ(error.code(), code) << error.text();
    EXPECT_NE(error.text().find(words), std::string::npos) << error.text();
    EXPECT_EQ(error.text().find("s3cret"), std::string::npos) << error.text();
    EXPECT_EQ(error.text().find("wrong-one"), std::string::npos) << error.text();
  }

  std::unique_ptr<Server> server_;
};

using Rows = std::vector<std::string>;

TEST_F(PostgresServer, ReadsRowsAndRefusesWithTheReason) {
  EXPECT_EQ(rows("SELECT 1.5::float8 AS x, NULL AS n, '' AS e, 'ä' AS t"), (Rows{"1.5|-||ä"}));
  EXPECT_EQ(query("SELECT 1 AS a, 2 AS \"b c\" WHERE false").value()->columns(),
            (Rows{"a", "b c"}));
  EXPECT_EQ(rows("SELECT 1 WHERE false"), Rows{});
  EXPECT_EQ(rows("VALUES (1), (2) -- a remark"), (Rows{"1", "2"}));
  // Just a batch, and one row more or less.
  for (const std::size_t count : {4095U, 4096U, 4097U, 8192U})
    EXPECT_EQ(rows(fmt::format("SELECT g FROM generate_series(1, {}) g", count)).size(), count);

  const std::string url = server_->url();
  expect(error_of(url, "SELEC 1"), ErrorCode::invalid_argument, "syntax error");
  expect(error_of(url, "SELECT 1; SELECT 2"), ErrorCode::invalid_argument, "multiple commands");
  expect(error_of(url, "DELETE FROM pg_class"), ErrorCode::invalid_argument, "syntax error");
  expect(error_of(url, "SELECT * FROM pg_class FOR UPDATE"), ErrorCode::invalid_argument,
         "read-only");
  expect(error_of(url, "SELECT set_config('transaction_read_only', 'off', false)"),
         ErrorCode::invalid_argument, "read-write mode");
  expect(error_of(url, "SELECT * FROM ovens"), ErrorCode::not_found, "\"ovens\"");
  expect(error_of(url, "SELECT oven FROM pg_class"), ErrorCode::invalid_argument, "\"oven\"");
  expect(error_of(url, "SELECT 1 / (5000 - g) FROM generate_series(1, 9000) g"),
         ErrorCode::invalid_argument, "division by zero");
  expect(error_of(url, "SELECT 's3cret/@?'::int"), ErrorCode::invalid_argument, "***");
  expect(error_of(url + "&options=-c%20statement_timeout%3D50", "SELECT pg_sleep(10)"),
         ErrorCode::deadline_exceeded, "timeout");
  expect(error_of(server_->url("postgres", "wrong-one"), "SELECT 1"), ErrorCode::permission_denied,
         "password authentication failed");
  expect(error_of(server_->url("ovens"), "SELECT 1"), ErrorCode::not_found, "\"ovens\"");
}

std::size_t peak_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "VmHWM:") {
      status >> word;
      return std::stoul(word);
    }
  return 0;
}

// Neither a role nor the URL decides how numbers and times are spelt: features would differ.
TEST_F(PostgresServer, SpellsAlikeWhateverIsSet) {
  const std::string url =
      server_->url() + (server_->url().find('?') == std::string::npos ? "?" : "&") +
      "options=-cextra_float_digits%3D-10%20-cdatestyle%3DGerman%20-ctimezone%3DAsia/Tokyo";
  auto cursor = Postgres().query(
      url, "SELECT 0.1::float8 + 0.2, '2024-05-17 08:30+02'::timestamptz, '2024-05-17'::date");
  ASSERT_TRUE(cursor.has_value()) << cursor.error().text();
  ASSERT_TRUE((*cursor)->next().value());
  EXPECT_EQ((*cursor)->cell(0), "0.30000000000000004");
  EXPECT_EQ((*cursor)->cell(1), "2024-05-17 06:30:00+00");
  EXPECT_EQ((*cursor)->cell(2), "2024-05-17");
}

// Whatever a query smuggles in, nothing else is run, and nothing is written: PostgreSQL 15 lets a
// read-only transaction make large objects, but this one is never committed.
TEST_F(PostgresServer, OnlyReads) {
  for (const std::string query :
       {"SELECT 1; COMMIT", "SELECT 1; CREATE TABLE t (x int)", "SELECT 1 INTO t",
        "COPY pg_class TO PROGRAM 'cat'", "SELECT nextval('s')", "CALL p()",
        "WITH d AS (DELETE FROM pg_class RETURNING 1) SELECT * FROM d"}) {
    const base::Error error = error_of(server_->url(), query);
    EXPECT_NE(error.code(), ErrorCode::internal) << query << ": " << error.text();
  }
  EXPECT_EQ(rows("SELECT lo_create(4711)"), Rows{"4711"});
  EXPECT_EQ(rows("SELECT count(*) FROM pg_largeobject_metadata"), Rows{"0"});
}

TEST_F(PostgresServer, ReadsAMillionRowsInLittleMemory) {
  const auto cursor =
      query("SELECT g, repeat('x', 100) FROM generate_series(1, 1000000) g").value();
  [[maybe_unused]] const std::size_t before = peak_kib();
  std::size_t count = 0;
  while (cursor->next().value()) ++count;
  EXPECT_EQ(count, 1'000'000U);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // these keep what was freed
  EXPECT_LT(peak_kib() - before, 16'384U);
#endif
}

TEST_F(PostgresServer, StopsWhenNobodyWaitsAndSaysWhenTheServerIsGone) {
  const std::string others =
      "FROM pg_stat_activity WHERE application_name = 'hanse' AND pid <> "
      "pg_backend_pid()";
  const auto wait_for = [&](const std::string& count) {
    for (int i = 0; i < 200 && rows("SELECT count(*) " + others) != Rows{count}; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_EQ(rows("SELECT count(*) " + others), Rows{count});
  };
  auto cursor = query("SELECT repeat('x', 1000) FROM generate_series(1, 1000000) g");
  ASSERT_TRUE(cursor.has_value() && (*cursor)->next().value());
  wait_for("1");
  cursor->reset();
  wait_for("0");

  const pid_t child = ::fork();
  if (child == 0) {
    const auto slow = query("SELECT pg_sleep(60)");
    ::_exit(slow.has_value() ? 0 : 1);
  }
  wait_for("1");
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  wait_for("0");

  cursor = query("SELECT repeat('x', 1000) FROM generate_series(1, 1000000) g");
  ASSERT_TRUE(cursor.has_value() && (*cursor)->next().value());
  server_->stop();
  auto more = (*cursor)->next();
  while (more && *more) more = (*cursor)->next();
  ASSERT_FALSE(more.has_value());
  expect(more.error(), ErrorCode::unavailable, "went away");
  expect(error_of(server_->url(), "SELECT 1"), ErrorCode::unavailable, "cannot connect");
}

TEST(Postgres, KnowsAPasswordInAUrl) {
  for (const std::string_view url :
       {"postgresql://u:pw@h/d", "postgres://u:p@w@h:5432", "postgresql://h/d?password=pw",
        "postgresql://h/d?user=u&sslpassword=pw&x=1"})
    EXPECT_TRUE(has_password(url)) << url;
  for (const std::string_view url :
       {"postgresql://u@h/d", "postgresql://h:5432/d", "postgresql://u:@h/d", "postgresql://@h",
        "postgresql://h/d?password=", "postgresql://h:5432/d?user=a@b", "plant:a@b.csv", ""})
    EXPECT_FALSE(has_password(url)) << url;
}

TEST(Postgres, NeverSaysThePassword) {
  for (const std::string url :
       {"postgresql://u:s3cret@127.0.0.1:1/d", "postgresql://u@127.0.0.1:1/d?password=s3cret",
        "postgresql://u:s3cret%@h/d", "postgresql://u:s3cret@h/d?none=1", "host=h password=s3cret",
        "mysql://u:s3cret@h/d", "postgresql://u:s3cret@127.0.0.1:1,127.0.0.1:2/d"}) {
    const auto cursor = Postgres().query(url, "SELECT 1");
    ASSERT_FALSE(cursor.has_value());
    EXPECT_EQ(cursor.error().text().find("s3cret"), std::string::npos) << cursor.error().text();
    EXPECT_EQ(cursor.error().code(), url.find("127") == std::string::npos
                                         ? ErrorCode::invalid_argument
                                         : ErrorCode::unavailable)
        << cursor.error().text();
  }
  EXPECT_EQ(public_name("postgresql://u:p@host:5432/db?sslmode=require"),
            "postgresql://host:5432/db");
  EXPECT_EQ(public_name("postgresql://u:p/@/w@host/db"), "postgresql://host/db");
  EXPECT_EQ(public_name("postgresql://u:p?w@host/db"), "database");
  EXPECT_EQ(public_name("postgresql://host/db?password=p@w"), "database");
  EXPECT_EQ(public_name("password=p"), "database");
}

}  // namespace
}  // namespace hanse::storage
