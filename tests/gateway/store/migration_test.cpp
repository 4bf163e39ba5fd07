// SPDX-License-Identifier: MIT
// Migration of the SQLite file: from files that the programs of those versions wrote (data/v1.db: two demo accounts,
// two API clients; data/v2.db: an API client, a registered phone), with each write of SQLite failing once, and killed
// before each system call that changes a file.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "gateway/store/sqlite_store.hpp"
#include "tests/support/source_dir.hpp"

namespace isthmus::gateway {
namespace migration_test {

struct File {
  explicit File(const std::string& version = "v1") {
    // In memory where there is such a folder: what is tested is order, and syncs cost nothing there.
    std::string name = std::string(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp") + "/isthmus-migration-XXXXXX";
    folder = mkdtemp(name.data());
    path = folder + "/isthmus.db";
    copy = path + "." + version + "-before-v3";
    std::filesystem::copy_file(source_dir() + "/tests/gateway/store/data/" + version + ".db", path);
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
  EXPECT_TRUE(store->change(std::vector<StateChange>{BindingChanged{binding, false}}));
  EXPECT_EQ(content_of(file.copy), "2 accounts, 2 clients, version 1");
  struct stat facts{};
  ASSERT_EQ(stat(file.copy.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
  EXPECT_FALSE(std::filesystem::exists(file.copy + ".unfinished"));
  const auto again = *SqliteStore::open(file.path);
  EXPECT_EQ(again->bindings()->at(0).account, "bob");
}

TEST(Migration, G15_AFileOfVersion2IsCopiedAndGoesOn) {
  const File file("v2");
  ASSERT_EQ(content_of(file.path), "0 accounts, 1 clients, version 2");
  const auto store = *SqliteStore::open(file.path);
  EXPECT_EQ(content_of(file.path), "0 accounts, 1 clients, version 3");
  EXPECT_EQ(content_of(file.copy), "0 accounts, 1 clients, version 2");
  const auto bindings = *store->bindings();
  ASSERT_EQ(bindings.size(), 1u);
  EXPECT_EQ(bindings[0].account, "alice");
  EXPECT_EQ(bindings[0].user_agent, "kill test");
  EXPECT_EQ(store->clients()->at(0).identities, (std::vector<std::string>{"2001", "support"}));
  EXPECT_TRUE(store->ringing()->empty());
  RingingLeg leg;
  leg.call = "c_1";
  leg.remote = leg.local = *SocketAddress::parse("192.0.2.1:5060");
  EXPECT_TRUE(store->change(std::vector<StateChange>{RingingChanged{leg, false}}));
  const auto again = *SqliteStore::open(file.path);
  EXPECT_EQ(again->ringing()->at(0), leg);
}

TEST(Migration, ANewFileNeedsNoCopy) {
  const File file;
  std::filesystem::remove(file.path);
  ASSERT_TRUE(SqliteStore::open(file.path));
  EXPECT_FALSE(std::filesystem::exists(file.path + ".v0-before-v3"));
  EXPECT_EQ(content_of(file.path), "0 accounts, 0 clients, version 3");
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
      EXPECT_EQ(content_of(file.path), "2 accounts, 2 clients, version 3");
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

// ---- killed at any moment

bool changes_a_file(const __ptrace_syscall_info& info) {
  switch (info.entry.nr) {
    case SYS_write:
    case SYS_pwrite64:
    case SYS_fsync:
    case SYS_fdatasync:
    case SYS_ftruncate:
    case SYS_unlinkat:
    case SYS_renameat2: return true;
    case SYS_openat: return (info.entry.args[2] & O_CREAT) != 0;
#ifdef SYS_rename  // not on every architecture
    case SYS_rename:
    case SYS_unlink: return true;
#endif
    default: return false;
  }
}

// Opens the file in a child that is killed before its n-th such call. True when it came to its end before that.
bool open_and_kill(const std::string& path, int n) {
  const pid_t child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    raise(SIGSTOP);
    _exit(SqliteStore::open(path) ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD);
  while (ptrace(PTRACE_SYSCALL, child, nullptr, nullptr) == 0 && waitpid(child, &status, 0) == child &&
         WIFSTOPPED(status)) {
    __ptrace_syscall_info info{};
    if (WSTOPSIG(status) != (SIGTRAP | 0x80) || ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info) <= 0)
      continue;
    if (info.op != PTRACE_SYSCALL_INFO_ENTRY || !changes_a_file(info) || n-- > 0) continue;
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
  }
  EXPECT_TRUE(WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 0)) << status;
  return WIFEXITED(status);
}

TEST(Migration, G15_KilledAtAnyMomentTheOldFileOrTheNewOneIsThereWhole) {
  const std::string rows = "2 accounts, 2 clients, version ", done = rows + std::to_string(SqliteStore::kSchemaVersion);
  size_t old = 0, half_copied = 0, copied = 0, migrated = 0;
  for (int n = 0;; ++n) {
    ASSERT_LT(n, 300) << "it ends";
    const File file;
    if (open_and_kill(file.path, n)) break;
    // What SQLite makes of it, on a copy: the next start is to meet the files as they were left.
    std::filesystem::copy(file.folder, file.folder + "-seen");
    const std::string seen = content_of(file.folder + "-seen/isthmus.db");
    std::filesystem::remove_all(file.folder + "-seen");
    EXPECT_TRUE(seen == rows + "1" || seen == done) << n << ": " << seen;
    ++(seen == done ? migrated : old);
    half_copied += std::filesystem::exists(file.copy + ".unfinished") ? 1 : 0;
    if (std::filesystem::exists(file.copy)) {
      ++copied;
      EXPECT_EQ(content_of(file.copy), rows + "1") << n;
    }
    const auto next = SqliteStore::open(file.path);
    ASSERT_TRUE(next) << n << ": " << next.error();
    EXPECT_EQ((*next)->accounts()->size(), 2u) << n;
    EXPECT_EQ((*next)->clients()->size(), 2u) << n;
    EXPECT_TRUE((*next)->bindings()) << n;
    EXPECT_TRUE((*next)->ringing()) << n;
    EXPECT_EQ(content_of(file.path), done) << n;
    EXPECT_EQ(content_of(file.copy), rows + "1") << n << ": nobody starts without the way back";
    EXPECT_FALSE(std::filesystem::exists(file.copy + ".unfinished")) << n;
  }
  // It was killed in every part of it.
  EXPECT_GT(old, copied);
  EXPECT_GT(half_copied, 3u);
  EXPECT_GT(copied, migrated + 3);
  EXPECT_GT(migrated, 0u);
}

}  // namespace migration_test
}  // namespace isthmus::gateway
