// SPDX-License-Identifier: MIT
// One DTLS 1.2 association of a leg (RFC 6347, RFC 5764), over memory: datagrams go in one at a time, in any order of
// fragments, and come out through the outbox. Keys exist only after the peer's certificate matched the signalled
// fingerprint. The owner hands in only datagrams of addresses that passed an authenticated ICE check. A plain-text
// alert proves nothing about its sender: it is told as an event and changes nothing here.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "base/machine.hpp"
#include "media/dtls_context.hpp"
#include "media/srtp_session.hpp"

namespace isthmus::media {

inline constexpr size_t kMaxDtlsDatagram = 2048;  // longer ones are dropped; peers keep to their MTU
inline constexpr size_t kMaxDtlsEvents = 8;       // waiting; the owner polls after each verb, so this is never reached

enum class DtlsFault : uint8_t {
  none,
  fingerprint_mismatch,  // the certificate is not the one that was signalled
  no_certificate,
  no_srtp_profile,  // the peer agreed on none of ours (RFC 5764 section 4.1)
  alert,            // the peer ended the handshake by a protected alert
  timeout,          // OpenSSL gave up repeating the last flight
  protocol          // anything else OpenSSL ends a handshake for
};
std::string_view describe(DtlsFault fault);

struct DtlsEvent {
  enum class Kind : uint8_t {
    connected,        // keys() are there
    failed,           // this association is over before it had keys; `fault` says why
    plaintext_alert,  // an unproved alert came and was ignored; `alert` is its description (RFC 5246 section 7.2)
    closed            // close_notify or a fatal alert of the proved peer
  };
  Kind kind = Kind::failed;
  DtlsFault fault = DtlsFault::none;
  uint8_t alert = 0;
  friend bool operator==(const DtlsEvent&, const DtlsEvent&) = default;
};

class DtlsSession {
 public:
  // `expected`: what the peer's SDP promised. The context must outlive the session.
  DtlsSession(const DtlsContext& context, DtlsRole role, const Fingerprint& expected);
  DtlsSession(DtlsSession&&) noexcept;
  DtlsSession& operator=(DtlsSession&&) noexcept;
  ~DtlsSession();

  // The active side sends its ClientHello to `path`; the passive side does nothing. Later calls do nothing.
  void start(Pass& pass, const Path& path);
  // One datagram; what it makes us say goes to `path`.
  void receive(Pass& pass, const Path& path, Bytes datagram);
  // Repeats the last flight to `path` when its time has come.
  void expire(Pass& pass, const Path& path);
  // Says close_notify once; nothing is said after it.
  void close(Pass& pass, const Path& path);

  TimePoint next_deadline() const;
  std::optional<DtlsEvent> poll_event();

  bool is_connected() const;
  DtlsRole role() const;
  // Null before `connected`, and for ever when the fingerprint did not match.
  const SrtpKeys* keys() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace isthmus::media
