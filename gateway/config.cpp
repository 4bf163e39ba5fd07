// SPDX-License-Identifier: MIT
// The one file of toml++: walks the tables of a file and has the key table read each value.
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include "gateway/config.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <ranges>
#include <tuple>

#include "base/text.hpp"
#include "gateway/config_keys.hpp"

namespace isthmus::gateway {
namespace {

constexpr size_t kNearEnough = 3;  // edits, for "did you mean"
constexpr size_t kMaxSecrets = 2;  // the old one and the new one

bool is_table(std::string_view name) {
  return !name.empty() &&
         std::ranges::any_of(config_tables(), [&](const ConfigTable& table) { return table.name == name; });
}
bool is_list_of_tables(std::string_view name) {
  return std::ranges::any_of(config_tables(),
                             [&](const ConfigTable& table) { return table.many && table.name == name; });
}

constexpr int kMaxDepth = 4;  // of lists in lists; no key takes more than one

ConfigValue value_of(const toml::node& node, int depth = 0) {
  if (const auto text = node.value_exact<std::string>()) return {*text};
  if (const auto number = node.value_exact<int64_t>()) return {*number};
  if (const auto flag = node.value_exact<bool>()) return {*flag};
  const toml::array* array = node.as_array();
  if (array == nullptr || depth == kMaxDepth) return {};
  std::vector<ConfigValue> list;
  for (const toml::node& each : *array) list.push_back(value_of(each, depth + 1));
  return {std::move(list)};
}

std::string nearest(std::string_view table, std::string_view name) {
  std::string_view best;
  size_t distance = kNearEnough + 1;
  const auto consider = [&](std::string_view known) {
    const size_t edits = edit_distance(name, known);
    if (edits >= distance || edits >= std::min(known.size(), name.size())) return;
    distance = edits;
    best = known;
  };
  for (const ConfigKey& key : config_keys()) {
    if (key.table == table) consider(key.name);
    if (table.empty()) consider(key.table);
  }
  return best.empty() ? std::string{} : "; did you mean \"" + std::string(best) + "\"?";
}

class Reader {
 public:
  explicit Reader(std::string_view file) : file_(file) {}

  void read_all(const toml::table& root) {
    for (const auto& [key, node] : root) {
      const std::string_view name = key.str();
      if (!is_table(name)) {
        read_key("", key, node);
      } else if (!is_list_of_tables(name)) {
        const toml::table* table = node.as_table();
        if (table == nullptr) {
          wrong(key, std::string(name), "must be a table, [" + std::string(name) + "]");
        } else {
          read_table(name, *table);
        }
      } else {
        read_tables(key, node);
      }
    }
  }

  Config config;
  std::vector<ConfigError> errors;

 private:
  void read_tables(const toml::key& key, const toml::node& node) {
    const std::string name(key.str());
    const toml::array* array = node.as_array();
    const bool tables = array != nullptr && array->is_array_of_tables();
    if (!tables) return wrong(key, name, "must be a list of tables, [[" + name + "]]");
    for (const toml::node& each : *array) {
      if (name == "account") config.accounts.emplace_back();
      if (name == "trunk") config.trunks.emplace_back();
      if (name == "route") config.routes.emplace_back();
      const size_t before = errors.size();
      read_table(name, *each.as_table());
      if (errors.size() == before) check_last(name, each.source().begin.line);
    }
  }

  void read_table(std::string_view table, const toml::table& values) {
    for (const auto& [key, node] : values) read_key(table, key, node);
  }

  void read_key(std::string_view table, const toml::key& key, const toml::node& node) {
    const std::string_view name = key.str();
    const std::string shown = (table.empty() ? std::string{} : std::string(table) + ".") + std::string(name);
    for (const ConfigKey& known : config_keys()) {
      if (known.table != table || known.name != name) continue;
      const std::string text = known.read(config, value_of(node));
      if (!text.empty()) wrong(key, shown, text);
      return;
    }
    wrong(key, shown, "no such key" + nearest(table, name));
  }

  // What one element of a list of tables must have.
  void check_last(const std::string& table, unsigned line) {
    const auto complain = [&](const char* key, const char* text) {
      errors.push_back({file_, line, table + (*key == '\0' ? "" : ".") + key, text});
    };
    if (table == "account") {
      const ConfigAccount& account = config.accounts.back();
      if (account.name.empty()) return complain("name", "is missing");
      const bool has_ha1 = !account.ha1_md5.empty() || !account.ha1_sha256.empty();
      if (!account.password && !has_ha1) return complain("password", "is missing (or ha1_md5 and ha1_sha256)");
      if (account.password && has_ha1) return complain("password", "stands beside an HA1: write one of them");
      for (size_t i = 0; i + 1 < config.accounts.size(); ++i) {
        if (config.accounts[i].name == account.name) return complain("name", "is the name of an account before");
      }
    }
    if (table == "trunk") {
      const TrunkSettings& trunk = config.trunks.back();
      if (trunk.name.empty()) return complain("name", "is missing");
      if (trunk.host.empty() && !trunk.numbers.empty()) return complain("host", "is missing: numbers go there");
      if (trunk.host.empty() && trunk.sources.empty()) return complain("", "has neither a host nor sources");
      if (!trunk.user.empty() && trunk.realm.empty())
        return complain("realm", "is missing: credentials go to the one realm that is named");
    }
  }

  void wrong(const toml::key& key, std::string name, std::string text) {
    errors.push_back({file_, key.source().begin.line, std::move(name), std::move(text)});
  }

  std::string file_;
};

// The line of a key, for mistakes that show only in the whole.
unsigned line_of(const toml::table& root, std::string_view dotted) {
  const size_t dot = dotted.find('.');
  const toml::table* table = dot == std::string_view::npos ? &root : root[dotted.substr(0, dot)].as_table();
  const std::string_view name = dot == std::string_view::npos ? dotted : dotted.substr(dot + 1);
  if (table == nullptr) return 0;
  for (const auto& [key, node] : *table) {
    if (key.str() == name) return key.source().begin.line;
  }
  return 0;
}

std::string wrong_with_advertised(const std::vector<IpAddress>& addresses) {
  if (std::ranges::count_if(addresses, &IpAddress::is_v4) > 1 ||
      std::ranges::count_if(addresses, &IpAddress::is_v6) > 1)
    return "must hold at most one IPv4 and one IPv6 address";
  for (const IpAddress& ip : addresses) {
    if (ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() || ip.is_broadcast())
      return "must be an address that others can reach, not " + ip.text();
  }
  return {};
}

template <class Complain>
void check_web(const Config::Web& web, const Complain& complain) {
  if (web.has_tls() && web.key.empty())
    complain("web.certificate", "stands alone: web.key, its private key, is missing");
  if (!web.has_tls() && !web.key.empty()) complain("web.key", "stands alone: web.certificate is missing");
  if (!web.has_tls() && web.trusted_proxies.empty() && !web.listen.ip.is_loopback())
    complain("web.listen",
             "must be a loopback address without TLS (web.certificate and web.key), except behind web.trusted_proxies");
  for (const Prefix& each : web.trusted_proxies) {
    if (each.length == 0) complain("web.trusted_proxies", "must not trust everybody");
  }
}

}  // namespace

bool is_https(std::string_view url) {
  return url.starts_with("https://");
}

std::string ConfigError::message() const {
  std::string out = file;
  if (line > 0) out += ":" + std::to_string(line);
  out += ": ";
  if (!key.empty()) out += key + ": ";
  return out + text;
}

Result<Config, std::vector<ConfigError>> read_config(std::string_view text, std::string_view file) {
  const toml::parse_result parsed = toml::parse(text, file);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return fail(
        std::vector<ConfigError>{{std::string(file), error.source().begin.line, {}, std::string(error.description())}});
  }
  Reader reader(file);
  reader.read_all(parsed.table());
  for (ConfigError& each : check_config(reader.config, file, false)) {
    each.line = line_of(parsed.table(), each.key);
    const bool known = std::any_of(reader.errors.begin(), reader.errors.end(),
                                   [&](const ConfigError& other) { return other.key == each.key; });
    if (!known) reader.errors.push_back(std::move(each));
  }
  if (reader.errors.empty()) return std::move(reader.config);
  std::sort(reader.errors.begin(), reader.errors.end(), [](const ConfigError& a, const ConfigError& b) {
    return std::tie(a.line, a.key) < std::tie(b.line, b.key);
  });
  return fail(std::move(reader.errors));
}

std::optional<ConfigValue> read_config_value(std::string_view toml) {
  const toml::parse_result parsed = toml::parse("value = " + std::string(toml));
  if (!parsed) return std::nullopt;
  return value_of(*parsed.table().get("value"));
}

std::vector<ConfigError> check_config(const Config& config, std::string_view file, bool complete) {
  std::vector<ConfigError> out;
  const auto complain = [&](std::string_view key, std::string text) {
    out.push_back({std::string(file), 0, std::string(key), std::move(text)});
  };
  check_web(config.web, complain);
  if (const std::string wrong = wrong_with_advertised(config.advertise); !wrong.empty()) complain("advertise", wrong);
  if (config.sip.udp.empty() && config.sip.tcp.empty()) complain("sip.udp", "is empty, and so is sip.tcp");
  for (const IpAddress& ip : config.media.listen) {
    if (ip.is_unspecified()) complain("media.listen", "must name addresses of this machine, not 0.0.0.0 or ::");
  }
  if (config.media.rtp_first_port >= config.media.rtp_last_port)
    complain("media.rtp_last_port", "must be greater than rtp_first_port");
  if (complete && config.effective_admission() == Admission::web_server && config.webhook_url.empty())
    complain("admission", "is \"web-server\", but webhook.url is missing");
  if (config.effective_admission() == Admission::closed && !config.webhook_url.empty())
    complain("admission",
             "is \"closed\", but webhook.url names a web server, which would never be asked: leave one out");
  if (!config.webhook_url.empty() && !config.webhook_url.starts_with("http://") && !is_https(config.webhook_url))
    complain("webhook.url", "must begin with http:// or https://");
  if (complete && !config.webhook_url.empty() && config.webhook_secrets.empty())
    complain("webhook.secrets", "is missing (or ISTHMUS_WEBHOOK_SECRET in the environment)");
  if (config.webhook_secrets.size() > kMaxSecrets) complain("webhook.secrets", "holds more than two secrets");
  if (config.timers.t1 > config.timers.t2) complain("timers.t2_ms", "must not be less than t1_ms");
  if (config.timers.min_expires > config.timers.max_expires)
    complain("timers.max_expires_s", "must not be less than min_expires_s");
  if (config.codecs.browser.empty()) complain("codecs.browser", "is empty");
  if (config.codecs.phone.empty()) complain("codecs.phone", "is empty");
  if (config.domain.empty()) complain("domain", "is empty");
  if (config.realm.empty()) complain("realm", "is empty");
  return out;
}

}  // namespace isthmus::gateway
