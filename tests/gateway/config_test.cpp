// SPDX-License-Identifier: MIT
// The configuration: what is read, and the exact words about what is wrong (R5.1).
#include "gateway/config.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <tuple>

#include "gateway/config_keys.hpp"
#include "gateway/config_text.hpp"
#include "gateway/ports.hpp"
#include "tests/support/source_dir.hpp"

namespace isthmus::gateway {
namespace config_test {

std::string mistakes(std::string_view text) {
  const auto config = read_config(text, "f.toml");
  if (config) return "";
  std::string out;
  for (const ConfigError& error : config.error()) out += (out.empty() ? "" : "\n") + error.message();
  return out;
}

TEST(Config, R5_1EachMistakeIsNamedWithFileLineAndKey) {
  struct Row {
    const char* text;
    const char* message;
  };
  const std::vector<Row> rows{
      {"domian = \"x\"", "f.toml:1: domian: no such key; did you mean \"domain\"?"},
      {"\n\n[sip]\nudpp = []", "f.toml:4: sip.udpp: no such key; did you mean \"udp\"?"},
      {"[webb]\nlisten = \"127.0.0.1:1\"", "f.toml:1: webb: no such key; did you mean \"web\"?"},
      {"[sip]\nquite_another_thing = 1", "f.toml:2: sip.quite_another_thing: no such key"},
      {"advertise = [\"203.0.113.5\", \"203.0.113.6\"]",
       "f.toml:1: advertise: must hold at most one IPv4 and one IPv6 address"},
      {"advertise = [\"0.0.0.0\"]", "f.toml:1: advertise: must be an address that others can reach, not 0.0.0.0"},
      {"realm = 5", "f.toml:1: realm: must be a text"},
      {"realm = \"\"", "f.toml:1: realm: is empty"},
      {"[sip]\nudp = \"127.0.0.1:5060\"", "f.toml:2: sip.udp: must be a list"},
      {"[sip]\nudp = [\"localhost:5060\"]",
       "f.toml:2: sip.udp: each element must be an address with a port, \"127.0.0.1:5060\""},
      {"[sip]\nudp = []\ntcp = []", "f.toml:2: sip.udp: is empty, and so is sip.tcp"},
      {"[web]\nlisten = \"0.0.0.0:8080\"",
       "f.toml:2: web.listen: must be a loopback address without TLS (web.certificate and web.key), except behind "
       "web.trusted_proxies"},
      {"[web]\nlisten = \"192.0.2.1:8080\"",
       "f.toml:2: web.listen: must be a loopback address without TLS (web.certificate and web.key), except behind "
       "web.trusted_proxies"},
      {"[web]\ncertificate = \"a.pem\"",
       "f.toml:2: web.certificate: stands alone: web.key, its private key, is missing"},
      {"[web]\nkey = \"a.pem\"", "f.toml:2: web.key: stands alone: web.certificate is missing"},
      {"[web]\ntrusted_proxies = [\"proxy.example\"]",
       "f.toml:2: web.trusted_proxies: each element must be an address or a prefix, \"192.0.2.0/24\""},
      {"[web]\ntrusted_proxies = [\"10.0.0.0/8\", \"::/0\"]",
       "f.toml:2: web.trusted_proxies: must not trust everybody"},
      {"[media]\nrtp_first_port = 80", "f.toml:2: media.rtp_first_port: must be a number from 1024 to 65535"},
      {"[media]\nrtp_first_port = 30000\nrtp_last_port = 20000",
       "f.toml:3: media.rtp_last_port: must be greater than rtp_first_port"},
      {"[media]\nstun_sources = [\"10.0.0.0/40\"]",
       "f.toml:2: media.stun_sources: each element must be an address or a prefix, \"192.0.2.0/24\""},
      {"[timers]\nt1_ms = \"500\"", "f.toml:2: timers.t1_ms: must be a number from 10 to 10000"},
      {"[timers]\nt1_ms = 5000", "f.toml:0"},
      {"admission = \"open\"", "f.toml:1: admission: must be one of \"closed\", \"web-server\", \"allow-all\""},
      {"data = \"d\"\nadmission = \"closed\"\n[webhook]\nurl = \"http://127.0.0.1:1/\"",
       "f.toml:2: admission: is \"closed\", but webhook.url names a web server, which would never be asked: leave one "
       "out"},
      {"[webhook]\nurl = \"ftp://x/\"", "f.toml:2: webhook.url: must begin with http:// or https://"},
      {"[webhook]\nsecrets = [\"a\", \"b\", \"c\"]", "f.toml:2: webhook.secrets: holds more than two secrets"},
      {"[api]\nsecret = \"\"", "f.toml:2: api.secret: must not be empty"},
      {"[codecs]\nbrowser = [\"speex\"]",
       "f.toml:2: codecs.browser: each element must be one of opus, PCMU, PCMA, G722, telephone-event"},
      {"[account]\nname = \"x\"", "f.toml:1: account: must be a list of tables, [[account]]"},
      {"sip = 1", "f.toml:1: sip: must be a table, [sip]"},
      {"[[account]]\nname = \"x\"", "f.toml:1: account.password: is missing (or ha1_md5 and ha1_sha256)"},
      {"[[account]]\nname = \"x\"\npassword = \"p\"\n[[account]]\nname = \"x\"\npassword = \"p\"",
       "f.toml:4: account.name: is the name of an account before"},
      {"[[account]]\nname = \"x\"\nha1_md5 = \"abc\"", "f.toml:3: account.ha1_md5: must be 32 hexadecimal digits"},
      {"[[trunk]]\nname = \"t\"", "f.toml:1: trunk: has neither a host nor sources"},
      {"[[trunk]]\nname = \"t\"\nhost = \"h\"\nuser = \"u\"",
       "f.toml:1: trunk.realm: is missing: credentials go to the one realm that is named"},
      {"[[trunk]]\nname = \"t\"\nhost = \"h\"\ntransport = \"tls\"",
       "f.toml:4: trunk.transport: must be one of \"udp\", \"tcp\""},
      {"[[route]]\nin_form = \"*\"", "f.toml:2: route.in_form: no such key; did you mean \"in_from\"?"},
  };
  for (const Row& row : rows) {
    if (std::string_view(row.message) == "f.toml:0") {
      EXPECT_EQ(mistakes(row.text), "f.toml: timers.t2_ms: must not be less than t1_ms") << "the key is not written";
      continue;
    }
    EXPECT_EQ(mistakes(row.text), row.message) << row.text;
  }
}

TEST(Config, TheWebListenerLeavesLoopbackOnlyWithTlsOrBehindAProxy) {
  EXPECT_EQ(mistakes("[web]\nlisten = \"0.0.0.0:443\"\ncertificate = \"a\"\nkey = \"b\""), "");
  EXPECT_EQ(mistakes("[web]\nlisten = \"192.0.2.1:80\"\ntrusted_proxies = [\"192.0.2.2\"]"), "");
  EXPECT_EQ(mistakes("[webhook]\nurl = \"https://x/\"\nca = \"a\""), "");
}

TEST(Config, SeveralMistakesComeInTheOrderOfLines) {
  EXPECT_EQ(mistakes("b = 1\n[web]\nhost = 1\n[[route]]\nx = 1\n"),
            "f.toml:1: b: no such key\nf.toml:3: web.host: no such key; did you mean \"hosts\"?\nf.toml:5: route.x: no "
            "such key");
}

TEST(Config, MistakesOfSyntaxHaveTheirLine) {
  const std::string text = mistakes("data = \"x\"\ndata = ");
  EXPECT_TRUE(text.starts_with("f.toml:2: ")) << text;
  EXPECT_TRUE(mistakes("data = \"x\"\ndata = \"y\"").starts_with("f.toml:2: "));
}

TEST(Config, NothingWrittenIsSafe) {
  const Config config = *read_config("", "f.toml");
  EXPECT_EQ(config.effective_admission(), Admission::closed);
  EXPECT_TRUE(config.web.listen.ip.is_loopback());
  for (const auto* list : {&config.sip.udp, &config.sip.tcp}) {
    ASSERT_EQ(list->size(), 1u);
    EXPECT_EQ(list->front().text(), "127.0.0.1:5060");
  }
  EXPECT_TRUE(config.allowed_targets.empty());
  EXPECT_FALSE(config.media.any_stun_source);
  EXPECT_TRUE(check_config(config, "f.toml", true).empty());
}

TEST(Config, AdmissionFollowsTheWebServerUnlessWritten) {
  Config config = *read_config("[webhook]\nurl = \"http://127.0.0.1:1/\"", "f.toml");
  EXPECT_EQ(config.effective_admission(), Admission::web_server);
  ASSERT_EQ(check_config(config, "f.toml", true).size(), 1u);
  EXPECT_EQ(check_config(config, "f.toml", true)[0].message(),
            "f.toml: webhook.secrets: is missing (or ISTHMUS_WEBHOOK_SECRET in the environment)");
  config.webhook_secrets.emplace_back("s");
  EXPECT_TRUE(check_config(config, "f.toml", true).empty());
  EXPECT_EQ(read_config("admission = \"allow-all\"", "f.toml")->effective_admission(), Admission::allow_all);
  const Config alone = *read_config("admission = \"web-server\"", "f.toml");
  EXPECT_EQ(check_config(alone, "f.toml", true)[0].message(),
            "f.toml: admission: is \"web-server\", but webhook.url is missing");
}

std::string file(const std::string& path) {
  std::ifstream in(isthmus::source_dir() + "/" + path);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Config, TheExampleAndTheDocumentAreMadeFromTheTable) {
  EXPECT_EQ(file("etc/isthmus.toml"), config_example()) << "./dev docs writes it";
  EXPECT_NE(file("docs/configuration.md").find(config_reference()), std::string::npos) << "./dev docs writes it";
}

// In the example prose stands behind "# ", what may be written behind "#".
TEST(Config, TheExampleIsValidAsItIsAndWithEveryLineTakenIn) {
  EXPECT_EQ(mistakes(config_example()), "");
  std::string all;
  std::istringstream lines(config_example());
  for (std::string line; std::getline(lines, line);)
    all += (line.starts_with("#") && !line.starts_with("# ") ? line.substr(1) : line) + "\n";
  // A password and HA1s exclude each other: the one mistake of a file that holds everything.
  EXPECT_TRUE(mistakes(all).ends_with(": account.password: stands beside an HA1: write one of them")) << mistakes(all);
  EXPECT_EQ(mistakes(all).find('\n'), std::string::npos) << mistakes(all);
}

bool same(const Config& a, const Config& b) {
  return std::tie(a.data, a.domain, a.domains, a.advertise, a.realm, a.echo, a.admission, a.sip, a.web, a.media,
                  a.webhook_url, a.trunks, a.routes, a.allowed_targets, a.codecs, a.timers, a.limits) ==
         std::tie(b.data, b.domain, b.domains, b.advertise, b.realm, b.echo, b.admission, b.sip, b.web, b.media,
                  b.webhook_url, b.trunks, b.routes, b.allowed_targets, b.codecs, b.timers, b.limits);
}

Config with_one_of_each() {
  Config out;
  out.accounts.emplace_back();
  out.trunks.emplace_back();
  out.routes.emplace_back();
  return out;
}

TEST(Config, WhatTheTableCallsDefaultIsTheDefault) {
  size_t seen = 0;
  for (const ConfigKey& key : config_keys()) {
    EXPECT_NE(key.fallback.empty(), key.otherwise.empty()) << key.table << "." << key.name;
    EXPECT_TRUE(key.meaning.ends_with(".")) << key.table << "." << key.name;
    if (key.fallback.empty()) continue;
    Config config = with_one_of_each();
    const auto value = read_config_value(key.fallback);
    ASSERT_TRUE(value) << key.table << "." << key.name;
    EXPECT_EQ(key.read(config, *value), "") << key.table << "." << key.name;
    EXPECT_TRUE(same(config, with_one_of_each())) << key.table << "." << key.name << " is not " << key.fallback;
    ++seen;
  }
  EXPECT_GT(seen, 40u);
}

TEST(Config, EverythingThatCanBeWritten) {
  const auto config = read_config(R"toml(
data = "/var/lib/isthmus"
domain = "example.org"
domains = ["sip.example.org"]
advertise = ["203.0.113.5", "2001:db8::5"]
realm = "example"
echo = "*98"
allowed_targets = ["192.0.2.9"]
admission = "web-server"
[sip]
udp = ["192.0.2.1", "[2001:db8::1]:5070"]
tcp = []
host = "sip.example.org"
[web]
listen = "[::1]:8081"
hosts = ["phone.example.org"]
origins = ["https://phone.example.org"]
[media]
listen = ["192.0.2.1"]
port = 40000
advertised = ["203.0.113.5"]
stun_sources = "any"
rtp_bind = "192.0.2.1"
rtp_advertised = "203.0.113.5"
rtp_first_port = 30000
rtp_last_port = 30100
[webhook]
url = "http://127.0.0.1:8090/webhook"
secrets = ["old", "new"]
[api]
secret = "s"
[codecs]
browser = ["opus", "pcmu"]
phone = ["PCMA", "telephone-event"]
prefer = "own"
ptime_ms = 30
[timers]
t1_ms = 100
t2_ms = 1000
ring_s = 45
client_grace_s = 0
[limits]
calls = 10
[[account]]
name = "1000"
password = "p"
[[account]]
name = "1001"
ha1_md5 = "0123456789ABCDEF0123456789abcdef"
[[trunk]]
name = "carrier"
weight = 40
sources = ["198.51.100.0/24"]
numbers = ["2000-2999", "*"]
host = "sip.carrier.example"
port = 5080
transport = "tcp"
user = "u"
password = "p"
realm = "carrier"
fast_abort_ms = 0
[[route]]
in_to = "100"
out_to = "1000"
)toml",
                                  "f.toml");
  ASSERT_TRUE(config) << config.error()[0].message();
  EXPECT_EQ(config->sip.udp[0].text(), "192.0.2.1:5060");
  EXPECT_EQ(config->sip.udp[1].text(), "[2001:db8::1]:5070");
  EXPECT_TRUE(config->media.any_stun_source);
  EXPECT_EQ(config->webhook_secrets.size(), 2u);
  EXPECT_EQ(config->codecs.phone[0].encoding, "PCMA");
  EXPECT_EQ(config->codecs.preference, sdp::Preference::own);
  EXPECT_EQ(config->timers.client_grace.count(), 0);
  EXPECT_EQ(config->accounts[0].password->reveal(), "p");
  EXPECT_EQ(config->accounts[1].ha1_md5, "0123456789abcdef0123456789abcdef");
  EXPECT_TRUE(config->trunks[0].sources[0].contains(*IpAddress::parse("198.51.100.7")));
  EXPECT_EQ(config->trunks[0].fast_abort.count(), 0);
  EXPECT_EQ(config->routes[0].in_from, "*");
  EXPECT_EQ(config->routes[0].out_to, "1000");
}

TEST(Config, CheckTellsThePortsToOpen) {
  const auto ports = [](std::string_view text) { return ports_to_open(*read_config(text, "f.toml")); };
  EXPECT_EQ(ports(""), "No port has to be opened: everything is for this machine alone.\n");
  EXPECT_EQ(ports("[sip]\nudp = [\"0.0.0.0:5060\", \"[::]:5060\"]\ntcp = [\"192.0.2.1:5080\"]\n"
                  "[media]\nstun_sources = \"any\"\nport = 40000\nrtp_last_port = 20099\n"),
            "Ports to open:\n"
            "  5060/udp          SIP of phones and trunks\n"
            "  5080/tcp          SIP of phones and trunks\n"
            "  40000/udp         media of browsers\n"
            "  20000-20099/udp   media of phones and trunks\n");
  EXPECT_EQ(ports("[media]\nstun_sources = [\"192.168.0.0/16\"]\n"),
            "Ports to open:\n  a free one/udp    media of browsers: write media.port, so that it can be opened\n");
}

}  // namespace config_test
}  // namespace isthmus::gateway
