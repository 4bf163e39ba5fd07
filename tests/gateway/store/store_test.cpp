// SPDX-License-Identifier: MIT
// The contract of the store, for both of them, and what only the file has: its mode, its version.
#include "gateway/store/store.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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

KeptBinding binding(const std::string& contact, int64_t updated = 1) {
  KeptBinding out;
  out.account = "alice";
  out.contact = contact;
  out.instance = "<urn:uuid:1>";
  out.reg_id = 1;
  out.call_id = "c'1";
  out.cseq = 4294967295;
  out.protocol = Protocol::tcp;
  out.remote = *SocketAddress::parse("[2001:db8::1]:5061");
  out.local = *SocketAddress::parse("0.0.0.0:5060");
  out.expires = WallTime(std::chrono::milliseconds(1795233907123));
  out.updated = WallTime(std::chrono::milliseconds(updated));
  out.user_agent = "a \"phone\"";
  return out;
}

std::vector<StateChange> changes(const std::vector<BindingChanged>& given) {
  return {given.begin(), given.end()};
}

TEST_P(Stores, BindingsAreKeptRenewedAndRemoved) {
  const auto store = GetParam()();
  EXPECT_TRUE(store->bindings()->empty());
  const KeptBinding late = binding("sip:a@192.0.2.1", 2);
  const KeptBinding early = binding("sip:b@192.0.2.1", 1);
  KeptBinding other = binding("sip:a@192.0.2.1", 3);
  other.reg_id = 2;
  ASSERT_TRUE(store->change(changes({{late, false}, {early, false}, {other, false}})));
  EXPECT_EQ(*store->bindings(), (std::vector{early, late, other})) << "of one account, the oldest first";
  KeptBinding renewed = late;
  renewed.cseq = 7;
  ASSERT_TRUE(store->change(changes({{early, true}, {late, true}, {renewed, false}, {other, true}, {other, true}})));
  EXPECT_EQ(*store->bindings(), std::vector{renewed});
}

RingingLeg leg(const std::string& call, int64_t since) {
  RingingLeg out;
  out.call = call;
  out.protocol = Protocol::tcp;
  out.remote = *SocketAddress::parse("[2001:db8::1]:5061");
  out.local = *SocketAddress::parse("0.0.0.0:5060");
  out.cancel = "CANCEL sip:o'brien@192.0.2.1 SIP/2.0\r\nFrom: \"\xc3\xa4\" <sip:a@b>;tag=1\r\n\r\n";
  out.since = WallTime(std::chrono::milliseconds(since));
  return out;
}

TEST_P(Stores, G15_PhonesThatRingAreKeptAndForgotten) {
  const auto store = GetParam()();
  EXPECT_TRUE(store->ringing()->empty());
  const RingingLeg late = leg("c_1", 2);
  const RingingLeg early = leg("c_2", 1);
  const KeptBinding phone = binding("sip:a@192.0.2.1");
  const std::vector<StateChange> both{RingingChanged{late, false}, BindingChanged{phone, false},
                                      RingingChanged{early, false}};
  ASSERT_TRUE(store->change(both));
  EXPECT_EQ(*store->ringing(), (std::vector{early, late})) << "the oldest first";
  EXPECT_EQ(*store->bindings(), std::vector{phone});
  RingingLeg elsewhere = late;
  elsewhere.cancel = "CANCEL sip:other@192.0.2.1 SIP/2.0\r\n\r\n";
  const std::vector<StateChange> next{RingingChanged{elsewhere, false}, RingingChanged{early, true},
                                      RingingChanged{leg("c_3", 3), true}};
  ASSERT_TRUE(store->change(next));
  EXPECT_EQ(*store->ringing(), std::vector{elsewhere}) << "of one call the newest";
}

struct Folder {
  Folder() {
    char name[] = "/tmp/isthmus-store-XXXXXX";
    path = mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path;
};

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

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

// Does somebody hold the lock by which a connection keeps the log in place? Asked by another process: one's own locks
// are not seen.
bool is_locked(const std::string& path) {
  const pid_t child = fork();
  if (child == 0) {
    const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
    struct flock lock{};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = 0x40000000 + 2;  // the shared range of SQLite's file format
    lock.l_len = 510;
    _exit(fcntl(file, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? 0 : 1);
  }
  int status = 1;
  waitpid(child, &status, 0);
  return status == 0;
}

TEST(SqliteStore, G15_AnotherObjectOnTheSameFileLeavesTheLocksInPlace) {
  const Folder folder;
  const std::string path = folder.path + "/state.db";
  const auto first = *SqliteStore::open(path);
  ASSERT_TRUE(first->accounts()->empty());
  ASSERT_TRUE(is_locked(path));
  const auto second = *SqliteStore::open(path);
  EXPECT_TRUE(is_locked(path)) << "or another program deletes the log of both";
}

TEST(SqliteStore, AFileOfANewerProgramAndRubbishAreRefused) {
  const Folder folder;
  const std::string path = folder.path + "/state.db";
  SqliteStore::open(path)->reset();
  {  // the user version stands at offset 60 of the file, in network order
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(63);
    file.put(SqliteStore::kSchemaVersion + 1);
  }
  const std::string before = bytes_of(path);
  const auto newer = SqliteStore::open(path);
  ASSERT_FALSE(newer);
  EXPECT_NE(newer.error().find("version 4, this program knows 3: a newer Isthmus has written it"), std::string::npos)
      << newer.error();
  EXPECT_EQ(bytes_of(path), before) << "not touched";
  EXPECT_FALSE(SqliteStore::open(folder.path));
  EXPECT_FALSE(SqliteStore::open(folder.path + "/no/such/folder"));
  std::filesystem::create_symlink(path, folder.path + "/link");
  EXPECT_FALSE(SqliteStore::open(folder.path + "/link")) << "not through a link";
}

}  // namespace store_test
}  // namespace isthmus::gateway
