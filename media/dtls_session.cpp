// SPDX-License-Identifier: MIT
#include "media/dtls_session.hpp"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

namespace isthmus::media {
namespace {

// Retransmission (RFC 6347 section 4.2.4.1): the path has just answered a check, so a flight is repeated sooner than
// after the usual second, then doubles.
constexpr unsigned kFirstTimeoutMicroseconds = 200'000;
constexpr unsigned kLongestTimeoutMicroseconds = 5'000'000;

constexpr size_t kRecordHeader = 13;  // RFC 6347 section 4.1
constexpr uint8_t kAlertRecord = 21;
constexpr std::string_view kExporterLabel = "EXTRACTOR-dtls_srtp";  // RFC 5764 section 4.2
constexpr int kFirstAlertReason = 1000;                             // OpenSSL: reasons above it are the peer's alerts

unsigned next_timeout(SSL*, unsigned previous) {
  return previous == 0 ? kFirstTimeoutMicroseconds : std::min(previous * 2, kLongestTimeoutMicroseconds);
}

// The octets of the first record; all of them when its header or length is not right, for OpenSSL to drop.
size_t first_record(Bytes datagram) {
  if (datagram.size() < kRecordHeader) return datagram.size();
  return std::min(datagram.size(), kRecordHeader + read_u16(&datagram[11]));
}

bool is_plaintext_alert(Bytes record) {
  return record.size() >= kRecordHeader && octet(record[0]) == kAlertRecord && read_u16(&record[3]) == 0;
}

std::optional<SrtpProfile> profile_of(const SRTP_PROTECTION_PROFILE* selected) {
  if (selected == nullptr) return std::nullopt;
  switch (selected->id) {
    case SRTP_AES128_CM_SHA1_80: return SrtpProfile::aes128_cm_sha1_80;
    case SRTP_AES128_CM_SHA1_32: return SrtpProfile::aes128_cm_sha1_32;
    case SRTP_AEAD_AES_128_GCM: return SrtpProfile::aead_aes_128_gcm;
    case SRTP_AEAD_AES_256_GCM: return SrtpProfile::aead_aes_256_gcm;
    default: return std::nullopt;
  }
}

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

}  // namespace

struct DtlsSession::State {
  enum class Phase : uint8_t { waiting, handshaking, connected, over };

  State(const DtlsContext& context, DtlsRole our_role, const Fingerprint& expected);
  ~State();

  void shake(Pass& pass, const Path& path);
  void drain();
  void finish_handshake();
  void fail_handshake(DtlsFault fault);
  DtlsFault fault_of_openssl() const;
  void flush(Pass& pass, const Path& path);
  void update_deadline(const Pass& pass);
  void tell(const DtlsEvent& event);
  size_t take_records(Bytes datagram, MutableBytes kept);

  PeerCheck check;  // OpenSSL's verification holds a pointer to it
  DtlsRole role;
  Phase phase = Phase::waiting;
  std::unique_ptr<SSL, FreeSsl> ssl;
  BIO* in = nullptr;   // owned by ssl
  BIO* out = nullptr;  // owned by ssl
  std::optional<SrtpKeys> keys;
  TimePoint deadline = kNever;
  std::vector<DtlsEvent> events;
};

DtlsSession::State::State(const DtlsContext& context, DtlsRole our_role, const Fingerprint& expected)
    : check{expected}, role(our_role), ssl(SSL_new(context.handle_.get())) {
  in = BIO_new(BIO_s_mem());
  out = BIO_new(BIO_s_mem());
  if (!ssl || in == nullptr || out == nullptr) {  // out of memory: the association never begins
    BIO_free(in);
    BIO_free(out);
    ssl.reset();
    return;
  }
  BIO_set_mem_eof_return(in, -1);
  BIO_set_mem_eof_return(out, -1);
  SSL_set_bio(ssl.get(), in, out);
  SSL_set_mtu(ssl.get(), kDtlsMtu);
  DTLS_set_timer_cb(ssl.get(), next_timeout);
  SSL_set_app_data(ssl.get(), &check);
  if (role == DtlsRole::active) {
    SSL_set_connect_state(ssl.get());
  } else {
    SSL_set_accept_state(ssl.get());
  }
}

DtlsSession::State::~State() {
  if (keys) OPENSSL_cleanse(&*keys, sizeof *keys);
}

void DtlsSession::State::tell(const DtlsEvent& event) {
  if (events.size() < kMaxDtlsEvents) events.push_back(event);
}

// Copies the records of a datagram except plain-text alerts: anyone who knows the addresses can send those, so OpenSSL
// must not see them. One of them is told.
size_t DtlsSession::State::take_records(Bytes datagram, MutableBytes kept) {
  size_t size = 0;
  bool told = false;
  while (!datagram.empty()) {
    const Bytes record = datagram.first(first_record(datagram));
    datagram = datagram.subspan(record.size());
    if (!is_plaintext_alert(record)) {
      std::copy(record.begin(), record.end(), kept.begin() + static_cast<std::ptrdiff_t>(size));
      size += record.size();
    } else if (!told && record.size() >= kRecordHeader + 2) {
      told = true;
      tell({DtlsEvent::Kind::plaintext_alert, DtlsFault::none, octet(record[kRecordHeader + 1])});
    }
  }
  return size;
}

// Goes on with the handshake as far as what has come allows.
void DtlsSession::State::shake(Pass& pass, const Path& path) {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl.get());
  if (result == 1) {
    finish_handshake();
  } else if (SSL_get_error(ssl.get(), result) != SSL_ERROR_WANT_READ) {
    fail_handshake(fault_of_openssl());
  }
  flush(pass, path);
}

void DtlsSession::State::finish_handshake() {
  const auto profile = profile_of(SSL_get_selected_srtp_profile(ssl.get()));
  if (!profile) {
    SSL_shutdown(ssl.get());  // the peer believes that it is connected
    return fail_handshake(DtlsFault::no_srtp_profile);
  }
  std::array<std::byte, 2 * (kMaxSrtpKey + kMaxSrtpSalt)> material;
  const size_t size = exporter_size(*profile);
  const int exported = SSL_export_keying_material(ssl.get(), reinterpret_cast<unsigned char*>(material.data()), size,
                                                  kExporterLabel.data(), kExporterLabel.size(), nullptr, 0, 0);
  if (exported != 1) return fail_handshake(DtlsFault::protocol);
  keys = keys_from_exporter(*profile, Bytes{material}.first(size), role);
  OPENSSL_cleanse(material.data(), material.size());
  phase = Phase::connected;
  tell({DtlsEvent::Kind::connected, DtlsFault::none, 0});
}

void DtlsSession::State::fail_handshake(DtlsFault fault) {
  phase = Phase::over;
  deadline = kNever;
  ERR_clear_error();
  tell({DtlsEvent::Kind::failed, fault, 0});
}

DtlsFault DtlsSession::State::fault_of_openssl() const {
  if (check.mismatched) return DtlsFault::fingerprint_mismatch;
  const int reason = ERR_GET_REASON(ERR_peek_error());
  if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) return DtlsFault::no_certificate;
  if (reason == SSL_R_READ_TIMEOUT_EXPIRED) return DtlsFault::timeout;
  return reason > kFirstAlertReason ? DtlsFault::alert : DtlsFault::protocol;
}

// After the handshake: application data is thrown away, a repeated Finished is answered by OpenSSL, close_notify and
// fatal alerts end the association.
void DtlsSession::State::drain() {
  std::array<std::byte, kMaxDtlsDatagram> ignored;
  ERR_clear_error();
  int result = 0;
  do {
    result = SSL_read(ssl.get(), ignored.data(), static_cast<int>(ignored.size()));
  } while (result > 0);
  if (SSL_get_error(ssl.get(), result) == SSL_ERROR_WANT_READ) return;
  phase = Phase::over;
  deadline = kNever;
  ERR_clear_error();
  tell({DtlsEvent::Kind::closed, DtlsFault::none, 0});
}

// A memory BIO forgets where one datagram ended, so whole records are gathered up to the MTU again.
void DtlsSession::State::flush(Pass& pass, const Path& path) {
  char* data = nullptr;
  const long available = BIO_get_mem_data(out, &data);
  Bytes rest{reinterpret_cast<const std::byte*>(data), available > 0 ? static_cast<size_t>(available) : 0};
  size_t size = 0;
  while (size < rest.size()) {
    const size_t record = first_record(rest.subspan(size));
    if (size > 0 && size + record > kDtlsMtu) {
      pass.out.send(path, rest.first(size));
      rest = rest.subspan(size);
      size = 0;
      continue;
    }
    size += record;
  }
  if (size > 0) pass.out.send(path, rest);
  (void)BIO_reset(out);
}

void DtlsSession::State::update_deadline(const Pass& pass) {
  timeval left{};
  deadline = kNever;
  if (phase == Phase::over || DTLSv1_get_timeout(ssl.get(), &left) != 1) return;
  deadline = pass.now.steady + std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec);
}

DtlsSession::DtlsSession(const DtlsContext& context, DtlsRole role, const Fingerprint& expected)
    : state_(std::make_unique<State>(context, role, expected)) {}
DtlsSession::DtlsSession(DtlsSession&&) noexcept = default;
DtlsSession& DtlsSession::operator=(DtlsSession&&) noexcept = default;
DtlsSession::~DtlsSession() = default;

void DtlsSession::start(Pass& pass, const Path& path) {
  State& s = *state_;
  if (s.phase != State::Phase::waiting) return;
  if (!s.ssl) return s.fail_handshake(DtlsFault::protocol);
  s.phase = State::Phase::handshaking;
  if (s.role == DtlsRole::passive) return;
  s.shake(pass, path);
  s.update_deadline(pass);
}

void DtlsSession::receive(Pass& pass, const Path& path, Bytes datagram) {
  State& s = *state_;
  if (s.phase == State::Phase::waiting) start(pass, path);
  if (s.phase == State::Phase::over || datagram.size() > kMaxDtlsDatagram) return;
  std::array<std::byte, kMaxDtlsDatagram> records;
  const size_t size = s.take_records(datagram, records);
  if (size == 0) return;
  BIO_write(s.in, records.data(), static_cast<int>(size));
  if (s.phase == State::Phase::handshaking) s.shake(pass, path);
  if (s.phase == State::Phase::connected) {
    s.drain();
    s.flush(pass, path);
  }
  (void)BIO_reset(s.in);
  s.update_deadline(pass);
}

void DtlsSession::expire(Pass& pass, const Path& path) {
  State& s = *state_;
  if (s.deadline > pass.now.steady || s.phase == State::Phase::over) return;
  ERR_clear_error();
  if (DTLSv1_handle_timeout(s.ssl.get()) < 0 && s.phase == State::Phase::handshaking) {
    s.fail_handshake(s.fault_of_openssl());
  }
  s.flush(pass, path);
  s.update_deadline(pass);
}

void DtlsSession::close(Pass& pass, const Path& path) {
  State& s = *state_;
  if (s.phase == State::Phase::connected) {
    ERR_clear_error();
    SSL_shutdown(s.ssl.get());
    s.flush(pass, path);
    ERR_clear_error();
  }
  s.phase = State::Phase::over;
  s.deadline = kNever;
}

TimePoint DtlsSession::next_deadline() const {
  return state_->deadline;
}

std::optional<DtlsEvent> DtlsSession::poll_event() {
  if (state_->events.empty()) return std::nullopt;
  const DtlsEvent event = state_->events.front();
  state_->events.erase(state_->events.begin());
  return event;
}

bool DtlsSession::is_connected() const {
  return state_->phase == State::Phase::connected;
}

DtlsRole DtlsSession::role() const {
  return state_->role;
}

const SrtpKeys* DtlsSession::keys() const {
  return state_->keys ? &*state_->keys : nullptr;
}

std::string_view describe(DtlsFault fault) {
  switch (fault) {
    case DtlsFault::none: return "no fault";
    case DtlsFault::fingerprint_mismatch: return "the peer's certificate does not match the signalled fingerprint";
    case DtlsFault::no_certificate: return "the peer showed no certificate";
    case DtlsFault::no_srtp_profile: return "no common SRTP profile";
    case DtlsFault::alert: return "the peer ended the handshake by an alert";
    case DtlsFault::timeout: return "the peer did not answer";
    case DtlsFault::protocol: return "the handshake broke the protocol";
  }
  return "unknown fault";
}

}  // namespace isthmus::media
