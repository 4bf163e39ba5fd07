// SPDX-License-Identifier: MIT
// The contract of the store, for both of them, and what only the file has: its mode, its version.
#include "gateway/store/store.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "gateway/store/memory_store.hpp"
#include "gateway/store/sqlite_store.hpp"

namespace isthmus::gateway {
namespace store_test {

using Maker = std::function<std::unique_ptr<Store>()>;
class Stores : public ::testing::TestWithParam<Maker> {};
INSTANTIATE_TEST_SUITE_P(Store, Stores,
                         ::testing::Values(Maker([] { return std::make_unique<MemoryStore>(); }), Maker([] {
                                             return std::unique_ptr<Store>(*SqliteStore::open(":memory:"));
                                           })));

const ClientRecord kClient{"k_1", "hash", {"2001", "support"}, WallTime(std::chrono::milliseconds(1795233907123))};

TEST_P(Stores, AccountsAreKeptAndReplaced) {
  const auto store = GetParam()();
  EXPECT_TRUE(store->accounts()->empty());
  ASSERT_TRUE(store->put_account({"bob", "r", "m1", "s1"}));
  ASSERT_TRUE(store->put_account({"alice'; DROP TABLE account; --", "r", "m", "s"}));
  ASSERT_TRUE(store->put_account({"bob", "other", "m2", "s2"}));
  const auto accounts = *store->accounts();
  ASSERT_EQ(accounts.size(), 2u);
  EXPECT_EQ(accounts[0].name, "alice'; DROP TABLE account; --") << "by name";
  EXPECT_EQ(accounts[1], (AccountRecord{"bob", "other", "m2", "s2"}));
}

TEST_P(Stores, ClientsAreKeptInTheirOrderAndRemoved) {
  const auto store = GetParam()();
  ASSERT_TRUE(store->add_client(kClient));
  ASSERT_TRUE(store->add_client({"a_2", "h", {"2002"}, kClient.created}));
  EXPECT_FALSE(store->add_client({"k_1", "h", {"2003"}, kClient.created})) << "the id is taken";
  auto clients = *store->clients();
  ASSERT_EQ(clients.size(), 2u);
  EXPECT_EQ(clients[0], kClient) << "oldest first, with its identities in their order";
  ASSERT_TRUE(store->remove_client("k_1"));
  ASSERT_TRUE(store->remove_client("k_1"));
  clients = *store->clients();
  ASSERT_EQ(clients.size(), 1u);
  EXPECT_EQ(clients[0].id, "a_2");
  EXPECT_TRUE(store->add_client(kClient)) << "id and identities are free again";
}

struct Folder {
  Folder() {
    char name[] = "/tmp/isthmus-store-XXXXXX";
    path = mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path;
};

TEST(SqliteStore, TheFileIsForItsOwnerAndOutlivesTheProgram) {
  const Folder folder;
  const std::string path = folder.path + "/state.db";
  {
    const auto store = *SqliteStore::open(path);
    ASSERT_TRUE(store->add_client(kClient));
    EXPECT_FALSE(store->add_client({"k_2", "h", {"2002", "2001"}, kClient.created})) << "an identity has one client";
    EXPECT_EQ(store->clients()->size(), 1u) << "and nothing of it was kept";
  }
  struct stat facts{};
  ASSERT_EQ(stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
  const auto again = *SqliteStore::open(path);
  EXPECT_EQ(again->clients()->at(0), kClient);
}

TEST(SqliteStore, AFileOfANewerProgramAndRubbishAreRefused) {
  const Folder folder;
  const std::string path = folder.path + "/state.db";
  SqliteStore::open(path)->reset();
  {  // the user version stands at offset 60 of the file, in network order
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(63);
    file.put(2);
  }
  const auto newer = SqliteStore::open(path);
  ASSERT_FALSE(newer);
  EXPECT_NE(newer.error().find("version 2"), std::string::npos) << newer.error();
  EXPECT_FALSE(SqliteStore::open(folder.path));
  EXPECT_FALSE(SqliteStore::open(folder.path + "/no/such/folder"));
  std::filesystem::create_symlink(path, folder.path + "/link");
  EXPECT_FALSE(SqliteStore::open(folder.path + "/link")) << "not through a link";
}

}  // namespace store_test
}  // namespace isthmus::gateway
