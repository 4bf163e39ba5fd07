// SPDX-License-Identifier: MIT
#include "gateway/store/sqlite_store.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <chrono>
#include <utility>

namespace isthmus::gateway {
namespace {

constexpr int kBusyMilliseconds = 2000;  // another process holds the file

// One prepared statement; values are bound, never written into the text.
class Statement {
 public:
  Statement(sqlite3* database, const char* sql) { sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr); }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(int at, const std::string& text) {
    sqlite3_bind_text64(statement_, at, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    return *this;
  }
  Statement& bind(int at, int64_t number) {
    sqlite3_bind_int64(statement_, at, number);
    return *this;
  }
  int step() { return statement_ == nullptr ? SQLITE_ERROR : sqlite3_step(statement_); }
  std::string text(int column) const {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return bytes == nullptr ? std::string{}
                            : std::string(bytes, static_cast<size_t>(sqlite3_column_bytes(statement_, column)));
  }
  int64_t number(int column) const { return sqlite3_column_int64(statement_, column); }

 private:
  sqlite3_stmt* statement_ = nullptr;
};

constexpr const char* kSchema = R"sql(
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS account (name TEXT PRIMARY KEY, realm TEXT NOT NULL, ha1_md5 TEXT NOT NULL, ha1_sha256 TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS client (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, key_hash TEXT NOT NULL, created_ms INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS identity (user TEXT PRIMARY KEY, client TEXT NOT NULL REFERENCES client (id) ON DELETE CASCADE, place INTEGER NOT NULL) STRICT;
PRAGMA user_version = 1;
COMMIT;
)sql";

}  // namespace

void SqliteStore::Closer::operator()(sqlite3* database) const {
  sqlite3_close_v2(database);
}

std::string SqliteStore::error() const {
  return std::string("store: ") + sqlite3_errmsg(database_.get());
}

Store::Done SqliteStore::run(const char* sql) {
  if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  std::string text = error();
  if (sqlite3_get_autocommit(database_.get()) == 0)
    sqlite3_exec(database_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  return fail(std::move(text));
}

Result<std::unique_ptr<SqliteStore>, std::string> SqliteStore::open(const std::string& path) {
  if (path != ":memory:") {  // SQLite would make it readable for others
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) return fail("store: cannot open " + path);
    ::close(file);
  }
  sqlite3* database = nullptr;
  const int opened = sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<SqliteStore> out(new SqliteStore(database));
  if (opened != SQLITE_OK) return fail("store: cannot open " + path);
  sqlite3_busy_timeout(database, kBusyMilliseconds);
  const Done ready = out->prepare_schema();
  if (!ready) return fail(ready.error() + " (" + path + ")");
  return out;
}

Store::Done SqliteStore::prepare_schema() {
  int version = 0;
  {
    Statement query(database_.get(), "PRAGMA user_version");
    if (query.step() != SQLITE_ROW) return fail(error());
    version = static_cast<int>(query.number(0));
  }
  if (version > kSchemaVersion)
    return fail("store: the file is of version " + std::to_string(version) + ", this program knows " +
                std::to_string(kSchemaVersion));
  if (Done done = run("PRAGMA journal_mode = WAL"); !done) return done;
  if (Done done = run("PRAGMA foreign_keys = ON"); !done) return done;
  return version == kSchemaVersion ? Done{} : run(kSchema);
}

Result<std::vector<AccountRecord>, std::string> SqliteStore::accounts() const {
  std::vector<AccountRecord> out;
  Statement query(database_.get(), "SELECT name, realm, ha1_md5, ha1_sha256 FROM account ORDER BY name");
  int state = query.step();
  for (; state == SQLITE_ROW; state = query.step())
    out.push_back({query.text(0), query.text(1), query.text(2), query.text(3)});
  if (state != SQLITE_DONE) return fail(error());
  return out;
}

Store::Done SqliteStore::put_account(const AccountRecord& account) {
  Statement insert(database_.get(),
                   "INSERT OR REPLACE INTO account (name, realm, ha1_md5, ha1_sha256) VALUES (?, ?, ?, ?)");
  insert.bind(1, account.name).bind(2, account.realm).bind(3, account.ha1_md5).bind(4, account.ha1_sha256);
  if (insert.step() != SQLITE_DONE) return fail(error());
  return {};
}

Store::Done SqliteStore::remove_account(const std::string& name) {
  Statement remove(database_.get(), "DELETE FROM account WHERE name = ?");
  remove.bind(1, name);
  if (remove.step() != SQLITE_DONE) return fail(error());
  return {};
}

Result<std::vector<ClientRecord>, std::string> SqliteStore::clients() const {
  std::vector<ClientRecord> out;
  Statement query(database_.get(), "SELECT id, key_hash, created_ms FROM client ORDER BY number");
  int state = query.step();
  for (; state == SQLITE_ROW; state = query.step())
    out.push_back({query.text(0), query.text(1), {}, WallTime(std::chrono::milliseconds(query.number(2)))});
  if (state != SQLITE_DONE) return fail(error());
  for (ClientRecord& client : out) {
    Statement users(database_.get(), "SELECT user FROM identity WHERE client = ? ORDER BY place");
    users.bind(1, client.id);
    for (state = users.step(); state == SQLITE_ROW; state = users.step()) client.identities.push_back(users.text(0));
    if (state != SQLITE_DONE) return fail(error());
  }
  return out;
}

Store::Done SqliteStore::add_client(const ClientRecord& client) {
  if (Done done = run("BEGIN IMMEDIATE"); !done) return done;
  const auto undo = [this] {
    std::string text = error();
    sqlite3_exec(database_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
    return fail(std::move(text));
  };
  Statement insert(database_.get(), "INSERT INTO client (id, key_hash, created_ms) VALUES (?, ?, ?)");
  insert.bind(1, client.id).bind(2, client.key_hash).bind(3, unix_milliseconds(client.created));
  if (insert.step() != SQLITE_DONE) return undo();
  int64_t place = 0;
  for (const std::string& user : client.identities) {
    Statement identity(database_.get(), "INSERT INTO identity (user, client, place) VALUES (?, ?, ?)");
    if (identity.bind(1, user).bind(2, client.id).bind(3, place++).step() != SQLITE_DONE) return undo();
  }
  return run("COMMIT");
}

Store::Done SqliteStore::remove_client(const std::string& id) {
  Statement remove(database_.get(), "DELETE FROM client WHERE id = ?");
  if (remove.bind(1, id).step() != SQLITE_DONE) return fail(error());
  return {};
}

}  // namespace isthmus::gateway
