// SPDX-License-Identifier: MIT
// isthmus account add|list|remove|passwd: the accounts of the database, beside those of the configuration. A running
// gateway takes them in at SIGHUP.
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>

#include "gateway/accounts.hpp"
#include "gateway/command/commands.hpp"
#include "gateway/command/data_directory.hpp"
#include "gateway/command/load.hpp"
#include "gateway/store/sqlite_store.hpp"
#include "transport/system.hpp"

namespace isthmus::gateway {
namespace {

constexpr size_t kMinPassword = 8;
constexpr size_t kMaxPassword = 256;

int refuse(const std::string& why) {
  std::cerr << "isthmus: " << why << "\n";
  return kFailed;
}

// What both need: the configuration for data directory and realm, and the database.
struct Place {
  Config config;
  std::unique_ptr<SqliteStore> store;
};

// Nothing after a complaint; `status` is then what the program ends with.
std::optional<Place> open_place(const Arguments& arguments, int& status) {
  auto config = load_file(arguments.text("--config"));
  if (!config) {
    status = complain(config.error());
    return std::nullopt;
  }
  if (arguments.has("--data")) config->data = arguments.text("--data");
  if (auto entered = enter_data_directory(*config); !entered) {
    status = refuse(entered.error());
    return std::nullopt;
  }
  auto store = SqliteStore::open(config->data + "/isthmus.db");
  if (!store) {
    status = refuse(store.error());
    return std::nullopt;
  }
  return Place{std::move(*config), std::move(*store)};
}

// One line from the terminal, not shown while it is typed; or from a pipe.
std::string read_line(const char* prompt) {
  const bool terminal = isatty(STDIN_FILENO) == 1;
  termios shown{};
  if (terminal) {
    std::cerr << prompt << std::flush;
    tcgetattr(STDIN_FILENO, &shown);
    termios hidden = shown;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
  }
  std::string line;
  std::getline(std::cin, line);
  if (terminal) {
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    std::cerr << "\n";
  }
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

std::optional<Private<std::string>> ask_password(const Arguments& arguments, const std::string& name) {
  if (arguments.has("--generate")) {
    Random random(transport::random_seed());
    Private<std::string> made(make_password(random));
    std::cout << name << " " << made.reveal() << "\n";  // shown once, to whoever asked for it
    return made;
  }
  const std::string first = read_line(("Password of " + name + ": ").c_str());
  if (first.size() < kMinPassword || first.size() > kMaxPassword) {
    refuse("a password has " + std::to_string(kMinPassword) + " to " + std::to_string(kMaxPassword) + " characters");
    return std::nullopt;
  }
  if (isatty(STDIN_FILENO) == 1 && read_line("Once more: ") != first) {
    refuse("the two are not the same");
    return std::nullopt;
  }
  return Private<std::string>(first);
}

bool is_configured(const Config& config, const std::string& name) {
  return std::any_of(config.accounts.begin(), config.accounts.end(),
                     [&](const ConfigAccount& account) { return account.name == name; });
}

// Is it in the database? Nothing when that cannot be read.
std::optional<bool> is_stored(const SqliteStore& store, const std::string& name) {
  const auto known = store.accounts();
  if (!known) {
    refuse(known.error());
    return std::nullopt;
  }
  return std::any_of(known->begin(), known->end(), [&](const AccountRecord& each) { return each.name == name; });
}

int done(const std::string& what) {
  std::cout << what << "; a running gateway takes it in at SIGHUP (systemctl reload isthmus)\n";
  return kDone;
}

// add and passwd: what differs is whether the account must be there.
int put(const Arguments& arguments, bool is_new) {
  int status = kFailed;
  auto place = open_place(arguments, status);
  if (!place) return status;
  const std::string name = arguments.text("NAME");
  if (!is_account_name(name))
    return refuse("\"" + name + "\" is no name for an account: letters, digits and -_.!~*'()&=+$, up to " +
                  std::to_string(kMaxAccountName));
  if (is_configured(place->config, name))
    return refuse(name + " stands in " + arguments.text("--config") + ": it is changed there");
  const auto stored = is_stored(*place->store, name);
  if (!stored) return kFailed;
  if (is_new && *stored) return refuse(name + " is there already (isthmus account passwd gives it another password)");
  if (!is_new && !*stored) return refuse("there is no account " + name + " in " + place->config.data + "/isthmus.db");
  const auto password = ask_password(arguments, name);
  if (!password) return kFailed;
  const auto kept = place->store->put_account(account_record(name, place->config.realm, *password));
  if (!kept) return refuse(kept.error());
  return done(is_new ? "added " + name : "changed the password of " + name);
}

}  // namespace

int command_account_add(const Arguments& arguments) {
  return put(arguments, true);
}

int command_account_passwd(const Arguments& arguments) {
  return put(arguments, false);
}

int command_account_list(const Arguments& arguments) {
  int status = kFailed;
  const auto place = open_place(arguments, status);
  if (!place) return status;
  const auto list = list_accounts(place->config, *place->store);
  if (!list) return refuse(list.error());
  for (const Account& account : list->accounts) {
    const char* from = !list->demo.empty()                          ? "demo"
                       : is_configured(place->config, account.name) ? "configuration"
                                                                    : "database";
    std::cout << account.name << "\t" << from << "\n";
  }
  for (const std::string& name : list->stale) std::cout << name << "\tof another realm, cannot be used\n";
  for (const std::string& name : list->twice) std::cout << name << "\tdatabase; the configuration's counts\n";
  return kDone;
}

int command_account_remove(const Arguments& arguments) {
  int status = kFailed;
  const auto place = open_place(arguments, status);
  if (!place) return status;
  const std::string name = arguments.text("NAME");
  const auto stored = is_stored(*place->store, name);
  if (!stored) return kFailed;
  if (!*stored) {
    if (is_configured(place->config, name))
      return refuse(name + " stands in " + arguments.text("--config") + ": it is removed there");
    const auto list = list_accounts(place->config, *place->store);
    const bool demo = list && std::any_of(list->demo.begin(), list->demo.end(),
                                          [&](const DemoAccount& each) { return each.name == name; });
    return refuse(demo ? name + " is a demo account: it goes as soon as there is another (isthmus account add NAME)"
                       : "there is no account " + name);
  }
  if (auto removed = place->store->remove_account(name); !removed) return refuse(removed.error());
  return done("removed " + name);
}

}  // namespace isthmus::gateway
