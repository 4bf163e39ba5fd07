// SPDX-License-Identifier: MIT
#include "gateway/store/sqlite_store.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <optional>
#include <utility>
#include <variant>

namespace isthmus::gateway {
namespace {

constexpr int kStartPatience = 2000;  // milliseconds, while opening: another process holds the file

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
  void reset() { sqlite3_reset(statement_); }
  int64_t number(int column) const { return sqlite3_column_int64(statement_, column); }

 private:
  sqlite3_stmt* statement_ = nullptr;
};

// Step n makes version n + 1 out of version n; a new file goes through all of them.
constexpr std::array<const char*, SqliteStore::kSchemaVersion> kSteps{
    R"sql(
CREATE TABLE IF NOT EXISTS account (name TEXT PRIMARY KEY, realm TEXT NOT NULL, ha1_md5 TEXT NOT NULL, ha1_sha256 TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS client (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, key_hash TEXT NOT NULL, created_ms INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS identity (user TEXT PRIMARY KEY, client TEXT NOT NULL REFERENCES client (id) ON DELETE CASCADE, place INTEGER NOT NULL) STRICT;
PRAGMA user_version = 1;
)sql",
    R"sql(
CREATE TABLE binding (account TEXT NOT NULL, contact TEXT NOT NULL, instance TEXT NOT NULL, reg_id INTEGER NOT NULL, call_id TEXT NOT NULL, cseq INTEGER NOT NULL, protocol TEXT NOT NULL, remote TEXT NOT NULL, local TEXT NOT NULL, expires_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL, user_agent TEXT NOT NULL, PRIMARY KEY (account, contact, instance, reg_id)) STRICT, WITHOUT ROWID;
PRAGMA user_version = 2;
)sql",
    R"sql(
CREATE TABLE ringing (call TEXT PRIMARY KEY, protocol TEXT NOT NULL, remote TEXT NOT NULL, local TEXT NOT NULL, cancel TEXT NOT NULL, since_ms INTEGER NOT NULL) STRICT;
PRAGMA user_version = 3;
)sql"};

constexpr std::array<std::pair<Protocol, const char*>, 5> kProtocols{{{Protocol::udp, "udp"},
                                                                      {Protocol::tcp, "tcp"},
                                                                      {Protocol::tls, "tls"},
                                                                      {Protocol::ws, "ws"},
                                                                      {Protocol::wss, "wss"}}};

std::string protocol_name(Protocol protocol) {
  for (const auto& [known, name] : kProtocols) {
    if (known == protocol) return name;
  }
  return "udp";
}

std::optional<Protocol> protocol_of(std::string_view text) {
  for (const auto& [known, name] : kProtocols) {
    if (text == name) return known;
  }
  return std::nullopt;
}

WallTime wall_time(int64_t milliseconds) {
  return WallTime(std::chrono::milliseconds(milliseconds));
}

}  // namespace

void SqliteStore::Closer::operator()(sqlite3* database) const {
  sqlite3_close_v2(database);
}

std::string SqliteStore::error() const {
  return std::string("store: ") + sqlite3_errmsg(database_.get());
}

Store::Done SqliteStore::run(const char* sql) {
  if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return undo();
}

Result<std::unique_ptr<SqliteStore>, std::string> SqliteStore::open(const std::string& path, const Options& options) {
  // SQLite would make it readable for others. A file that is there is not touched: closing it here would take the locks
  // away from another connection of this process (fcntl(2)), and somebody else would then delete the log under it.
  if (path != ":memory:") {
    const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (made < 0 && errno != EEXIST) return fail("store: cannot open " + path);
    if (made >= 0) ::close(made);
  }
  sqlite3* database = nullptr;
  const int opened = sqlite3_open_v2(path.c_str(), &database,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, nullptr);
  std::unique_ptr<SqliteStore> out(new SqliteStore(database));
  if (opened != SQLITE_OK) return fail("store: cannot open " + path);
  sqlite3_busy_timeout(database, kStartPatience);
  const Done ready = out->prepare_schema(path);
  if (!ready) return fail(ready.error() + " (" + path + ")");
  const Done pace = out->run(options.sync_each ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
  if (!pace) return fail(pace.error());
  sqlite3_busy_timeout(database, static_cast<int>(options.patience.count()));
  return out;
}

// ---- the version of the file

Result<int, std::string> SqliteStore::version() const {
  Statement query(database_.get(), "PRAGMA user_version");
  if (query.step() != SQLITE_ROW) return fail(error());
  return static_cast<int>(query.number(0));
}

Store::Done SqliteStore::prepare_schema(const std::string& path) {
  const auto found = version();
  if (!found) return fail(found.error());
  if (*found > kSchemaVersion)
    return fail("store: the file is of version " + std::to_string(*found) + ", this program knows " +
                std::to_string(kSchemaVersion) + ": a newer Isthmus has written it, and this one does not touch it");
  if (Done done = run("PRAGMA journal_mode = WAL"); !done) return done;
  if (Done done = run("PRAGMA foreign_keys = ON"); !done) return done;
  if (*found == kSchemaVersion) return {};
  if (*found == 0) return migrate(0);  // a new file
  const auto copied = copy(path, *found);
  if (!copied) return fail("store: no copy could be made before the migration, nothing was changed: " + copied.error());
  const Done done = migrate(*found);
  if (done) return {};
  return fail("store: the migration from version " + std::to_string(*found) +
              " failed, nothing was changed, a copy is " + *copied + ": " + done.error());
}

// A whole file of its own, also of what still lies in the WAL. It has its name only once it is complete.
Result<std::string, std::string> SqliteStore::copy(const std::string& path, int version) {
  std::string name = path + ".v" + std::to_string(version) + "-before-v" + std::to_string(kSchemaVersion);
  const std::string unfinished = name + ".unfinished";
  ::unlink(unfinished.c_str());
  const int file = ::open(unfinished.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return fail("cannot write " + unfinished);
  Statement vacuum(database_.get(), "VACUUM INTO ?");
  const bool written = vacuum.bind(1, unfinished).step() == SQLITE_DONE;
  std::string why = written ? "cannot write " + unfinished : error();
  const bool synced = ::fsync(file) == 0;
  const bool good = ::close(file) == 0 && written && synced && std::rename(unfinished.c_str(), name.c_str()) == 0;
  if (good) return name;
  ::unlink(unfinished.c_str());
  return fail(std::move(why));
}

// All steps in one transaction. Another program may have done it meanwhile.
Store::Done SqliteStore::migrate(int from) {
  if (Done done = run("BEGIN IMMEDIATE"); !done) return done;
  const auto found = version();
  if (!found || *found != from) {
    const Done undone = run("ROLLBACK");
    return !found ? Done(fail(found.error())) : undone;
  }
  for (int step = from; step < kSchemaVersion; ++step) {
    if (Done done = run(kSteps[static_cast<size_t>(step)]); !done) return done;
  }
  return run("COMMIT");
}

// Ends the transaction that failed; the failure is told.
Store::Done SqliteStore::undo() {
  std::string text = error();
  if (sqlite3_get_autocommit(database_.get()) == 0)
    sqlite3_exec(database_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  return fail(std::move(text));
}

// ---- accounts and clients

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

// ---- bindings

// A row that this program could not have written is left out: one phone that has to register again is better than no
// start.
Result<std::vector<KeptBinding>, std::string> SqliteStore::bindings() const {
  std::vector<KeptBinding> out;
  Statement query(database_.get(),
                  "SELECT account, contact, instance, reg_id, call_id, cseq, protocol, remote, local, expires_ms, "
                  "updated_ms, user_agent FROM binding ORDER BY account, updated_ms, contact");
  int state = query.step();
  for (; state == SQLITE_ROW; state = query.step()) {
    const auto protocol = protocol_of(query.text(6));
    const auto remote = SocketAddress::parse(query.text(7));
    const auto local = SocketAddress::parse(query.text(8));
    if (!protocol || !remote || !local) continue;
    out.push_back({query.text(0), query.text(1), query.text(2), static_cast<uint32_t>(query.number(3)), query.text(4),
                   static_cast<uint32_t>(query.number(5)), *protocol, *remote, *local, wall_time(query.number(9)),
                   wall_time(query.number(10)), query.text(11)});
  }
  if (state != SQLITE_DONE) return fail(error());
  return out;
}

// ---- phones that ring

Result<std::vector<RingingLeg>, std::string> SqliteStore::ringing() const {
  std::vector<RingingLeg> out;
  Statement query(database_.get(),
                  "SELECT call, protocol, remote, local, cancel, since_ms FROM ringing ORDER BY since_ms, call");
  int state = query.step();
  for (; state == SQLITE_ROW; state = query.step()) {
    const auto protocol = protocol_of(query.text(1));
    const auto remote = SocketAddress::parse(query.text(2));
    const auto local = SocketAddress::parse(query.text(3));
    if (!protocol || !remote || !local) continue;
    out.push_back({query.text(0), *protocol, *remote, *local, query.text(4), wall_time(query.number(5))});
  }
  if (state != SQLITE_DONE) return fail(error());
  return out;
}

// ---- changes

namespace {

// The statements of one transaction, each prepared once it is needed.
class Changes {
 public:
  explicit Changes(sqlite3* database) : database_(database) {}

  bool apply(const BindingChanged& change) {
    const auto& [binding, removed] = change;
    Statement& statement =
        removed ? prepared(remove_binding_,
                           "DELETE FROM binding WHERE account = ? AND contact = ? AND instance = ? AND reg_id = ?")
                : prepared(put_binding_,
                           "INSERT OR REPLACE INTO binding (account, contact, instance, reg_id, call_id, cseq, "
                           "protocol, remote, local, expires_ms, updated_ms, user_agent) "
                           "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    statement.bind(1, binding.account).bind(2, binding.contact).bind(3, binding.instance).bind(4, binding.reg_id);
    if (!removed) {
      statement.bind(5, binding.call_id).bind(6, binding.cseq).bind(7, protocol_name(binding.protocol));
      statement.bind(8, binding.remote.text()).bind(9, binding.local.text());
      statement.bind(10, unix_milliseconds(binding.expires)).bind(11, unix_milliseconds(binding.updated));
      statement.bind(12, binding.user_agent);
    }
    return statement.step() == SQLITE_DONE;
  }

  bool apply(const RingingChanged& change) {
    const auto& [leg, removed] = change;
    Statement& statement = removed ? prepared(remove_ringing_, "DELETE FROM ringing WHERE call = ?")
                                   : prepared(put_ringing_,
                                              "INSERT OR REPLACE INTO ringing (call, protocol, remote, local, cancel, "
                                              "since_ms) VALUES (?, ?, ?, ?, ?, ?)");
    statement.bind(1, leg.call);
    if (!removed) {
      statement.bind(2, protocol_name(leg.protocol)).bind(3, leg.remote.text()).bind(4, leg.local.text());
      statement.bind(5, leg.cancel).bind(6, unix_milliseconds(leg.since));
    }
    return statement.step() == SQLITE_DONE;
  }

 private:
  Statement& prepared(std::optional<Statement>& statement, const char* sql) {
    if (!statement) statement.emplace(database_, sql);
    statement->reset();
    return *statement;
  }

  sqlite3* database_;
  std::optional<Statement> put_binding_, remove_binding_, put_ringing_, remove_ringing_;
};

}  // namespace

Store::Done SqliteStore::change(std::span<const StateChange> changes) {
  if (Done done = run("BEGIN IMMEDIATE"); !done) return done;
  Changes statements(database_.get());
  for (const StateChange& change : changes) {
    if (!std::visit([&](const auto& one) { return statements.apply(one); }, change)) return undo();
  }
  return run("COMMIT");
}

}  // namespace isthmus::gateway
