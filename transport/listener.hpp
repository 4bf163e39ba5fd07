// SPDX-License-Identifier: MIT
// Accepts TCP connections within limits: so many in all, so many from one source. A connection beyond them is closed at
// once and counted; when descriptors or memory run out, accepting pauses and goes on. For the connection files alone.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/outbox.hpp"
#include "base/result.hpp"
#include "transport/byte_stream.hpp"
#include "transport/shard.hpp"
#include "transport/system.hpp"

namespace isthmus::transport {

// How many connections are open, in all and per source (IPv4 address, IPv6 /64).
class SourceLimits : public std::enable_shared_from_this<SourceLimits> {
 public:
  // Held as long as the connection lives.
  class Admission {
   public:
    Admission() = default;
    Admission(std::shared_ptr<SourceLimits> limits, const IpAddress& source);
    Admission(Admission&&) = default;
    Admission& operator=(Admission&& other) noexcept;
    ~Admission();

   private:
    friend class SourceLimits;
    std::shared_ptr<SourceLimits> limits_;
    IpAddress source_;
  };
  enum class Verdict : uint8_t { admitted, too_many, too_many_of_source };

  SourceLimits(size_t total, size_t per_source) : total_(total), per_source_(per_source) {}
  Verdict admit(const IpAddress& ip, Admission& out);
  Verdict admit_own(Admission& out);  // one that we open, or of a proxy for many: counts in all, not per source
  // From now on the place counts for that source; it stays as it was when the source has too many.
  Verdict move(Admission& place, const IpAddress& ip);
  size_t open() const { return open_; }

  // Connections from there are those of many, and are not limited per source: proxies.
  void share(std::vector<Prefix> sources) { shared_ = std::move(sources); }

 private:
  void leave(const IpAddress& source);

  size_t total_;
  size_t per_source_;
  size_t open_ = 0;
  std::map<IpAddress, size_t> sources_;
  std::vector<Prefix> shared_;
};

class Listener : public std::enable_shared_from_this<Listener> {
 public:
  enum class Refusal : uint8_t { connection_limit, source_limit, accept_failed };
  using Accepted = std::function<void(ByteStream&&, SourceLimits::Admission&&)>;
  using Refused = std::function<void(Refusal)>;
  using Make =
      std::function<ByteStream(asio::ip::tcp::socket)>;  // e.g. with TLS; its handshake is the owner's to start

  static Result<std::shared_ptr<Listener>, SystemError> open(Shard& shard, const SocketAddress& local,
                                                             std::shared_ptr<SourceLimits> limits, Accepted accepted,
                                                             Refused refused, Make make = make_tcp_stream);
  const SocketAddress& local() const { return local_; }
  void close();

 private:
  Listener(asio::io_context& context, std::shared_ptr<SourceLimits> limits, Accepted accepted, Refused refused,
           Make make);
  void accept_next();
  void take(asio::ip::tcp::socket socket);
  void pause();

  static constexpr auto kPause = std::chrono::milliseconds(100);  // while descriptors are out
  asio::ip::tcp::acceptor acceptor_;
  asio::steady_timer timer_;
  SocketAddress local_;
  std::shared_ptr<SourceLimits> limits_;
  Accepted accepted_;
  Refused refused_;
  Make make_;
};

}  // namespace isthmus::transport
