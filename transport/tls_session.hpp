// SPDX-License-Identifier: MIT
// OpenSSL's state machine on a non-blocking socket that somebody else owns: each step says whether it is done or what
// the socket must be ready for. Who waits, and how long, is the caller's: the loop (tls_stream), or a command that has
// nothing else to do. Bytes before the end of the handshake are limited here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "transport/tls_context.hpp"

struct ssl_st;  // OpenSSL's, whose headers stay inside the source files
struct bio_st;

namespace isthmus::transport {

// What a peer may send before its handshake is complete; a chain of ten certificates fits.
inline constexpr uint64_t kTlsHandshakeBytes = 64 << 10;

// Why a handshake failed, or a stream ended.
enum class TlsFault : uint8_t {
  none,
  plain_http,  // somebody speaks HTTP without TLS
  not_tls,
  no_common,   // no version, suite, group or protocol that both sides have
  refused,     // the peer said no: it does not trust our certificate, for instance
  untrusted,   // we do not trust its certificate
  wrong_name,  // its certificate is for another host
  expired,     // its certificate is out of date
  too_large,   // more bytes than kTlsHandshakeBytes
  closed,      // it went away before the handshake was complete
  broken
};
std::string_view describe(TlsFault fault);

class TlsSession {
 public:
  enum class Step : uint8_t {
    done,
    wants_read,   // again when the socket is readable, with the same arguments
    wants_write,  // the same when it is writable
    ended,        // the peer's orderly end
    failed        // for good; fault() says why
  };

  TlsSession(int socket, TlsContext::Ptr context);
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // Which side we are, before the first step. `host`: whom the certificate must be for; a DNS name, which is also asked
  // for (SNI, RFC 6066), or an IP address.
  void serve();
  void visit(const std::string& host);

  Step handshake();
  Step read(void* to, size_t size, size_t& got);  // `got` > 0 when done
  Step write(const void* from, size_t size, size_t& sent);
  Step finish();  // our close_notify; reading may go on

  bool is_established() const { return established_; }
  TlsFault fault() const { return fault_; }

 private:
  struct Free {
    void operator()(ssl_st* ssl) const;
  };
  struct Door;  // between OpenSSL and the socket

  template <class Operation>
  Step attempt(Operation operation);
  TlsFault reason() const;
  TlsFault distrust() const;

  int socket_;
  TlsContext::Ptr context_;
  std::unique_ptr<ssl_st, Free> ssl_;
  uint64_t received_ = 0;
  TlsFault fault_ = TlsFault::none;
  bool established_ = false;
  bool ended_ = false;  // the peer's end of the socket
  bool lost_ = false;   // the socket failed
};

}  // namespace isthmus::transport
