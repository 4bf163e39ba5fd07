// SPDX-License-Identifier: MIT
#include "transport/tls_session.hpp"

#include <openssl/sslerr.h>
#include <sys/socket.h>

#include <cerrno>
#include <new>

#include "base/address.hpp"
#include "transport/tls_handles.hpp"

namespace isthmus::transport {

// ---- between OpenSSL and the socket

struct TlsSession::Door {
  static TlsSession& of(BIO* bio) { return *static_cast<TlsSession*>(BIO_get_data(bio)); }

  static int receive(BIO* bio, char* out, int size) {
    TlsSession& session = of(bio);
    BIO_clear_retry_flags(bio);
    if (!session.established_ && session.received_ >= kTlsHandshakeBytes) {
      session.fault_ = TlsFault::too_large;
      return -1;
    }
    const ssize_t got = ::recv(session.socket_, out, static_cast<size_t>(size), MSG_DONTWAIT);
    if (got > 0) session.received_ += static_cast<uint64_t>(got);
    if (got == 0) session.ended_ = true;
    if (got >= 0) return static_cast<int>(got);
    if (errno == EAGAIN || errno == EINTR) {
      BIO_set_retry_read(bio);
    } else {
      session.lost_ = true;
    }
    return -1;
  }

  static int send(BIO* bio, const char* data, int size) {
    BIO_clear_retry_flags(bio);
    const ssize_t sent = ::send(of(bio).socket_, data, static_cast<size_t>(size), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) return static_cast<int>(sent);
    if (errno == EAGAIN || errno == EINTR) {
      BIO_set_retry_write(bio);
    } else {
      of(bio).lost_ = true;
    }
    return -1;
  }

  static long control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_EOF) return of(bio).ended_ ? 1 : 0;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  static BIO_METHOD* method() {
    static const tls::Method kMethod = [] {
      tls::Method out(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "isthmus socket"));
      BIO_meth_set_read(out.get(), receive);
      BIO_meth_set_write(out.get(), send);
      BIO_meth_set_ctrl(out.get(), control);
      return out;
    }();
    return kMethod.get();
  }
};

void TlsSession::Free::operator()(ssl_st* ssl) const {
  SSL_free(ssl);
}

TlsSession::TlsSession(int socket, TlsContext::Ptr context)
    : socket_(socket), context_(std::move(context)), ssl_(SSL_new(context_->handle())) {
  BIO* const bio = BIO_new(Door::method());
  if (!ssl_ || bio == nullptr) throw std::bad_alloc();
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
}

// ---- one step

template <class Operation>
TlsSession::Step TlsSession::attempt(Operation operation) {
  if (fault_ != TlsFault::none) return Step::failed;
  ERR_clear_error();
  const int result = operation(ssl_.get());
  if (result == 1) return Step::done;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ: return Step::wants_read;
    case SSL_ERROR_WANT_WRITE: return Step::wants_write;
    case SSL_ERROR_ZERO_RETURN: return Step::ended;
    default: break;
  }
  if (fault_ == TlsFault::none) fault_ = reason();
  ERR_clear_error();
  return Step::failed;
}

TlsFault TlsSession::distrust() const {
  switch (SSL_get_verify_result(ssl_.get())) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return TlsFault::wrong_name;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID: return TlsFault::expired;
    default: return TlsFault::untrusted;
  }
}

TlsFault TlsSession::reason() const {
  if (ended_ || lost_) return established_ ? TlsFault::broken : TlsFault::closed;
  const unsigned long code = ERR_peek_error();
  if (ERR_GET_LIB(code) != ERR_LIB_SSL || established_) return TlsFault::broken;
  const int why = ERR_GET_REASON(code);
  if (why >= SSL_AD_REASON_OFFSET) {  // an alert of the peer
    const int alert = why - SSL_AD_REASON_OFFSET;
    const bool differs = alert == SSL_AD_HANDSHAKE_FAILURE || alert == SSL_AD_PROTOCOL_VERSION ||
                         alert == SSL_AD_INSUFFICIENT_SECURITY || alert == SSL_AD_NO_APPLICATION_PROTOCOL;
    return differs ? TlsFault::no_common : TlsFault::refused;
  }
  switch (why) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST: return TlsFault::plain_http;
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_UNEXPECTED_MESSAGE:
    case SSL_R_BAD_RECORD_TYPE:
    case SSL_R_RECORD_LENGTH_MISMATCH:
    case SSL_R_LENGTH_MISMATCH:
    case SSL_R_ENCRYPTED_LENGTH_TOO_LONG:
    case SSL_R_PACKET_LENGTH_TOO_LONG: return TlsFault::not_tls;
    case SSL_R_CERTIFICATE_VERIFY_FAILED: return distrust();
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_GROUPS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_APPLICATION_PROTOCOL: return TlsFault::no_common;
    default: return TlsFault::broken;
  }
}

// ---- the steps

void TlsSession::serve() {
  SSL_set_accept_state(ssl_.get());
}

void TlsSession::visit(const std::string& host) {
  SSL_set_connect_state(ssl_.get());
  X509_VERIFY_PARAM* const check = SSL_get0_param(ssl_.get());
  X509_VERIFY_PARAM_set_hostflags(check, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const bool is_address = IpAddress::parse(host).has_value();
  const bool set = is_address ? X509_VERIFY_PARAM_set1_ip_asc(check, host.c_str()) == 1
                              : SSL_set1_host(ssl_.get(), host.c_str()) == 1 &&
                                    SSL_set_tlsext_host_name(ssl_.get(), host.c_str()) == 1;
  if (!set || host.empty()) fault_ = TlsFault::wrong_name;  // whom to trust cannot be said
}

TlsSession::Step TlsSession::handshake() {
  Step step = attempt([](SSL* ssl) { return SSL_do_handshake(ssl); });
  established_ = step == Step::done;
  if (step != Step::ended) return step;
  fault_ = TlsFault::closed;
  return Step::failed;
}

TlsSession::Step TlsSession::read(void* to, size_t size, size_t& got) {
  return attempt([&](SSL* ssl) { return SSL_read_ex(ssl, to, size, &got); });
}

TlsSession::Step TlsSession::write(const void* from, size_t size, size_t& sent) {
  return attempt([&](SSL* ssl) { return SSL_write_ex(ssl, from, size, &sent); });
}

TlsSession::Step TlsSession::finish() {
  if (!established_) return Step::done;
  // 0 is success: our close_notify has gone out, the peer's has not come.
  return attempt([](SSL* ssl) { return SSL_shutdown(ssl) < 0 ? -1 : 1; });
}

std::string_view describe(TlsFault fault) {
  switch (fault) {
    case TlsFault::none: return "nothing";
    case TlsFault::plain_http: return "HTTP without TLS";
    case TlsFault::not_tls: return "not TLS";
    case TlsFault::no_common: return "no version, cipher suite or protocol in common";
    case TlsFault::refused: return "the peer refused, perhaps because it does not trust the certificate";
    case TlsFault::untrusted: return "the certificate is of no authority that is trusted";
    case TlsFault::wrong_name: return "the certificate is for another host";
    case TlsFault::expired: return "the certificate is out of date";
    case TlsFault::too_large: return "too many bytes before the handshake was complete";
    case TlsFault::closed: return "closed before the handshake was complete";
    case TlsFault::broken: return "not the bytes of TLS that were expected";
  }
  return "unknown";
}

}  // namespace isthmus::transport
