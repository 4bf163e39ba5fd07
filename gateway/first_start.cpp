// SPDX-License-Identifier: MIT
#include "gateway/first_start.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>

#include "base/encoding.hpp"
#include "gateway/secret_file.hpp"
#include "gateway/store/sqlite_store.hpp"

namespace isthmus::gateway {
namespace {

constexpr std::chrono::milliseconds kStatePatience{250};  // a thread waits, not the loop
constexpr size_t kSecretOctets = 32;

std::string make_secret(Random& random) {
  std::array<std::byte, kSecretOctets> octets{};
  random.fill(octets);
  return to_base64url(octets);
}

}  // namespace

Result<ApiSecret, std::string> take_api_secret(const Config& config, Random random) {
  if (!config.api_secret.reveal().empty()) return ApiSecret{config.api_secret, {}};
  const std::string file = config.data + "/api-secret";
  if (const auto text = read_secret_file(file)) {
    std::string secret = text->substr(0, text->find_first_of("\r\n"));
    if (secret.empty()) return fail(file + " is empty");
    return ApiSecret{Private<std::string>(std::move(secret)), file};
  }
  std::string secret = make_secret(random);
  if (auto written = write_secret_file(file, secret + "\n"); !written) return fail(written.error());
  return ApiSecret{Private<std::string>(std::move(secret)), file};
}

Result<DataLock, std::string> DataLock::take(const std::string& directory) {
  const std::string path = directory + "/lock";
  DataLock out(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (out.file_ < 0) return fail("cannot write into the data directory " + directory + ": " + std::strerror(errno));
  if (::flock(out.file_, LOCK_EX | LOCK_NB) == 0) {
    const std::string pid = std::to_string(::getpid());
    const bool written = ::ftruncate(out.file_, 0) == 0 && ::write(out.file_, pid.data(), pid.size()) > 0;
    if (!written) return fail("cannot write into the data directory " + directory + ": " + std::strerror(errno));
    return out;
  }
  char pid[16] = {};
  const auto size = ::read(out.file_, pid, sizeof pid - 1);
  const std::string holder(pid, size > 0 ? static_cast<size_t>(size) : 0);
  return fail("the data directory " + directory + " is in use by another gateway" +
              (holder.empty() ? std::string{} : " (process " + holder + ")") + "; --data DIR or data chooses another");
}

DataLock::~DataLock() {
  if (file_ >= 0) ::close(file_);
}

Result<void, std::string> make_data_directory(const Config& config) {
  namespace fs = std::filesystem;
  fs::path path = config.data;
  if (!path.has_filename()) path = path.parent_path();  // it is written with a / at its end
  std::error_code error;
  if (fs::is_directory(path, error)) return {};
  error.clear();
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), error);
  // Made with its rights: whatever takes its place a moment later is given none.
  if (!error && ::mkdir(path.c_str(), 0700) != 0)
    error.assign(errno == EEXIST ? ENOTDIR : errno, std::generic_category());
  if (error) return fail("cannot make the data directory " + config.data + ": " + error.message());
  return {};
}

Result<Belongings, std::string> take_belongings(const Config& config, Random random) {
  Belongings out;
  if (auto made = make_data_directory(config); !made) return fail(made.error());
  auto lock = DataLock::take(config.data);
  if (!lock) return fail(lock.error());
  out.lock = std::move(*lock);
  const std::string file = config.data + "/isthmus.db";
  auto store = SqliteStore::open(file);
  if (!store) return fail(store.error());
  out.store = std::move(*store);
  auto state = SqliteStore::open(file, {.patience = kStatePatience, .sync_each = false});
  if (!state) return fail(state.error());
  out.state_store = std::move(*state);

  auto accounts = take_accounts(config, *out.store, Random(random.fork("demo accounts")));
  if (!accounts) return fail(accounts.error());
  out.accounts = std::move(*accounts);
  auto secret = take_api_secret(config, random);
  if (!secret) return fail(secret.error());
  out.api_secret = std::move(*secret);
  return out;
}

}  // namespace isthmus::gateway
