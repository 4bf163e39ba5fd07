// SPDX-License-Identifier: MIT
#include "gateway/first_start.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "gateway/store/sqlite_store.hpp"

namespace isthmus::gateway {
namespace {

constexpr std::array kDemoNames{"alice", "bob"};
constexpr size_t kPasswordGroups = 4;  // of four characters: 79 bits
constexpr size_t kSecretOctets = 32;
constexpr size_t kMaxSecretFile = 64 << 10;
constexpr std::string_view kReadable = "abcdefghjkmnpqrstuvwxyz23456789";  // nothing that looks like something else

std::string make_password(Random& random) {
  std::string out;
  for (size_t i = 0; i < 4 * kPasswordGroups; ++i) {
    if (i > 0 && i % 4 == 0) out += '-';
    out += kReadable[random.below(kReadable.size())];
  }
  return out;
}

std::string make_secret(Random& random) {
  std::array<std::byte, kSecretOctets> octets{};
  random.fill(octets);
  return to_base64url(octets);
}

std::optional<std::string> read_secret_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  std::string text(kMaxSecretFile, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  return text;
}

// A new file that its owner alone may read; never through a link, never over a file that is there.
Result<void, std::string> write_secret_file(const std::string& path, std::string_view text) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return fail("cannot write " + path);
  const bool written = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (::close(file) != 0 || !written) return fail("cannot write " + path);
  return {};
}

std::vector<DemoAccount> parse_demo_accounts(const std::string& text) {
  std::vector<DemoAccount> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name, password;
    if (words >> name >> password && !name.starts_with('#')) out.push_back({name, Private<std::string>(password)});
  }
  return out;
}

Account account_of(const AccountRecord& record) {
  return {record.name, {record.ha1_md5, record.ha1_sha256}};
}

sip::StoredHa1 ha1s(std::string_view name, std::string_view realm, const Private<std::string>& password) {
  return sip::make_ha1s({&crypto::md5, &crypto::sha256}, name, realm, password.reveal());
}

Result<void, std::string> take_demo_accounts(const Config& config, Random& random, Belongings& out) {
  out.demo_file = config.data + "/demo-accounts";
  if (const auto text = read_secret_file(out.demo_file)) {
    out.demo = parse_demo_accounts(*text);
  } else {
    const auto known = out.store->accounts();
    if (!known) return fail(known.error());
    for (const AccountRecord& record : *known) {  // the file was taken away, the accounts stay
      if (record.realm == config.realm) out.accounts.push_back(account_of(record));
    }
    if (!out.accounts.empty()) return {};
    std::string lines;
    for (const char* name : kDemoNames) {
      const std::string password = make_password(random);
      out.demo.push_back({name, Private<std::string>(password)});
      lines += std::string(name) + " " + password + "\n";
    }
    if (auto written = write_secret_file(out.demo_file, lines); !written) return written;
  }
  for (const DemoAccount& demo : out.demo) {
    const sip::StoredHa1 secret = ha1s(demo.name, config.realm, demo.password);
    if (auto kept = out.store->put_account({demo.name, config.realm, secret.md5, secret.sha256}); !kept) return kept;
    out.accounts.push_back({demo.name, secret});
  }
  return {};
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

Result<Belongings, std::string> take_belongings(const Config& config, Random random) {
  Belongings out;
  std::error_code error;
  if (std::filesystem::create_directories(config.data, error)) ::chmod(config.data.c_str(), 0700);
  if (error) return fail("cannot make the data directory " + config.data + ": " + error.message());
  auto store = SqliteStore::open(config.data + "/isthmus.db");
  if (!store) return fail(store.error());
  out.store = std::move(*store);

  for (const ConfigAccount& account : config.accounts) {
    sip::StoredHa1 secret{account.ha1_md5, account.ha1_sha256};
    if (account.password) secret = ha1s(account.name, config.realm, *account.password);
    out.accounts.push_back({account.name, std::move(secret)});
  }
  if (config.accounts.empty()) {
    if (auto taken = take_demo_accounts(config, random, out); !taken) return fail(taken.error());
  }
  if (auto taken = take_api_secret(config, random, out); !taken) return fail(taken.error());
  return out;
}

}  // namespace isthmus::gateway
