// SPDX-License-Identifier: MIT
#include "transport/listener.hpp"

#include <algorithm>
#include <boost/asio/ip/v6_only.hpp>
#include <utility>

#include "transport/native_address.hpp"

namespace isthmus::transport {
namespace {

using Tcp = asio::ip::tcp;

// One IPv6 host commonly owns a whole /64.
IpAddress source_of(IpAddress ip) {
  if (ip.is_v6()) std::fill(ip.octets.begin() + 8, ip.octets.end(), uint8_t{0});
  return ip;
}

}  // namespace

SourceLimits::Admission::Admission(std::shared_ptr<SourceLimits> limits, const IpAddress& source)
    : limits_(std::move(limits)), source_(source) {
  ++limits_->open_;
  ++limits_->sources_[source_];
}
SourceLimits::Admission& SourceLimits::Admission::operator=(Admission&& other) noexcept {
  std::swap(limits_, other.limits_);
  std::swap(source_, other.source_);
  return *this;
}
SourceLimits::Admission::~Admission() {
  if (!limits_) return;
  --limits_->open_;
  limits_->leave(source_);
}

void SourceLimits::leave(const IpAddress& source) {
  const auto at = sources_.find(source);
  if (--at->second == 0) sources_.erase(at);
}

SourceLimits::Verdict SourceLimits::admit(const IpAddress& ip, Admission& out) {
  const auto is_shared = [&](const Prefix& prefix) { return prefix.contains(ip); };
  if (std::any_of(shared_.begin(), shared_.end(), is_shared)) return admit_own(out);
  if (open_ >= total_) return Verdict::too_many;
  const IpAddress source = source_of(ip);
  const auto at = sources_.find(source);
  if (at != sources_.end() && at->second >= per_source_) return Verdict::too_many_of_source;
  out = Admission(shared_from_this(), source);
  return Verdict::admitted;
}

SourceLimits::Verdict SourceLimits::admit_own(Admission& out) {
  if (open_ >= total_) return Verdict::too_many;
  out = Admission(shared_from_this(), {});
  return Verdict::admitted;
}

SourceLimits::Verdict SourceLimits::move(Admission& place, const IpAddress& ip) {
  const IpAddress source = source_of(ip);
  if (source == place.source_) return Verdict::admitted;
  const auto at = sources_.find(source);
  if (at != sources_.end() && at->second >= per_source_) return Verdict::too_many_of_source;
  leave(place.source_);
  place.source_ = source;
  ++sources_[source];
  return Verdict::admitted;
}

Listener::Listener(asio::io_context& context, std::shared_ptr<SourceLimits> limits, Accepted accepted, Refused refused,
                   Make make)
    : acceptor_(context),
      timer_(context),
      limits_(std::move(limits)),
      accepted_(std::move(accepted)),
      refused_(std::move(refused)),
      make_(std::move(make)) {}

Result<std::shared_ptr<Listener>, SystemError> Listener::open(Shard& shard, const SocketAddress& local,
                                                              std::shared_ptr<SourceLimits> limits, Accepted accepted,
                                                              Refused refused, Make make) {
  std::shared_ptr<Listener> out(
      new Listener(shard.io().context, std::move(limits), std::move(accepted), std::move(refused), std::move(make)));
  const Tcp::endpoint endpoint = to_endpoint(local);
  IoError error;
  Tcp::acceptor& acceptor = out->acceptor_;
  error = acceptor.open(endpoint.protocol(), error);
  if (!error) error = acceptor.set_option(Tcp::acceptor::reuse_address(true), error);
  if (!error && local.ip.is_v6()) error = acceptor.set_option(asio::ip::v6_only(true), error);
  if (!error) error = acceptor.bind(endpoint, error);
  if (!error) error = acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return fail(SystemError{error.value()});
  out->local_ = local_address(acceptor.native_handle());
  out->accept_next();
  return out;
}

void Listener::close() {
  close_quietly(acceptor_);
  timer_.cancel();
}

void Listener::accept_next() {
  acceptor_.async_accept([self = shared_from_this()](IoError error, Tcp::socket socket) {
    if (!self->acceptor_.is_open()) return;
    if (!error) {
      self->take(std::move(socket));
      return self->accept_next();
    }
    if (error == asio::error::connection_aborted) return self->accept_next();
    self->refused_(Refusal::accept_failed);
    self->pause();
  });
}

void Listener::take(Tcp::socket socket) {
  IoError error;
  const SocketAddress remote = to_address(socket.remote_endpoint(error));
  if (error) return;  // gone already
  SourceLimits::Admission admission;
  const SourceLimits::Verdict verdict = limits_->admit(remote.ip, admission);
  if (verdict == SourceLimits::Verdict::too_many) return refused_(Refusal::connection_limit);
  if (verdict == SourceLimits::Verdict::too_many_of_source) return refused_(Refusal::source_limit);
  accepted_(make_(std::move(socket)), std::move(admission));
}

void Listener::pause() {
  timer_.expires_after(kPause);
  timer_.async_wait([self = shared_from_this()](IoError error) {
    if (!error && self->acceptor_.is_open()) self->accept_next();
  });
}

}  // namespace isthmus::transport
