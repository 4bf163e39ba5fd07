// SPDX-License-Identifier: MIT
// The event loop behind a shard. Included by the connection files alone; no public header names it.
#pragma once

#include <boost/asio/io_context.hpp>

namespace isthmus::transport {

namespace asio = boost::asio;

struct Io {
  asio::io_context context{1};  // one thread: no locks inside
};

}  // namespace isthmus::transport
