// SPDX-License-Identifier: MIT
// The table of keys, and the functions that read one value each.
#include "gateway/config_keys.hpp"

#include <algorithm>
#include <concepts>

#include "base/text.hpp"

namespace isthmus::gateway {
namespace {

constexpr size_t kMaxText = 1024;
constexpr size_t kMaxList = 4096;

// ---- values: each reads one value into its place and says what is wrong with it, "" for nothing

std::string read(const ConfigValue& value, std::string& out) {
  const std::string* text = value.text();
  if (text == nullptr) return "must be a text";
  if (text->size() > kMaxText) return "is too long";
  if (text->find('\0') != std::string::npos) return "must not contain a zero";
  out = *text;
  return {};
}

std::string read(const ConfigValue& value, Private<std::string>& out) {
  std::string plain;
  std::string wrong = read(value, plain);
  if (wrong.empty() && plain.empty()) wrong = "must not be empty";
  out = Private<std::string>(std::move(plain));
  return wrong;
}

template <class Number>
std::string number(const ConfigValue& value, Number& out, int64_t least, int64_t most) {
  const int64_t* read = value.number();
  if (read == nullptr || *read < least || *read > most)
    return "must be a number from " + std::to_string(least) + " to " + std::to_string(most);
  out = Number(*read);
  return {};
}

std::string read(const ConfigValue& value, IpAddress& out) {
  const std::string* text = value.text();
  const auto ip = text != nullptr ? IpAddress::parse(*text) : std::nullopt;
  if (!ip) return "must be an IP address, \"192.0.2.1\"";
  out = *ip;
  return {};
}

std::string read(const ConfigValue& value, SocketAddress& out, uint16_t port) {
  const std::string* text = value.text();
  const auto address = text != nullptr ? SocketAddress::parse(*text, port) : std::nullopt;
  if (!address) return "must be an address with a port, \"127.0.0.1:" + std::to_string(port) + "\"";
  out = *address;
  return {};
}
std::string read_sip(const ConfigValue& value, SocketAddress& out) {
  return read(value, out, 5060);
}

std::string read(const ConfigValue& value, Prefix& out) {
  const std::string* text = value.text();
  const auto prefix = text != nullptr ? Prefix::parse(*text) : std::nullopt;
  if (!prefix) return "must be an address or a prefix, \"192.0.2.0/24\"";
  out = *prefix;
  return {};
}

std::string read(const ConfigValue& value, sdp::Codec& out) {
  const std::string* text = value.text();
  const auto codec = text != nullptr ? sdp::codec_by_name(*text) : std::nullopt;
  if (!codec) return "must be one of opus, PCMU, PCMA, G722, telephone-event";
  out = *codec;
  return {};
}

template <class T, class Reader>
std::string list(const ConfigValue& value, std::vector<T>& out, Reader one) {
  const std::vector<ConfigValue>* values = value.list();
  if (values == nullptr) return "must be a list";
  if (values->size() > kMaxList) return "is too long";
  out.clear();
  for (const ConfigValue& each : *values) {
    T element{};
    const std::string wrong = one(each, element);
    if (!wrong.empty()) return "each element " + wrong;
    out.push_back(std::move(element));
  }
  return {};
}
template <class T>
std::string list(const ConfigValue& value, std::vector<T>& out) {
  return list(value, out, [](const ConfigValue& each, T& element) { return read(each, element); });
}

std::string flag(const ConfigValue& value, bool& out) {
  if (value.flag() == nullptr) return "must be true or false";
  out = *value.flag();
  return {};
}

template <class T>
std::string choice(const ConfigValue& value, T& out, std::initializer_list<std::pair<std::string_view, T>> words) {
  const std::string* text = value.text();
  std::string names;
  for (const auto& [word, meant] : words) {
    if (text != nullptr && *text == word) {
      out = meant;
      return {};
    }
    names += (names.empty() ? "\"" : ", \"") + std::string(word) + "\"";
  }
  return "must be one of " + names;
}

std::string ha1(const ConfigValue& value, std::string& out, size_t digits) {
  const std::string wrong = read(value, out);
  const bool hex = std::all_of(out.begin(), out.end(), [](char c) { return hex_digit(c) >= 0; });
  if (!wrong.empty() || !hex || out.size() != digits)
    return "must be " + std::to_string(digits) + " hexadecimal digits";
  out = lowered(out);
  return {};
}

std::string admission(const ConfigValue& value, Config& out) {
  Admission chosen{};
  std::string wrong = choice(
      value, chosen,
      {{"closed", Admission::closed}, {"web-server", Admission::web_server}, {"allow-all", Admission::allow_all}});
  if (wrong.empty()) out.admission = chosen;
  return wrong;
}

std::string stun_sources(const ConfigValue& value, Config::Media& out) {
  out.any_stun_source = value.text() != nullptr && *value.text() == "any";
  return out.any_stun_source ? std::string{} : list(value, out.stun_sources);
}

// ---- the table

using C = Config;
using V = const ConfigValue;
using K = const Config;

// A certificate may have a new place at a reload; whether there is TLS at all may not.
bool same_tls(K& a, K& b) {
  return a.web.has_tls() == b.web.has_tls();
}

constexpr ConfigTable kTables[] = {
    {"", "General", ""},
    {"sip", "SIP listeners", "Where phones and trunks reach the gateway."},
    {"web", "Web listener", "Page, clients (JSON-RPC over WebSocket), HTTP API and metrics."},
    {"media", "Media", "Browsers share one UDP port on each address; phones get a pair of ports for each call."},
    {"webhook", "Web server", "The owner's web server, which allows each call of a client and is told of each change."},
    {"api", "HTTP API", ""},
    {"log", "Log", "Lines on the standard error. What they mean: docs/troubleshooting.md."},
    {"account", "Accounts",
     "Who may register and sign in. While there is none, here or in the database (`isthmus account add`), the gateway "
     "makes two demo accounts and writes their passwords to `data/demo-accounts` (0600).",
     true},
    {"trunk", "Trunks", "Other SIP servers: which may call here, and which numbers go there.", true},
    {"route", "Routes",
     "The first row whose `in_` patterns match rewrites the numbers; without one all stays as it is.", true},
    {"codecs", "Codecs", ""},
    {"timers", "Times", "In milliseconds (`_ms`) or seconds (`_s`)."},
    {"limits", "Limits", ""},
};

constexpr ConfigKey kKeys[] = {
    {"", "data", R"("data")", "", "",
     "Directory of `isthmus.db` (SQLite), `api-secret` and `demo-accounts`; only its owner can read it.",
     [](C& c, V& v) { return read(v, c.data); }, [](K& a, K& b) { return a.data == b.data; }},
    {"", "domain", R"("localhost")", "", "", "Domain of the accounts; it stands in From and To.",
     [](C& c, V& v) { return read(v, c.domain); }, [](K& a, K& b) { return a.domain == b.domain; }},
    {"", "domains", "[]", "", R"(["sip.example.org"])",
     "Further names that mean this gateway; the addresses it listens on do anyway.",
     [](C& c, V& v) { return list(v, c.domains); }, [](K& a, K& b) { return a.domains == b.domains; }},
    {"", "advertise", "[]", "", R"(["203.0.113.5"])",
     "The address under which others reach this machine, where that is not its own (1:1 NAT, cloud): one IPv4, one "
     "IPv6 or both. It stands in Via, Contact, SDP and ICE candidates.",
     [](C& c, V& v) { return list(v, c.advertise); }, [](K& a, K& b) { return a.advertise == b.advertise; }},
    {"", "realm", R"("isthmus")", "", "",
     "Realm of the accounts' digest. HA1s are made for it: who changes it sets every password anew.",
     [](C& c, V& v) { return read(v, c.realm); }, [](K& a, K& b) { return a.realm == b.realm; }},
    {"", "echo", R"("echo")", "", "", "The number at which a caller hears itself; empty: none.",
     [](C& c, V& v) { return read(v, c.echo); }, [](K& a, K& b) { return a.echo == b.echo; }},
    {"", "allowed_targets", "[]", "", R"(["192.0.2.9"])", "Hosts that a client's `target` may name.",
     [](C& c, V& v) { return list(v, c.allowed_targets); },
     [](K& a, K& b) { return a.allowed_targets == b.allowed_targets; }},
    {"", "admission", "", R"("web-server" when there is one, else "closed")", R"("web-server")",
     R"(`"closed"`, only without `webhook.url`: every call of a client is refused; `"web-server"`: the web server is asked; `"allow-all"`: nobody is asked, and a warning is logged.)",
     [](C& c, V& v) { return admission(v, c); }, [](K& a, K& b) { return a.admission == b.admission; }},

    {"sip", "udp", R"(["127.0.0.1:5060"])", "", "", "Addresses for SIP over UDP; port 0 takes a free one.",
     [](C& c, V& v) { return list(v, c.sip.udp, read_sip); }, [](K& a, K& b) { return a.sip.udp == b.sip.udp; }},
    {"sip", "tcp", R"(["127.0.0.1:5060"])", "", "", "Addresses for SIP over TCP.",
     [](C& c, V& v) { return list(v, c.sip.tcp, read_sip); }, [](K& a, K& b) { return a.sip.tcp == b.sip.tcp; }},
    {"sip", "host", "", "the listening address", R"("sip.example.org")",
     "Name that Via and Contact carry, for phones behind another network.",
     [](C& c, V& v) { return read(v, c.sip.host); }, [](K& a, K& b) { return a.sip.host == b.sip.host; }},

    {"web", "listen", R"("127.0.0.1:8080")", "", "",
     "Where page, clients, HTTP API and metrics are served; without a certificate a loopback address, or one behind "
     "`web.trusted_proxies`, whose connections are then the only ones served.",
     [](C& c, V& v) { return read(v, c.web.listen, 8080); }, [](K& a, K& b) { return a.web.listen == b.web.listen; }},
    {"web", "certificate", "", "none, and HTTP is spoken", R"("/etc/isthmus/server.pem")",
     "PEM file of the certificate for HTTPS and WSS, followed by its chain (`isthmus cert` makes one); read again at "
     "SIGHUP.",
     [](C& c, V& v) { return read(v, c.web.certificate); }, same_tls},
    {"web", "key", "", "none", R"("/etc/isthmus/server-key.pem")", "PEM file of its private key, without a passphrase.",
     [](C& c, V& v) { return read(v, c.web.key); }, same_tls},
    {"web", "trusted_proxies", "[]", "", R"(["127.0.0.1"])",
     "Addresses and prefixes whose `X-Forwarded-For` and `X-Forwarded-Proto`, or `Forwarded`, are believed; they must "
     "pass `Host` on.",
     [](C& c, V& v) { return list(v, c.web.trusted_proxies); },
     [](K& a, K& b) { return a.web.trusted_proxies == b.web.trusted_proxies; }},
    {"web", "hosts", "[]", "", R"(["phone.example.org"])",
     "Host headers that are served beside the listener's own, localhost and the certificate's names.",
     [](C& c, V& v) { return list(v, c.web.hosts); }, [](K& a, K& b) { return a.web.hosts == b.web.hosts; }},
    {"web", "origins", "[]", "", R"(["https://phone.example.org"])",
     "Origins that may speak beside the request's own Host, behind `https://` where the sender has TLS.",
     [](C& c, V& v) { return list(v, c.web.origins); }, [](K& a, K& b) { return a.web.origins == b.web.origins; }},
    {"web", "require_origin", "false", "", "",
     "A WebSocket (`/ws`) without an `Origin`, which every browser sends, is refused with 403; programs must send one.",
     [](C& c, V& v) { return flag(v, c.web.require_origin); },
     [](K& a, K& b) { return a.web.require_origin == b.web.require_origin; }},

    {"media", "listen", "", "all addresses of the machine", R"(["192.0.2.1"])",
     "Addresses of the one UDP port that all browsers share.", [](C& c, V& v) { return list(v, c.media.listen); },
     [](K& a, K& b) { return a.media.listen == b.media.listen; }},
    {"media", "port", "0", "", "40000", "That port; 0 takes a free one.",
     [](C& c, V& v) { return number(v, c.media.port, 0, 65535); },
     [](K& a, K& b) { return a.media.port == b.media.port; }},
    {"media", "advertised", "", "the addresses listened on", R"(["203.0.113.5"])",
     "Addresses told to browsers instead, behind a static NAT.", [](C& c, V& v) { return list(v, c.media.advertised); },
     [](K& a, K& b) { return a.media.advertised == b.media.advertised; }},
    {"media", "stun_sources", "", "this machine's addresses", R"("any")",
     R"(Addresses and prefixes from which ICE checks are looked at, or `"any"`.)",
     [](C& c, V& v) { return stun_sources(v, c.media); },
     [](K& a, K& b) {
       return a.media.any_stun_source == b.media.any_stun_source && a.media.stun_sources == b.media.stun_sources;
     }},
    {"media", "rtp_bind", "", "the first SIP address", R"("192.0.2.1")", "Where ports for phones are bound.",
     [](C& c, V& v) { return read(v, c.media.rtp_bind); },
     [](K& a, K& b) { return a.media.rtp_bind == b.media.rtp_bind; }},
    {"media", "rtp_advertised", "", "the bound address", R"("203.0.113.5")", "Address told to phones instead.",
     [](C& c, V& v) { return read(v, c.media.rtp_advertised); },
     [](K& a, K& b) { return a.media.rtp_advertised == b.media.rtp_advertised; }},
    {"media", "rtp_first_port", "20000", "", "", "First port for phones.",
     [](C& c, V& v) { return number(v, c.media.rtp_first_port, 1024, 65535); },
     [](K& a, K& b) { return a.media.rtp_first_port == b.media.rtp_first_port; }},
    {"media", "rtp_last_port", "29999", "", "", "Last port for phones.",
     [](C& c, V& v) { return number(v, c.media.rtp_last_port, 1024, 65535); },
     [](K& a, K& b) { return a.media.rtp_last_port == b.media.rtp_last_port; }},

    {"webhook", "url", "", "none", R"("http://127.0.0.1:8090/webhook")",
     "Where questions and events go: an `http://` or `https://` address. A name must not lead to loopback (write "
     "`localhost` or the address), no host to link-local or multicast.",
     [](C& c, V& v) { return read(v, c.webhook_url); }, [](K& a, K& b) { return a.webhook_url == b.webhook_url; }},
    {"webhook", "ca", "", "the system's authorities", R"("/etc/isthmus/ca.pem")",
     "PEM file of the certificates from which that of an `https://` web server must come.",
     [](C& c, V& v) { return read(v, c.webhook_ca); }, kAtReload},
    {"webhook", "secrets", "", "`ISTHMUS_WEBHOOK_SECRET` of the environment", R"(["a long secret"])",
     "Secret that signs them, or two while it is being changed.", [](C& c, V& v) { return list(v, c.webhook_secrets); },
     kAtReload},
    {"webhook", "on_failure", R"("refuse")", "", R"("refuse")",
     R"(What becomes of a call when the web server gives no usable answer: `"refuse"`, or `"allow"`, and a warning is logged.)",
     [](C& c, V& v) { return choice(v, c.allow_on_failure, {{"refuse", false}, {"allow", true}}); }, kAtReload},

    {"api", "secret", "", "a generated one, in `data/api-secret`", R"("a long secret")",
     "For the HTTP API and `/metrics`.", [](C& c, V& v) { return read(v, c.api_secret); }, kAtReload},

    {"log", "level", R"("info")", "", "",
     R"(The least that is logged: `"debug"` (each step of a call, and each SIP request that is refused), `"info"`, `"warning"`, `"error"` or `"off"`.)",
     [](C& c, V& v) {
       return choice(v, c.log.level,
                     {{"debug", LogLevel::debug},
                      {"info", LogLevel::info},
                      {"warning", LogLevel::warning},
                      {"error", LogLevel::error},
                      {"off", LogLevel::off}});
     },
     kAtReload},
    {"log", "format", R"("text")", "", "", R"(`"text"`, or `"json"`: one object a line.)",
     [](C& c, V& v) { return choice(v, c.log.format, {{"text", LogFormat::text}, {"json", LogFormat::json}}); },
     kAtReload},
    {"log", "mask", "false", "", "",
     "Personal data is shortened: of numbers and names the last two characters stay (`***67`), of addresses the "
     "network "
     "(`192.0.2.x`); what a far side said in its own words is left out.",
     [](C& c, V& v) { return flag(v, c.log.mask); }, kAtReload},

    {"account", "name", "", "required", R"("1000")", "User part of its SIP address, and what it signs in with.",
     [](C& c, V& v) { return read(v, c.accounts.back().name); }, kAtReload},
    {"account", "password", "", "required, or the HA1s", R"("a long password")",
     "In clear; only its HA1 is kept in memory.",
     [](C& c, V& v) { return read(v, c.accounts.back().password.emplace()); }, kAtReload},
    {"account", "ha1_md5", "", "none", R"("0123456789abcdef0123456789abcdef")",
     "Instead of a password: MD5 of `name:realm:password`, 32 hexadecimal digits.",
     [](C& c, V& v) { return ha1(v, c.accounts.back().ha1_md5, 32); }, kAtReload},
    {"account", "ha1_sha256", "", "none", R"("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")",
     "The same with SHA-256, 64 digits.", [](C& c, V& v) { return ha1(v, c.accounts.back().ha1_sha256, 64); },
     kAtReload},

    {"trunk", "name", "", "required", R"("carrier")", "What logs and the API call it.",
     [](C& c, V& v) { return read(v, c.trunks.back().name); }, kAtReload},
    {"trunk", "weight", "50", "", "", "Modules with more weight are asked first: echo 100, clients 80, phones 60.",
     [](C& c, V& v) { return number(v, c.trunks.back().weight, 0, 1000); }, kAtReload},
    {"trunk", "sources", "[]", "", R"(["198.51.100.0/24"])",
     "Exactly these addresses may call here without credentials.",
     [](C& c, V& v) { return list(v, c.trunks.back().sources); }, kAtReload},
    {"trunk", "numbers", "[]", "", R"(["2000-2999"])", "Numbers that go there: one number, `*`, a range `2000-2999`.",
     [](C& c, V& v) { return list(v, c.trunks.back().numbers); }, kAtReload},
    {"trunk", "host", "", "none", R"("sip.carrier.example")", "Where its calls go: a name or an address.",
     [](C& c, V& v) { return read(v, c.trunks.back().host); }, kAtReload},
    {"trunk", "port", "", "as the SRV records of the name say, else 5060", "5060", "Port of that host.",
     [](C& c, V& v) { return number(v, c.trunks.back().port, 1, 65535); }, kAtReload},
    {"trunk", "transport", R"("udp")", "", "", R"(`"udp"` or `"tcp"`.)",
     [](C& c, V& v) { return choice<std::string>(v, c.trunks.back().transport, {{"udp", "udp"}, {"tcp", "tcp"}}); },
     kAtReload},
    {"trunk", "user", "", "none", R"("4711")", "Name in the credentials for a trunk that asks for some.",
     [](C& c, V& v) { return read(v, c.trunks.back().user); }, kAtReload},
    {"trunk", "password", "", "none", R"("a long password")", "Password in those credentials.",
     [](C& c, V& v) { return read(v, c.trunks.back().password); }, kAtReload},
    {"trunk", "realm", "", "none; required beside `user`", R"("carrier.example")",
     "The only realm that they are sent to.", [](C& c, V& v) { return read(v, c.trunks.back().realm); }, kAtReload},
    {"trunk", "fast_abort_ms", "", "8 times T1", "4000",
     "How long a cancelled call waits for the far side's answer; 0: as the RFC says.",
     [](C& c, V& v) { return number(v, c.trunks.back().fast_abort, 0, 60000); }, kAtReload},

    {"route", "in_from", R"("*")", "", "", "Caller: a number or name, a list with commas, a range, `*`.",
     [](C& c, V& v) { return read(v, c.routes.back().in_from); }, kAtReload},
    {"route", "in_to", R"("*")", "", R"("2005")", "Callee, the same.",
     [](C& c, V& v) { return read(v, c.routes.back().in_to); }, kAtReload},
    {"route", "out_from", R"("*")", "", "", "The caller from now on; `*`: as it was.",
     [](C& c, V& v) { return read(v, c.routes.back().out_from); }, kAtReload},
    {"route", "out_to", R"("*")", "", R"("1001")", "The callee from now on.",
     [](C& c, V& v) { return read(v, c.routes.back().out_to); }, kAtReload},

    {"codecs", "browser", R"(["opus", "PCMU", "PCMA", "G722", "telephone-event"])", "", "", "For browsers, best first.",
     [](C& c, V& v) { return list(v, c.codecs.browser); },
     [](K& a, K& b) { return a.codecs.browser == b.codecs.browser; }},
    {"codecs", "phone", R"(["opus", "PCMU", "PCMA", "G722", "telephone-event"])", "", "",
     "For phones and trunks, best first.", [](C& c, V& v) { return list(v, c.codecs.phone); },
     [](K& a, K& b) { return a.codecs.phone == b.codecs.phone; }},
    {"codecs", "prefer", R"("offer")", "", "",
     R"(Whose order counts: the caller's (`"offer"`) or this list's (`"own"`).)",
     [](C& c, V& v) {
       return choice(v, c.codecs.preference, {{"offer", sdp::Preference::offer}, {"own", sdp::Preference::own}});
     },
     [](K& a, K& b) { return a.codecs.preference == b.codecs.preference; }},
    {"codecs", "ptime_ms", "20", "", "", "Length of a packet.",
     [](C& c, V& v) { return number(v, c.codecs.ptime, 10, 60); },
     [](K& a, K& b) { return a.codecs.ptime == b.codecs.ptime; }},

    {"timers", "t1_ms", "500", "", "", "T1 of RFC 3261, the estimate of a round trip.",
     [](C& c, V& v) { return number(v, c.timers.t1, 10, 10000); },
     [](K& a, K& b) { return a.timers.t1 == b.timers.t1; }},
    {"timers", "t2_ms", "4000", "", "", "T2, the longest pause between repeats.",
     [](C& c, V& v) { return number(v, c.timers.t2, 10, 60000); },
     [](K& a, K& b) { return a.timers.t2 == b.timers.t2; }},
    {"timers", "t4_ms", "5000", "", "", "T4, how long a message may stay in the network.",
     [](C& c, V& v) { return number(v, c.timers.t4, 10, 60000); },
     [](K& a, K& b) { return a.timers.t4 == b.timers.t4; }},
    {"timers", "ring_s", "60", "", "", "How long a call rings without an answer.",
     [](C& c, V& v) { return number(v, c.timers.ring, 1, 3600); },
     [](K& a, K& b) { return a.timers.ring == b.timers.ring; }},
    {"timers", "policy_s", "5", "", "", "How long the web server's HTTP response may take.",
     [](C& c, V& v) { return number(v, c.timers.policy, 1, 60); },
     [](K& a, K& b) { return a.timers.policy == b.timers.policy; }},
    {"timers", "decision_s", "30", "", "", "How long its decision may take when it answered with an empty body.",
     [](C& c, V& v) { return number(v, c.timers.decision, 1, 600); },
     [](K& a, K& b) { return a.timers.decision == b.timers.decision; }},
    {"timers", "client_grace_s", "10", "", "", "How long the calls of a client that lost its connection are kept.",
     [](C& c, V& v) { return number(v, c.timers.client_grace, 0, 600); },
     [](K& a, K& b) { return a.timers.client_grace == b.timers.client_grace; }},
    {"timers", "silence_s", "30", "", "", "Without a packet for so long a media leg counts as silent.",
     [](C& c, V& v) { return number(v, c.timers.silence, 1, 86400); },
     [](K& a, K& b) { return a.timers.silence == b.timers.silence; }},
    {"timers", "shutdown_s", "5", "", "", "At SIGTERM, for the far sides to answer.",
     [](C& c, V& v) { return number(v, c.timers.shutdown, 0, 60); },
     [](K& a, K& b) { return a.timers.shutdown == b.timers.shutdown; }},
    {"timers", "min_expires_s", "60", "", "", "Shortest registration.",
     [](C& c, V& v) { return number(v, c.timers.min_expires, 1, 86400); },
     [](K& a, K& b) { return a.timers.min_expires == b.timers.min_expires; }},
    {"timers", "max_expires_s", "3600", "", "", "Longest registration.",
     [](C& c, V& v) { return number(v, c.timers.max_expires, 1, 86400); },
     [](K& a, K& b) { return a.timers.max_expires == b.timers.max_expires; }},

    {"limits", "calls", "5000", "", "", "Calls at once.",
     [](C& c, V& v) { return number(v, c.limits.calls, 1, 1000000); },
     [](K& a, K& b) { return a.limits.calls == b.limits.calls; }},
    {"limits", "calls_per_client", "8", "", "", "Calls of one session.",
     [](C& c, V& v) { return number(v, c.limits.calls_per_client, 1, 1000); },
     [](K& a, K& b) { return a.limits.calls_per_client == b.limits.calls_per_client; }},
    {"limits", "calls_per_account", "32", "", "",
     "Calls that the phones of one account make and take. One more gets 403 when they make it, 486 when it is for "
     "them.",
     [](C& c, V& v) { return number(v, c.limits.calls_per_account, 1, 1000000); },
     [](K& a, K& b) { return a.limits.calls_per_account == b.limits.calls_per_account; }},
    {"limits", "bindings_per_account", "8", "", "", "Phones of one account.",
     [](C& c, V& v) { return number(v, c.limits.bindings_per_account, 1, 100); },
     [](K& a, K& b) { return a.limits.bindings_per_account == b.limits.bindings_per_account; }},
    {"limits", "sip_connections", "4096", "", "", "SIP streams.",
     [](C& c, V& v) { return number(v, c.limits.sip_connections, 1, 1000000); },
     [](K& a, K& b) { return a.limits.sip_connections == b.limits.sip_connections; }},
    {"limits", "sip_connections_per_source", "256", "", "", "SIP streams of one address.",
     [](C& c, V& v) { return number(v, c.limits.sip_connections_per_source, 1, 1000000); },
     [](K& a, K& b) { return a.limits.sip_connections_per_source == b.limits.sip_connections_per_source; }},
    {"limits", "web_connections", "1024", "", "", "Connections of page, clients and API.",
     [](C& c, V& v) { return number(v, c.limits.web_connections, 1, 1000000); },
     [](K& a, K& b) { return a.limits.web_connections == b.limits.web_connections; }},
    {"limits", "web_connections_per_source", "64", "", "", "Such connections of one address.",
     [](C& c, V& v) { return number(v, c.limits.web_connections_per_source, 1, 1000000); },
     [](K& a, K& b) { return a.limits.web_connections_per_source == b.limits.web_connections_per_source; }},
};

}  // namespace

std::span<const ConfigTable> config_tables() {
  return kTables;
}
std::span<const ConfigKey> config_keys() {
  return kKeys;
}
std::string dotted(const ConfigKey& key) {
  return key.table.empty() ? std::string(key.name) : std::string(key.table) + "." + std::string(key.name);
}
std::vector<std::string> until_next_start(const Config& running, const Config& wanted) {
  std::vector<std::string> out;
  for (const ConfigKey& key : kKeys) {
    if (key.same != kAtReload && !key.same(running, wanted)) out.push_back(dotted(key));
  }
  return out;
}
const ConfigKey* find_config_key(std::string_view table, std::string_view name) {
  const auto found = std::find_if(std::begin(kKeys), std::end(kKeys),
                                  [&](const ConfigKey& key) { return key.table == table && key.name == name; });
  return found == std::end(kKeys) ? nullptr : found;
}

}  // namespace isthmus::gateway
