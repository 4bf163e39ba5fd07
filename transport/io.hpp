// SPDX-License-Identifier: MIT
// The event loop behind a shard. Included by the connection files alone; no public header names it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/system/error_code.hpp>

namespace isthmus::transport {

namespace asio = boost::asio;
using IoError = boost::system::error_code;

struct Io {
  asio::io_context context{1};  // one thread: no locks inside
};

// Closes a socket, listener or descriptor; that it could fail matters to nobody.
template <class Object>
void close_quietly(Object& object) {
  IoError ignored;
  ignored = object.close(ignored);
}

}  // namespace isthmus::transport
