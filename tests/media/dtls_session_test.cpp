// SPDX-License-Identifier: MIT
#include "media/dtls_session.hpp"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <cstring>
#include <fstream>

#include "base/encoding.hpp"
#include "base/random.hpp"
#include "tests/support/dtls_pair.hpp"
#include "tests/support/source_dir.hpp"

namespace isthmus::media {
namespace {

using test::Datagram;
using test::DtlsEnd;
using test::DtlsPair;
using Kind = DtlsEvent::Kind;

constexpr uint8_t kBadCertificate = 42;
constexpr uint8_t kHandshakeFailure = 40;

Datagram plaintext_alert(uint8_t level, uint8_t description) {
  Datagram alert(15);
  alert[0] = std::byte{21};
  write_u16(&alert[1], 0xfefd);
  alert[12] = std::byte{2};
  alert[13] = std::byte{level};
  alert[14] = std::byte{description};
  return alert;
}

bool is_alert(const Datagram& datagram) {
  return datagram.size() > 13 && octet(datagram[0]) == 21;
}

std::vector<Datagram> chromium_hello() {
  std::ifstream file(isthmus::source_dir() + "/tests/media/data/chromium-156-clienthello.hex");
  std::vector<Datagram> fragments;
  for (std::string line; std::getline(file, line);) fragments.push_back(from_hex(line).value_or(Datagram{}));
  return fragments;
}

void expect_mirrored(const SrtpKeys* a, const SrtpKeys* b) {
  ASSERT_TRUE(a != nullptr && b != nullptr);
  EXPECT_EQ(a->profile, b->profile);
  EXPECT_EQ(a->ours.key, b->theirs.key);
  EXPECT_EQ(a->ours.salt, b->theirs.salt);
  EXPECT_EQ(a->theirs.key, b->ours.key);
  EXPECT_EQ(a->theirs.salt, b->ours.salt);
  EXPECT_NE(a->ours.key, a->theirs.key);
}

TEST(DtlsSession, RFC5764_both_roles_come_up_with_mirrored_keys_and_GCM_first) {
  DtlsPair pair;
  pair.start();
  EXPECT_EQ(pair.client.session.keys(), nullptr);
  pair.run();
  EXPECT_TRUE(pair.client.session.is_connected());
  EXPECT_TRUE(pair.server.session.is_connected());
  EXPECT_EQ(pair.client.events, (std::vector<DtlsEvent>{{Kind::connected, DtlsFault::none, 0}}));
  EXPECT_EQ(pair.server.events, (std::vector<DtlsEvent>{{Kind::connected, DtlsFault::none, 0}}));
  expect_mirrored(pair.client.session.keys(), pair.server.session.keys());
  EXPECT_EQ(pair.client.session.keys()->profile, SrtpProfile::aead_aes_128_gcm);
  EXPECT_EQ(pair.client.session.next_deadline(), kNever);
  EXPECT_EQ(pair.server.session.next_deadline(), kNever);
}

TEST(DtlsSession, the_exported_keys_carry_a_packet_each_way) {
  DtlsPair pair;
  pair.start();
  pair.run();
  const auto client = make_libsrtp_session(*pair.client.session.keys());
  const auto server = make_libsrtp_session(*pair.server.session.keys());
  std::array<std::byte, 64> packet{std::byte{0x80}, std::byte{0}, std::byte{0}, std::byte{1}};
  const auto sealed = client->protect_rtp(packet, 32);
  ASSERT_TRUE(sealed);
  EXPECT_EQ(server->unprotect_rtp(MutableBytes{packet}.first(*sealed)), 32U);
  const auto back = server->protect_rtp(packet, 32);
  ASSERT_TRUE(back);
  EXPECT_EQ(client->unprotect_rtp(MutableBytes{packet}.first(*back)), 32U);
}

TEST(DtlsSession, trap_7_the_two_fragment_hello_of_Chromium_is_reassembled_in_either_order) {
  const auto fragments = chromium_hello();
  ASSERT_EQ(fragments.size(), 2U);
  for (const bool reversed : {false, true}) {
    DtlsPair pair;
    Pass pass{pair.now, pair.out};
    DtlsSession& server = pair.server.session;
    server.start(pass, pair.server.path);
    server.receive(pass, pair.server.path, fragments[reversed ? 1 : 0]);
    EXPECT_TRUE(pair.out.actions.empty()) << "half a hello is not answered, and there is no cookie exchange";
    server.receive(pass, pair.server.path, fragments[reversed ? 0 : 1]);
    const auto answer = test::sent(pair.out);
    ASSERT_FALSE(answer.empty());
    EXPECT_EQ(octet(answer[0][0]), 22);           // a handshake record
    EXPECT_EQ(octet(answer[0][13]), 2);           // ServerHello, no HelloVerifyRequest
    EXPECT_EQ(read_u16(&answer[0][25]), 0xfefd);  // DTLS 1.2
    for (const Datagram& datagram : answer) EXPECT_LE(datagram.size(), kDtlsMtu);
    EXPECT_FALSE(server.poll_event());
    EXPECT_NE(server.next_deadline(), kNever);
  }
}

TEST(DtlsSession, trap_7_a_repeated_fragment_changes_nothing) {
  const auto fragments = chromium_hello();
  DtlsPair pair;
  Pass pass{pair.now, pair.out};
  for (int i = 0; i < 3; ++i) pair.server.session.receive(pass, pair.server.path, fragments.at(0));
  EXPECT_TRUE(pair.out.actions.empty());
  pair.server.session.receive(pass, pair.server.path, fragments.at(1));
  EXPECT_FALSE(pair.out.actions.empty());
  EXPECT_FALSE(pair.server.session.poll_event());
}

TEST(DtlsSession, advisory_56_a_wrong_fingerprint_never_yields_keys_on_the_client) {
  Fingerprint wrong = test::dtls_context(1).fingerprint();
  wrong.octets[31] ^= 1;
  DtlsPair pair(wrong, test::dtls_context(0).fingerprint());
  pair.start();
  pair.run();
  EXPECT_EQ(pair.client.session.keys(), nullptr);
  EXPECT_EQ(pair.server.session.keys(), nullptr);
  ASSERT_EQ(pair.client.events.size(), 1U);
  EXPECT_EQ(pair.client.events[0], (DtlsEvent{Kind::failed, DtlsFault::fingerprint_mismatch, 0}));
  // The client's alert is plain text, so for the server it is hearsay.
  EXPECT_EQ(pair.server.events, (std::vector<DtlsEvent>{{Kind::plaintext_alert, DtlsFault::none, kBadCertificate}}));
}

TEST(DtlsSession, advisory_56_a_wrong_fingerprint_never_yields_keys_on_the_server) {
  Fingerprint wrong = test::dtls_context(0).fingerprint();
  wrong.octets[0] ^= 0x80;
  DtlsPair pair(test::dtls_context(1).fingerprint(), wrong);
  pair.start();
  pair.run();
  EXPECT_EQ(pair.client.session.keys(), nullptr);
  EXPECT_EQ(pair.server.session.keys(), nullptr);
  ASSERT_FALSE(pair.server.events.empty());
  EXPECT_EQ(pair.server.events[0], (DtlsEvent{Kind::failed, DtlsFault::fingerprint_mismatch, 0}));
  EXPECT_FALSE(pair.client.session.is_connected());
}

TEST(DtlsSession, fingerprints_of_another_length_or_hash_do_not_match) {
  Fingerprint cut = test::dtls_context(1).fingerprint();
  cut.size = 16;
  Fingerprint renamed = test::dtls_context(1).fingerprint();
  renamed.hash = HashName::sha512;
  for (const Fingerprint& wrong : {cut, renamed, Fingerprint{}}) {
    DtlsPair pair(wrong, test::dtls_context(0).fingerprint());
    pair.start();
    pair.run();
    EXPECT_EQ(pair.client.session.keys(), nullptr);
    EXPECT_TRUE(pair.client.has(Kind::failed));
  }
}

TEST(DtlsSession, trap_6_a_fatal_alert_before_verification_is_an_event_and_the_handshake_goes_on) {
  for (const uint8_t description : {kHandshakeFailure, uint8_t{0}, uint8_t{10}}) {
    DtlsPair pair;
    pair.start();
    pair.run([&](DtlsEnd& to, Datagram&) { pair.deliver(to, plaintext_alert(2, description)); });
    EXPECT_TRUE(pair.client.session.is_connected());
    EXPECT_TRUE(pair.server.session.is_connected());
    EXPECT_TRUE(pair.client.has(Kind::plaintext_alert));
    EXPECT_TRUE(pair.server.has(Kind::plaintext_alert));
    expect_mirrored(pair.client.session.keys(), pair.server.session.keys());
  }
}

TEST(DtlsSession, trap_6_an_alert_hidden_between_handshake_records_is_cut_out) {
  DtlsPair pair;
  pair.start();
  pair.run([&](DtlsEnd&, Datagram& datagram) {
    const Datagram alert = plaintext_alert(2, kHandshakeFailure);
    if (octet(datagram[0]) == 22) datagram.insert(datagram.begin(), alert.begin(), alert.end());
  });
  EXPECT_TRUE(pair.client.session.is_connected());
  EXPECT_TRUE(pair.server.session.is_connected());
}

TEST(DtlsSession, plaintext_alerts_after_the_handshake_change_nothing) {
  DtlsPair pair;
  pair.start();
  pair.run();
  pair.deliver(pair.server, plaintext_alert(2, kHandshakeFailure));
  pair.deliver(pair.server, plaintext_alert(1, 0));
  EXPECT_TRUE(pair.server.session.is_connected());
  EXPECT_FALSE(pair.server.has(Kind::closed));
}

TEST(DtlsSession, junk_before_during_and_after_the_handshake_is_dropped) {
  Random random(Seed::of(5));
  DtlsPair pair;
  const auto junk = [&] {
    Datagram octets(1 + random.below(1500));
    random.fill(octets);
    octets[0] = static_cast<std::byte>(23 + random.below(41));  // what demux takes for DTLS, but no handshake
    return octets;
  };
  pair.start();
  pair.run([&](DtlsEnd& to, Datagram&) {
    for (int i = 0; i < 20; ++i) pair.deliver(to, junk());
  });
  EXPECT_TRUE(pair.client.session.is_connected());
  EXPECT_TRUE(pair.server.session.is_connected());
  for (int i = 0; i < 200; ++i) pair.deliver(pair.server, junk());
  pair.deliver(pair.server, Datagram(kMaxDtlsDatagram + 1, std::byte{22}));
  EXPECT_TRUE(pair.server.session.is_connected());
}

TEST(DtlsSession, duplicated_and_reordered_flights_still_come_up) {
  DtlsPair pair;
  pair.start();
  pair.run([&](DtlsEnd& to, Datagram& datagram) {
    pair.deliver(to, datagram);  // every datagram twice, and the newest of those that wait first
    if (to.inbox.size() > 1) std::swap(to.inbox.front(), to.inbox.back());
  });
  EXPECT_TRUE(pair.client.session.is_connected());
  EXPECT_TRUE(pair.server.session.is_connected());
  expect_mirrored(pair.client.session.keys(), pair.server.session.keys());
}

TEST(DtlsSession, close_notify_ends_the_association_on_the_other_side) {
  DtlsPair pair;
  pair.start();
  pair.run();
  pair.close(pair.client);
  ASSERT_EQ(pair.server.inbox.size(), 1U);
  EXPECT_TRUE(is_alert(pair.server.inbox[0]));
  pair.run();
  EXPECT_TRUE(pair.server.has(Kind::closed));
  EXPECT_FALSE(pair.server.session.is_connected());
  EXPECT_FALSE(pair.client.session.is_connected());
  EXPECT_EQ(pair.server.session.next_deadline(), kNever);
}

TEST(DtlsSession, closing_before_the_end_of_the_handshake_says_nothing) {
  DtlsPair pair;
  pair.start();
  pair.server.inbox.clear();
  pair.close(pair.client);
  EXPECT_TRUE(pair.server.inbox.empty());
  EXPECT_EQ(pair.client.session.next_deadline(), kNever);
  pair.run();
  EXPECT_EQ(pair.client.session.keys(), nullptr);
}

TEST(DtlsSession, certificates_are_taken_from_PEM_and_bad_PEM_is_an_error) {
  EXPECT_FALSE(DtlsContext::from_pem("", ""));
  EXPECT_FALSE(DtlsContext::from_pem("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "x"));
  const auto context = DtlsContext::make_self_signed();
  ASSERT_TRUE(context);
  EXPECT_EQ(context->fingerprint().size, 32);
  EXPECT_EQ(context->fingerprint().hash, HashName::sha256);
  EXPECT_NE(context->fingerprint(), test::dtls_context(0).fingerprint());
}

// A foreign peer on bare OpenSSL, for what our own session never does.
class RawPeer {
 public:
  enum class Side : uint8_t { client, server };
  explicit RawPeer(Side side) : side_(side), context_(SSL_CTX_new(DTLS_method())) {
    SSL_CTX_set_security_level(context_, 0);
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    X509_set_pubkey(certificate, key);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_sign(certificate, key, EVP_sha256());
    SSL_CTX_use_certificate(context_, certificate);
    SSL_CTX_use_PrivateKey(context_, key);
    fingerprint_ = *fingerprint_of(certificate, HashName::sha256);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  ~RawPeer() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    ERR_clear_error();
  }
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;

  SSL_CTX* context() { return context_; }
  SSL* ssl() { return ssl_; }
  const Fingerprint& fingerprint() const { return fingerprint_; }

  std::vector<Datagram> begin() {
    ssl_ = SSL_new(context_);
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in_, -1);
    BIO_set_mem_eof_return(out_, -1);
    SSL_set_bio(ssl_, in_, out_);
    SSL_set_options(ssl_, SSL_OP_NO_QUERY_MTU);
    SSL_set_mtu(ssl_, 1400);
    if (side_ == Side::server) {
      SSL_set_accept_state(ssl_);
      return {};
    }
    SSL_set_connect_state(ssl_);
    return go_on();
  }
  std::vector<Datagram> take(Bytes datagram) {
    BIO_write(in_, datagram.data(), static_cast<int>(datagram.size()));
    auto out = go_on();
    if (SSL_is_init_finished(ssl_)) {
      std::array<char, 256> ignored{};
      SSL_read(ssl_, ignored.data(), ignored.size());
    }
    return out;
  }
  std::vector<Datagram> go_on() {
    SSL_do_handshake(ssl_);
    ERR_clear_error();
    char* data = nullptr;
    const long size = BIO_get_mem_data(out_, &data);
    if (size <= 0) return {};
    Datagram all(static_cast<size_t>(size));
    std::memcpy(all.data(), data, all.size());
    (void)BIO_reset(out_);
    return {all};
  }

 private:
  Side side_;
  SSL_CTX* context_;
  SSL* ssl_ = nullptr;
  BIO* in_ = nullptr;
  BIO* out_ = nullptr;
  Fingerprint fingerprint_;
};

// Drives a raw client against a passive session of ours until both are silent; returns the session's events.
std::vector<DtlsEvent> drive(RawPeer& client, DtlsSession& server, std::vector<Datagram> to_server) {
  Outbox out;
  Pass pass{{TimePoint{} + std::chrono::seconds(5), {}}, out};
  std::vector<DtlsEvent> events;
  for (int round = 0; round < 20 && !to_server.empty(); ++round) {
    for (const Datagram& datagram : to_server) server.receive(pass, test::dtls_path(2), datagram);
    to_server.clear();
    for (const Datagram& datagram : test::sent(out)) {
      for (Datagram& reply : client.take(datagram)) to_server.push_back(std::move(reply));
    }
    while (const auto event = server.poll_event()) events.push_back(*event);
  }
  return events;
}

TEST(DtlsSession, advisory_1_a_hello_with_NULL_ciphers_alone_never_comes_up) {
  RawPeer client(RawPeer::Side::client);
  SSL_CTX_set_cipher_list(client.context(), "eNULL");
  SSL_CTX_set_tlsext_use_srtp(client.context(), "SRTP_AES128_CM_SHA1_80");
  DtlsSession server(test::dtls_context(1), DtlsRole::passive, client.fingerprint());
  const auto events = drive(client, server, client.begin());
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, Kind::failed);
  EXPECT_EQ(server.keys(), nullptr);
}

TEST(DtlsSession, advisory_56_DTLS_1_0_is_refused) {
  RawPeer client(RawPeer::Side::client);
  SSL_CTX_set_min_proto_version(client.context(), DTLS1_VERSION);
  SSL_CTX_set_max_proto_version(client.context(), DTLS1_VERSION);
  SSL_CTX_set_cipher_list(client.context(), "ALL:@SECLEVEL=0");
  SSL_CTX_set_tlsext_use_srtp(client.context(), "SRTP_AES128_CM_SHA1_80");
  DtlsSession server(test::dtls_context(1), DtlsRole::passive, client.fingerprint());
  const auto hello = client.begin();
  ASSERT_FALSE(hello.empty());
  drive(client, server, hello);
  EXPECT_FALSE(server.is_connected());
  EXPECT_EQ(server.keys(), nullptr);
}

TEST(DtlsSession, RFC5764_4_1_a_peer_without_a_common_SRTP_profile_gets_no_keys) {
  for (const char* profiles : {"", "SRTP_AES128_CM_SHA1_32"}) {
    RawPeer client(RawPeer::Side::client);
    if (*profiles != '\0') SSL_CTX_set_tlsext_use_srtp(client.context(), profiles);
    DtlsSession server(test::dtls_context(1), DtlsRole::passive, client.fingerprint());
    const auto events = drive(client, server, client.begin());
    ASSERT_FALSE(events.empty()) << profiles;
    EXPECT_EQ(events[0], (DtlsEvent{Kind::failed, DtlsFault::no_srtp_profile, 0})) << profiles;
    EXPECT_EQ(server.keys(), nullptr);
    EXPECT_TRUE(SSL_get_shutdown(client.ssl()) & SSL_RECEIVED_SHUTDOWN) << "the client is told";
  }
}

TEST(DtlsSession, RFC5764_each_profile_of_the_list_can_be_agreed_on) {
  const std::pair<const char*, SrtpProfile> cases[] = {
      {"SRTP_AES128_CM_SHA1_80", SrtpProfile::aes128_cm_sha1_80},
      {"SRTP_AEAD_AES_256_GCM", SrtpProfile::aead_aes_256_gcm},
      {"SRTP_AEAD_AES_128_GCM", SrtpProfile::aead_aes_128_gcm},
      {"SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM", SrtpProfile::aead_aes_128_gcm},
  };
  for (const auto& [offered, agreed] : cases) {
    RawPeer client(RawPeer::Side::client);
    SSL_CTX_set_tlsext_use_srtp(client.context(), offered);
    DtlsSession server(test::dtls_context(1), DtlsRole::passive, client.fingerprint());
    drive(client, server, client.begin());
    ASSERT_NE(server.keys(), nullptr) << offered;
    EXPECT_EQ(server.keys()->profile, agreed) << offered;
  }
}

TEST(DtlsSession, advisory_56_renegotiation_is_refused_and_never_changes_the_keys) {
  RawPeer client(RawPeer::Side::client);
  SSL_CTX_set_tlsext_use_srtp(client.context(), "SRTP_AES128_CM_SHA1_80");
  DtlsSession server(test::dtls_context(1), DtlsRole::passive, client.fingerprint());
  drive(client, server, client.begin());
  ASSERT_TRUE(server.is_connected());
  const SrtpMaster before = server.keys()->ours;
  EXPECT_EQ(SSL_renegotiate(client.ssl()), 1);
  const auto hello = client.go_on();
  ASSERT_FALSE(hello.empty());
  const auto events = drive(client, server, hello);
  for (const DtlsEvent& event : events) EXPECT_NE(event.kind, Kind::connected);
  EXPECT_EQ(server.keys()->ours.key, before.key);
}

int make_cookie(SSL*, unsigned char* cookie, unsigned int* size) {
  *size = 16;
  std::memset(cookie, 7, *size);
  return 1;
}
int check_cookie(SSL*, const unsigned char* cookie, unsigned int size) {
  return size == 16 && cookie[0] == 7 ? 1 : 0;
}

TEST(DtlsSession, trap_7_as_client_a_HelloVerifyRequest_is_answered_with_its_cookie) {
  RawPeer server(RawPeer::Side::server);
  SSL_CTX_set_tlsext_use_srtp(server.context(), "SRTP_AES128_CM_SHA1_80");
  SSL_CTX_set_options(server.context(), SSL_OP_COOKIE_EXCHANGE);
  SSL_CTX_set_cookie_generate_cb(server.context(), make_cookie);
  SSL_CTX_set_cookie_verify_cb(server.context(), check_cookie);
  server.begin();
  DtlsSession client(test::dtls_context(0), DtlsRole::active, server.fingerprint());
  Outbox out;
  Pass pass{{TimePoint{} + std::chrono::seconds(5), {}}, out};
  client.start(pass, test::dtls_path(1));
  bool verify_request = false;
  for (int round = 0; round < 20 && !out.actions.empty(); ++round) {
    for (const Datagram& datagram : test::sent(out)) {
      for (const Datagram& reply : server.take(datagram)) {
        verify_request = verify_request || octet(reply[13]) == 3;
        client.receive(pass, test::dtls_path(1), reply);
      }
    }
  }
  EXPECT_TRUE(verify_request);
  EXPECT_TRUE(client.is_connected());
  ASSERT_NE(client.keys(), nullptr);
  EXPECT_EQ(client.keys()->profile, SrtpProfile::aes128_cm_sha1_80);
}

TEST(DtlsSession, a_client_without_a_certificate_is_refused) {
  RawPeer client(RawPeer::Side::client);
  SSL_CTX_set_tlsext_use_srtp(client.context(), "SRTP_AES128_CM_SHA1_80");
  auto hello = client.begin();
  SSL_certs_clear(client.ssl());
  DtlsSession server(test::dtls_context(1), DtlsRole::passive, client.fingerprint());
  const auto events = drive(client, server, std::move(hello));
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events[0], (DtlsEvent{Kind::failed, DtlsFault::no_certificate, 0}));
  EXPECT_EQ(server.keys(), nullptr);
}

TEST(DtlsSession, every_fault_has_a_sentence) {
  for (uint8_t i = 0; i <= static_cast<uint8_t>(DtlsFault::protocol); ++i) {
    EXPECT_NE(describe(static_cast<DtlsFault>(i)), "unknown fault");
  }
}

}  // namespace
}  // namespace isthmus::media
