// SPDX-License-Identifier: MIT
#include "gateway/first_start.hpp"

#include <sys/stat.h>

#include <array>
#include <filesystem>

#include "base/encoding.hpp"
#include "gateway/secret_file.hpp"
#include "gateway/store/sqlite_store.hpp"

namespace isthmus::gateway {
namespace {

constexpr size_t kSecretOctets = 32;

std::string make_secret(Random& random) {
  std::array<std::byte, kSecretOctets> octets{};
  random.fill(octets);
  return to_base64url(octets);
}

Result<void, std::string> take_api_secret(const Config& config, Random& random, Belongings& out) {
  if (!config.api_secret.reveal().empty()) {
    out.api_secret = config.api_secret;
    return {};
  }
  out.api_secret_file = config.data + "/api-secret";
  if (const auto text = read_secret_file(out.api_secret_file)) {
    std::string secret = text->substr(0, text->find_first_of("\r\n"));
    if (secret.empty()) return fail(out.api_secret_file + " is empty");
    out.api_secret = Private<std::string>(std::move(secret));
    return {};
  }
  std::string secret = make_secret(random);
  auto written = write_secret_file(out.api_secret_file, secret + "\n");
  out.api_secret = Private<std::string>(std::move(secret));
  return written;
}

}  // namespace

Result<void, std::string> make_data_directory(const Config& config) {
  std::error_code error;
  if (std::filesystem::create_directories(config.data, error)) ::chmod(config.data.c_str(), 0700);
  if (error) return fail("cannot make the data directory " + config.data + ": " + error.message());
  return {};
}

Result<Belongings, std::string> take_belongings(const Config& config, Random random) {
  Belongings out;
  if (auto made = make_data_directory(config); !made) return fail(made.error());
  auto store = SqliteStore::open(config.data + "/isthmus.db");
  if (!store) return fail(store.error());
  out.store = std::move(*store);

  auto accounts = take_accounts(config, *out.store, Random(random.fork("demo accounts")));
  if (!accounts) return fail(accounts.error());
  out.accounts = std::move(*accounts);
  if (auto taken = take_api_secret(config, random, out); !taken) return fail(taken.error());
  return out;
}

}  // namespace isthmus::gateway
