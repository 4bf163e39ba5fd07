// SPDX-License-Identifier: MIT
// TLS over a TCP socket as one more body of ByteStream (tls_session between the socket and whoever reads and writes);
// no second instantiation of anything. The owner calls handshake() first and limits its time. After a handshake that
// failed with plain_http the stream goes on without TLS, for an answer in words. For the connection files alone.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "transport/byte_stream.hpp"
#include "transport/tls_context.hpp"
#include "transport/tls_session.hpp"

namespace isthmus::transport {

// Of the error of a handshake; nothing when it is another one.
std::optional<TlsFault> tls_fault(IoError error);

ByteStream make_tls_server_stream(asio::ip::tcp::socket socket, TlsContext::Ptr context);
// `host`: whom the certificate must be for; a DNS name, which is also asked for (SNI, RFC 6066), or an IP address.
ByteStream make_tls_client_stream(asio::ip::tcp::socket socket, TlsContext::Ptr context, const std::string& host);

}  // namespace isthmus::transport
