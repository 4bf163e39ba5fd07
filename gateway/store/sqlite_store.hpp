// SPDX-License-Identifier: MIT
// The store in one SQLite file (WAL). The schema carries a version: an older file is copied and then migrated in one
// transaction, a newer one is refused and not touched. Several objects, each on its own thread, may hold one file.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "gateway/store/store.hpp"

struct sqlite3;  // SQLite's, whose header stays inside the source file

namespace isthmus::gateway {

class SqliteStore : public Store {
 public:
  static constexpr int kSchemaVersion = 3;

  struct Options {
    std::chrono::milliseconds patience{100};  // how long a call waits, once open, for who else holds the file
    // What a call has kept outlives the program either way; true: a loss of power, too, at the price of a disk sync.
    bool sync_each = true;
  };
  // Makes the file (mode 0600) when it is not there. ":memory:" keeps nothing. Before a migration the file is copied to
  // PATH.v<old>-before-v<new>; a copy of that name from before is replaced.
  static Result<std::unique_ptr<SqliteStore>, std::string> open(const std::string& path, const Options& options);
  static Result<std::unique_ptr<SqliteStore>, std::string> open(const std::string& path) { return open(path, {}); }

  Result<std::vector<AccountRecord>, std::string> accounts() const override;
  Done put_account(const AccountRecord& account) override;
  Done remove_account(const std::string& name) override;
  Result<std::vector<ClientRecord>, std::string> clients() const override;
  Done add_client(const ClientRecord& client) override;
  Done remove_client(const std::string& id) override;
  Result<std::vector<KeptBinding>, std::string> bindings() const override;
  Result<std::vector<RingingLeg>, std::string> ringing() const override;
  Done change(std::span<const StateChange> changes) override;

 private:
  struct Closer {
    void operator()(sqlite3* database) const;
  };
  explicit SqliteStore(sqlite3* database) : database_(database) {}
  Done prepare_schema(const std::string& path);
  Result<int, std::string> version() const;
  Result<std::string, std::string> copy(const std::string& path, int version);
  Done migrate(int from);
  Done undo();
  Done run(const char* sql);
  std::string error() const;

  std::unique_ptr<sqlite3, Closer> database_;
};

}  // namespace isthmus::gateway
