// SPDX-License-Identifier: MIT
// The store in one SQLite file (WAL). The schema carries a version; a file of a newer program is refused, not touched.
#pragma once

#include <memory>
#include <string>

#include "gateway/store/store.hpp"

struct sqlite3;  // SQLite's, whose header stays inside the source file

namespace isthmus::gateway {

class SqliteStore : public Store {
 public:
  static constexpr int kSchemaVersion = 1;

  // Makes the file (mode 0600) when it is not there. ":memory:" keeps nothing.
  static Result<std::unique_ptr<SqliteStore>, std::string> open(const std::string& path);

  Result<std::vector<AccountRecord>, std::string> accounts() const override;
  Done put_account(const AccountRecord& account) override;
  Done remove_account(const std::string& name) override;
  Result<std::vector<ClientRecord>, std::string> clients() const override;
  Done add_client(const ClientRecord& client) override;
  Done remove_client(const std::string& id) override;

 private:
  struct Closer {
    void operator()(sqlite3* database) const;
  };
  explicit SqliteStore(sqlite3* database) : database_(database) {}
  Done prepare_schema();
  Done run(const char* sql);
  std::string error() const;

  std::unique_ptr<sqlite3, Closer> database_;
};

}  // namespace isthmus::gateway
