// SPDX-License-Identifier: MIT
// Migration of the SQLite file: from a file that the program of version 1 wrote (data/v1.db: two demo accounts, two API
// clients), and with each write of SQLite failing once.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "gateway/store/sqlite_store.hpp"
#include "tests/support/source_dir.hpp"

namespace isthmus::gateway {
namespace migration_test {

struct File {
  File() {
    char name[] = "/tmp/isthmus-migration-XXXXXX";
    folder = mkdtemp(name);
    path = folder + "/isthmus.db";
    copy = path + ".v1-before-v2";
    std::filesystem::copy_file(source_dir() + "/tests/gateway/store/data/v1.db", path);
  }
  ~File() { std::filesystem::remove_all(folder); }
  std::string folder, path, copy;
};

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// "2 accounts, 2 clients, version 1" by SQLite itself.
std::string content_of(const std::string& path) {
  sqlite3* database = nullptr;
  std::string out = "unreadable";
  if (sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK) {
    const auto take = [](void* into, int, char** values, char**) {
      *static_cast<std::string*>(into) = values[0];
      return 0;
    };
    std::string integrity;
    sqlite3_exec(database, "PRAGMA integrity_check", take, &integrity, nullptr);
    sqlite3_exec(database,
                 "SELECT (SELECT count(*) FROM account) || ' accounts, ' || (SELECT count(*) FROM client) || ' "
                 "clients, version ' || (SELECT user_version FROM pragma_user_version)",
                 take, &out, nullptr);
    if (integrity != "ok") out = integrity;
  }
  sqlite3_close(database);
  return out;
}

TEST(Migration, G15_AFileOfVersion1IsCopiedAndGoesOn) {
  const File file;
  ASSERT_EQ(content_of(file.path), "2 accounts, 2 clients, version 1");
  const auto store = *SqliteStore::open(file.path);
  const auto clients = *store->clients();
  ASSERT_EQ(clients.size(), 2u);
  EXPECT_EQ(clients[0].id, "door");
  EXPECT_EQ(clients[0].identities, (std::vector<std::string>{"2001", "support"}));
  EXPECT_EQ(unix_milliseconds(clients[0].created), 1795928516805);
  EXPECT_EQ(store->accounts()->at(1).name, "bob");
  EXPECT_TRUE(store->bindings()->empty());
  KeptBinding binding;
  binding.account = "bob";
  binding.remote = binding.local = *SocketAddress::parse("192.0.2.1:5060");
  EXPECT_TRUE(store->change_bindings(std::vector<BindingChanged>{{binding, false}}));
  EXPECT_EQ(content_of(file.copy), "2 accounts, 2 clients, version 1");
  struct stat facts{};
  ASSERT_EQ(stat(file.copy.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
  EXPECT_FALSE(std::filesystem::exists(file.copy + ".unfinished"));
  const auto again = *SqliteStore::open(file.path);
  EXPECT_EQ(again->bindings()->at(0).account, "bob");
}

TEST(Migration, ANewFileNeedsNoCopy) {
  const File file;
  std::filesystem::remove(file.path);
  ASSERT_TRUE(SqliteStore::open(file.path));
  EXPECT_FALSE(std::filesystem::exists(file.path + ".v0-before-v2"));
  EXPECT_EQ(content_of(file.path), "0 accounts, 0 clients, version 2");
}

TEST(Migration, ACopyThatCannotBeMadeStopsIt) {
  const File file;
  std::filesystem::create_directory(file.copy);
  const std::string before = bytes_of(file.path);
  const auto store = SqliteStore::open(file.path);
  ASSERT_FALSE(store);
  EXPECT_NE(store.error().find("no copy could be made before the migration, nothing was changed"), std::string::npos)
      << store.error();
  EXPECT_EQ(bytes_of(file.path), before);
}

// ---- a disk that is full from the n-th write on

int writes_left = -1;  // -1: the disk is large enough
using Pwrite = ssize_t (*)(int, const void*, size_t, off_t);
Pwrite real_pwrite = nullptr;

ssize_t failing_pwrite(int file, const void* bytes, size_t size, off_t at) {
  if (writes_left == 0) {
    errno = ENOSPC;
    return -1;
  }
  if (writes_left > 0) --writes_left;
  return real_pwrite(file, bytes, size, at);
}

struct Disk {  // SQLite lets a test replace its system calls
  Disk() {
    sqlite3_vfs* vfs = sqlite3_vfs_find(nullptr);
    real_pwrite = reinterpret_cast<Pwrite>(vfs->xGetSystemCall(vfs, "pwrite64"));
    if (real_pwrite == nullptr) real_pwrite = &::pwrite;
    for (const char* name : {"pwrite", "pwrite64"})
      vfs->xSetSystemCall(vfs, name, reinterpret_cast<sqlite3_syscall_ptr>(&failing_pwrite));
  }
  ~Disk() {
    writes_left = -1;
    sqlite3_vfs* vfs = sqlite3_vfs_find(nullptr);
    for (const char* name : {"pwrite", "pwrite64"}) vfs->xSetSystemCall(vfs, name, nullptr);
  }
};

TEST(Migration, G15_AFullDiskAtAnyWriteLeavesTheOldFileAndIsSaid) {
  const Disk disk;
  size_t before_copy = 0, after_copy = 0;
  for (int n = 0;; ++n) {
    ASSERT_LT(n, 200) << "it ends";
    const File file;
    const std::string before = bytes_of(file.path);
    writes_left = n;
    const auto store = SqliteStore::open(file.path);
    writes_left = -1;
    if (store) {
      EXPECT_EQ(content_of(file.path), "2 accounts, 2 clients, version 2");
      break;
    }
    EXPECT_EQ(bytes_of(file.path), before) << n;
    const bool copied = std::filesystem::exists(file.copy);
    const std::string words = copied ? "failed, nothing was changed, a copy is " + file.copy : "store: ";
    EXPECT_NE(store.error().find(words), std::string::npos) << n << ": " << store.error();
    ++(copied ? after_copy : before_copy);
    if (copied) EXPECT_EQ(content_of(file.copy), "2 accounts, 2 clients, version 1") << n;
    EXPECT_FALSE(std::filesystem::exists(file.copy + ".unfinished")) << n;
    const auto later = SqliteStore::open(file.path);
    ASSERT_TRUE(later) << n << ": with room it goes on: " << later.error();
    EXPECT_EQ((*later)->clients()->size(), 2u);
  }
  EXPECT_GT(before_copy, 0u);
  EXPECT_GT(after_copy, 0u) << "in the middle of the migration itself";
}

}  // namespace migration_test
}  // namespace isthmus::gateway
