// SPDX-License-Identifier: MIT
// One table names all keys: it drives reading, the errors and the suggestions.
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include "gateway/config.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <tuple>

#include "base/text.hpp"

namespace isthmus::gateway {
namespace {

constexpr size_t kMaxText = 1024;
constexpr size_t kMaxList = 4096;
constexpr size_t kNearEnough = 3;  // edits, for "did you mean"
constexpr size_t kMaxSecrets = 2;  // the old one and the new one

// ---- values: each reads one node into its place and says what is wrong with it, "" for nothing

std::string read(const toml::node& node, std::string& out) {
  const auto value = node.value_exact<std::string>();
  if (!value) return "must be a text";
  if (value->size() > kMaxText) return "is too long";
  if (value->find('\0') != std::string::npos) return "must not contain a zero";
  out = *value;
  return {};
}

std::string read(const toml::node& node, Private<std::string>& out) {
  std::string plain;
  std::string wrong = read(node, plain);
  if (wrong.empty() && plain.empty()) wrong = "must not be empty";
  out = Private<std::string>(std::move(plain));
  return wrong;
}

template <class Number>
std::string number(const toml::node& node, Number& out, int64_t least, int64_t most) {
  const auto value = node.value_exact<int64_t>();
  if (!value || *value < least || *value > most)
    return "must be a number from " + std::to_string(least) + " to " + std::to_string(most);
  out = Number(*value);
  return {};
}

std::string read(const toml::node& node, IpAddress& out) {
  const auto text = node.value_exact<std::string>();
  const auto ip = text ? IpAddress::parse(*text) : std::nullopt;
  if (!ip) return "must be an IP address, \"192.0.2.1\"";
  out = *ip;
  return {};
}

std::string read(const toml::node& node, SocketAddress& out, uint16_t port) {
  const auto text = node.value_exact<std::string>();
  const auto address = text ? SocketAddress::parse(*text, port) : std::nullopt;
  if (!address) return "must be an address with a port, \"127.0.0.1:" + std::to_string(port) + "\"";
  out = *address;
  return {};
}
std::string read_sip(const toml::node& node, SocketAddress& out) {
  return read(node, out, 5060);
}

std::string read(const toml::node& node, Prefix& out) {
  const auto text = node.value_exact<std::string>();
  const auto prefix = text ? Prefix::parse(*text) : std::nullopt;
  if (!prefix) return "must be an address or a prefix, \"192.0.2.0/24\"";
  out = *prefix;
  return {};
}

std::string read(const toml::node& node, sdp::Codec& out) {
  const auto text = node.value_exact<std::string>();
  const auto codec = text ? sdp::codec_by_name(*text) : std::nullopt;
  if (!codec) return "must be one of opus, PCMU, PCMA, G722, telephone-event";
  out = *codec;
  return {};
}

template <class T, class Reader>
std::string list(const toml::node& node, std::vector<T>& out, Reader one) {
  const toml::array* array = node.as_array();
  if (array == nullptr) return "must be a list";
  if (array->size() > kMaxList) return "is too long";
  out.clear();
  for (const toml::node& each : *array) {
    T value{};
    const std::string wrong = one(each, value);
    if (!wrong.empty()) return "each element " + wrong;
    out.push_back(std::move(value));
  }
  return {};
}
template <class T>
std::string list(const toml::node& node, std::vector<T>& out) {
  return list(node, out, [](const toml::node& each, T& value) { return read(each, value); });
}

template <class T>
std::string choice(const toml::node& node, T& out, std::initializer_list<std::pair<std::string_view, T>> words) {
  const auto text = node.value_exact<std::string>();
  std::string names;
  for (const auto& [word, value] : words) {
    if (text && *text == word) {
      out = value;
      return {};
    }
    names += (names.empty() ? "\"" : ", \"") + std::string(word) + "\"";
  }
  return "must be one of " + names;
}

std::string ha1(const toml::node& node, std::string& out, size_t digits) {
  const std::string wrong = read(node, out);
  const bool hex = std::all_of(out.begin(), out.end(), [](char c) { return hex_digit(c) >= 0; });
  if (!wrong.empty() || !hex || out.size() != digits)
    return "must be " + std::to_string(digits) + " hexadecimal digits";
  out = lowered(out);
  return {};
}

std::string stun_sources(const toml::node& node, Config::Media& out) {
  out.any_stun_source = node.value_exact<std::string>() == "any";
  return out.any_stun_source ? std::string{} : list(node, out.stun_sources);
}

// ---- the table of keys

struct Key {
  std::string_view table;  // "" for the top; account, trunk and route are lists of tables, read into their last element
  std::string_view name;
  std::string (*read)(Config&, const toml::node&);
};

using C = Config;
using N = const toml::node;
constexpr Key kKeys[] = {
    {"", "data", [](C& c, N& n) { return read(n, c.data); }},
    {"", "domain", [](C& c, N& n) { return read(n, c.domain); }},
    {"", "domains", [](C& c, N& n) { return list(n, c.domains); }},
    {"", "realm", [](C& c, N& n) { return read(n, c.realm); }},
    {"", "echo", [](C& c, N& n) { return read(n, c.echo); }},
    {"", "allowed_targets", [](C& c, N& n) { return list(n, c.allowed_targets); }},
    {"", "admission",
     [](C& c, N& n) {
       Admission value{};
       std::string wrong = choice(
           n, value,
           {{"closed", Admission::closed}, {"web-server", Admission::web_server}, {"allow-all", Admission::allow_all}});
       if (wrong.empty()) c.admission = value;
       return wrong;
     }},

    {"sip", "udp", [](C& c, N& n) { return list(n, c.sip.udp, read_sip); }},
    {"sip", "tcp", [](C& c, N& n) { return list(n, c.sip.tcp, read_sip); }},
    {"sip", "host", [](C& c, N& n) { return read(n, c.sip.host); }},

    {"web", "listen", [](C& c, N& n) { return read(n, c.web.listen, 8080); }},
    {"web", "hosts", [](C& c, N& n) { return list(n, c.web.hosts); }},
    {"web", "origins", [](C& c, N& n) { return list(n, c.web.origins); }},

    {"media", "listen", [](C& c, N& n) { return list(n, c.media.listen); }},
    {"media", "port", [](C& c, N& n) { return number(n, c.media.port, 0, 65535); }},
    {"media", "advertised", [](C& c, N& n) { return list(n, c.media.advertised); }},
    {"media", "stun_sources", [](C& c, N& n) { return stun_sources(n, c.media); }},
    {"media", "rtp_bind", [](C& c, N& n) { return read(n, c.media.rtp_bind); }},
    {"media", "rtp_advertised", [](C& c, N& n) { return read(n, c.media.rtp_advertised); }},
    {"media", "rtp_first_port", [](C& c, N& n) { return number(n, c.media.rtp_first_port, 1024, 65535); }},
    {"media", "rtp_last_port", [](C& c, N& n) { return number(n, c.media.rtp_last_port, 1024, 65535); }},

    {"webhook", "url", [](C& c, N& n) { return read(n, c.webhook_url); }},
    {"webhook", "secrets", [](C& c, N& n) { return list(n, c.webhook_secrets); }},
    {"api", "secret", [](C& c, N& n) { return read(n, c.api_secret); }},

    {"account", "name", [](C& c, N& n) { return read(n, c.accounts.back().name); }},
    {"account", "password", [](C& c, N& n) { return read(n, c.accounts.back().password.emplace()); }},
    {"account", "ha1_md5", [](C& c, N& n) { return ha1(n, c.accounts.back().ha1_md5, 32); }},
    {"account", "ha1_sha256", [](C& c, N& n) { return ha1(n, c.accounts.back().ha1_sha256, 64); }},

    {"trunk", "name", [](C& c, N& n) { return read(n, c.trunks.back().name); }},
    {"trunk", "weight", [](C& c, N& n) { return number(n, c.trunks.back().weight, 0, 1000); }},
    {"trunk", "sources", [](C& c, N& n) { return list(n, c.trunks.back().sources); }},
    {"trunk", "numbers", [](C& c, N& n) { return list(n, c.trunks.back().numbers); }},
    {"trunk", "host", [](C& c, N& n) { return read(n, c.trunks.back().host); }},
    {"trunk", "port", [](C& c, N& n) { return number(n, c.trunks.back().port, 1, 65535); }},
    {"trunk", "transport",
     [](C& c, N& n) { return choice<std::string>(n, c.trunks.back().transport, {{"udp", "udp"}, {"tcp", "tcp"}}); }},
    {"trunk", "user", [](C& c, N& n) { return read(n, c.trunks.back().user); }},
    {"trunk", "password", [](C& c, N& n) { return read(n, c.trunks.back().password); }},
    {"trunk", "realm", [](C& c, N& n) { return read(n, c.trunks.back().realm); }},
    {"trunk", "fast_abort_ms", [](C& c, N& n) { return number(n, c.trunks.back().fast_abort, 0, 60000); }},

    {"route", "in_from", [](C& c, N& n) { return read(n, c.routes.back().in_from); }},
    {"route", "in_to", [](C& c, N& n) { return read(n, c.routes.back().in_to); }},
    {"route", "out_from", [](C& c, N& n) { return read(n, c.routes.back().out_from); }},
    {"route", "out_to", [](C& c, N& n) { return read(n, c.routes.back().out_to); }},

    {"codecs", "browser", [](C& c, N& n) { return list(n, c.codecs.browser); }},
    {"codecs", "phone", [](C& c, N& n) { return list(n, c.codecs.phone); }},
    {"codecs", "prefer",
     [](C& c, N& n) {
       return choice(n, c.codecs.preference, {{"offer", sdp::Preference::offer}, {"own", sdp::Preference::own}});
     }},
    {"codecs", "ptime_ms", [](C& c, N& n) { return number(n, c.codecs.ptime, 10, 60); }},

    {"timers", "t1_ms", [](C& c, N& n) { return number(n, c.timers.t1, 10, 10000); }},
    {"timers", "t2_ms", [](C& c, N& n) { return number(n, c.timers.t2, 10, 60000); }},
    {"timers", "t4_ms", [](C& c, N& n) { return number(n, c.timers.t4, 10, 60000); }},
    {"timers", "ring_s", [](C& c, N& n) { return number(n, c.timers.ring, 1, 3600); }},
    {"timers", "policy_s", [](C& c, N& n) { return number(n, c.timers.policy, 1, 60); }},
    {"timers", "decision_s", [](C& c, N& n) { return number(n, c.timers.decision, 1, 600); }},
    {"timers", "client_grace_s", [](C& c, N& n) { return number(n, c.timers.client_grace, 0, 600); }},
    {"timers", "silence_s", [](C& c, N& n) { return number(n, c.timers.silence, 1, 86400); }},
    {"timers", "shutdown_s", [](C& c, N& n) { return number(n, c.timers.shutdown, 0, 60); }},
    {"timers", "min_expires_s", [](C& c, N& n) { return number(n, c.timers.min_expires, 1, 86400); }},
    {"timers", "max_expires_s", [](C& c, N& n) { return number(n, c.timers.max_expires, 1, 86400); }},

    {"limits", "calls", [](C& c, N& n) { return number(n, c.limits.calls, 1, 1000000); }},
    {"limits", "calls_per_client", [](C& c, N& n) { return number(n, c.limits.calls_per_client, 1, 1000); }},
    {"limits", "bindings_per_account", [](C& c, N& n) { return number(n, c.limits.bindings_per_account, 1, 100); }},
    {"limits", "sip_connections", [](C& c, N& n) { return number(n, c.limits.sip_connections, 1, 1000000); }},
    {"limits", "sip_connections_per_source",
     [](C& c, N& n) { return number(n, c.limits.sip_connections_per_source, 1, 1000000); }},
    {"limits", "web_connections", [](C& c, N& n) { return number(n, c.limits.web_connections, 1, 1000000); }},
    {"limits", "web_connections_per_source",
     [](C& c, N& n) { return number(n, c.limits.web_connections_per_source, 1, 1000000); }},
};

bool is_table(std::string_view name) {
  return !name.empty() &&
         std::any_of(std::begin(kKeys), std::end(kKeys), [&](const Key& key) { return key.table == name; });
}
bool is_list_of_tables(std::string_view name) {
  return name == "account" || name == "trunk" || name == "route";
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
  for (const Key& key : kKeys) {
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
    for (const Key& known : kKeys) {
      if (known.table != table || known.name != name) continue;
      const std::string text = known.read(config, node);
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

}  // namespace

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

std::vector<std::string> config_keys() {
  std::vector<std::string> out;
  for (const Key& key : kKeys)
    out.push_back((key.table.empty() ? std::string{} : std::string(key.table) + ".") + std::string(key.name));
  return out;
}

std::vector<ConfigError> check_config(const Config& config, std::string_view file, bool complete) {
  std::vector<ConfigError> out;
  const auto complain = [&](std::string_view key, std::string text) {
    out.push_back({std::string(file), 0, std::string(key), std::move(text)});
  };
  if (!config.web.listen.ip.is_loopback())
    complain("web.listen", "must be a loopback address: this listener speaks without TLS");
  if (config.sip.udp.empty() && config.sip.tcp.empty()) complain("sip.udp", "is empty, and so is sip.tcp");
  for (const IpAddress& ip : config.media.listen) {
    if (ip.is_unspecified()) complain("media.listen", "must name addresses of this machine, not 0.0.0.0 or ::");
  }
  if (config.media.rtp_first_port >= config.media.rtp_last_port)
    complain("media.rtp_last_port", "must be greater than rtp_first_port");
  if (complete && config.effective_admission() == Admission::web_server && config.webhook_url.empty())
    complain("admission", "is \"web-server\", but webhook.url is missing");
  if (!config.webhook_url.empty() && !config.webhook_url.starts_with("http://"))
    complain("webhook.url", "must begin with http://");
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
