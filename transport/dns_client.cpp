// SPDX-License-Identifier: MIT
#include "transport/dns_client.hpp"

#include <ares.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "transport/dns_answer.hpp"
#include "transport/hosts_file.hpp"
#include "transport/io.hpp"
#include "transport/udp_socket.hpp"

namespace isthmus::transport {
namespace {

constexpr size_t kMaxLabel = 63;   // RFC 1035 section 2.3.4
constexpr int kClassInternet = 1;  // RFC 1035 section 3.2.4

// No empty label, none too long, no octet that is neither printable nor harmless: such a name asks nobody.
bool is_askable(std::string_view name) {
  if (name.empty() || name.size() > DnsClient::kMaxName) return false;
  size_t label = 0;
  for (const char c : name) {
    if (c == '.') {
      if (std::exchange(label, 0) == 0) return false;
      continue;
    }
    if (c <= ' ' || c > '~' || c == '\\' || ++label > kMaxLabel) return false;
  }
  return label > 0;
}

FaultCode fault_of(int status) {
  switch (status) {
    case ARES_ENOTFOUND: return FaultCode::no_such_name;
    case ARES_ETIMEOUT: return FaultCode::timed_out;
    case ARES_EBADNAME:
    case ARES_EBADRESP:
    case ARES_EFORMERR: return FaultCode::malformed;
    default: return FaultCode::no_servers;
  }
}

Result<Records, Fault> result_of(RecordType type, int status, Bytes answer) {
  if (status == ARES_SUCCESS) return parse_dns_answer(type, answer);
  if (status == ARES_ENODATA) return Records{};
  return fail(Fault{fault_of(status)});
}

}  // namespace

struct DnsClient::Impl : std::enable_shared_from_this<DnsClient::Impl> {
  struct Query {
    Impl* owner;
    uint64_t number;
    RecordType type;
    Done done;
  };

  Impl(Shard& shard, const DnsConfig& config);
  void set_servers(const std::vector<SocketAddress>& servers);
  void shut();
  void finish(Done done, Result<Records, Fault> result);
  void watch();
  void process();
  void arm();
  static void on_socket(void* self, ares_socket_t socket, int readable, int writable);
  static void on_answer(void* query, int status, int timeouts, unsigned char* message, int size);

  asio::io_context& context;
  HostsFile hosts;
  Descriptor set;  // epoll: which of the resolver's sockets are ready
  asio::posix::stream_descriptor watched;
  asio::steady_timer timer;
  ares_channel channel = nullptr;
  std::map<uint64_t, Query> queries;  // addresses are stable: the resolver keeps them
  uint64_t next = 0;
  bool watching = false;
};

DnsClient::Impl::Impl(Shard& shard, const DnsConfig& config)
    : context(shard.io().context),
      hosts(config.hosts_file),
      set(epoll_create1(EPOLL_CLOEXEC)),
      watched(context, dup(set.number())),
      timer(context) {
  [[maybe_unused]] static const int initialised = ares_library_init(ARES_LIB_INIT_ALL);
  ares_options options{};
  options.timeout = static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(config.try_limit).count());
  options.tries = config.tries;
  options.sock_state_cb = &Impl::on_socket;
  options.sock_state_cb_data = this;
  const int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
  if (ares_init_options(&channel, &options, mask) != ARES_SUCCESS) channel = nullptr;
  if (!config.servers.empty()) set_servers(config.servers);
}

void DnsClient::Impl::set_servers(const std::vector<SocketAddress>& servers) {
  std::vector<ares_addr_port_node> nodes(servers.size());
  for (size_t i = 0; i < nodes.size(); ++i) {
    const SocketAddress& server = servers[i];
    nodes[i].next = i + 1 < nodes.size() ? &nodes[i + 1] : nullptr;
    nodes[i].family = server.ip.is_v4() ? AF_INET : AF_INET6;
    std::memcpy(&nodes[i].addr, server.ip.octets.data(), server.ip.is_v4() ? 4 : 16);
    nodes[i].udp_port = nodes[i].tcp_port = server.port;
  }
  if (channel != nullptr) ares_set_servers_ports(channel, nodes.data());
}

void DnsClient::Impl::shut() {
  if (channel != nullptr) ares_destroy(std::exchange(channel, nullptr));
  close_quietly(watched);
  timer.cancel();
}

void DnsClient::Impl::on_socket(void* self, ares_socket_t socket, int readable, int writable) {
  const int set = static_cast<Impl*>(self)->set.number();
  epoll_event event{};
  event.events = (readable != 0 ? uint32_t{EPOLLIN} : 0) | (writable != 0 ? uint32_t{EPOLLOUT} : 0);
  event.data.fd = socket;
  if (event.events == 0) {
    epoll_ctl(set, EPOLL_CTL_DEL, socket, nullptr);
  } else if (epoll_ctl(set, EPOLL_CTL_ADD, socket, &event) != 0) {
    epoll_ctl(set, EPOLL_CTL_MOD, socket, &event);
  }
}

void DnsClient::Impl::on_answer(void* query, int status, int, unsigned char* message, int size) {
  if (status == ARES_EDESTRUCTION) return;
  auto& found = *static_cast<Query*>(query);
  Impl& self = *found.owner;
  const RecordType type = found.type;
  Done done = std::move(found.done);
  self.queries.erase(found.number);
  const Bytes answer{reinterpret_cast<const std::byte*>(message), static_cast<size_t>(size)};
  self.finish(std::move(done), result_of(type, status, answer));
}

// Never from inside lookup(), nor from inside the resolver: it may be destroyed by what `done` does.
void DnsClient::Impl::finish(Done done, Result<Records, Fault> result) {
  asio::post(context, [weak = weak_from_this(), done = std::move(done), result = std::move(result)]() mutable {
    if (const auto self = weak.lock()) done(std::move(result));
  });
}

void DnsClient::Impl::watch() {
  if (queries.empty() || std::exchange(watching, true)) return;
  watched.async_wait(asio::posix::stream_descriptor::wait_read, [weak = weak_from_this()](IoError error) {
    const auto self = weak.lock();
    if (!self) return;
    self->watching = false;
    if (!error) self->process();
  });
}

void DnsClient::Impl::process() {
  std::array<epoll_event, 16> events;
  const int count = epoll_wait(set.number(), events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    const bool readable = (event.events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0;
    const bool writable = (event.events & EPOLLOUT) != 0;
    ares_process_fd(channel, readable ? event.data.fd : ARES_SOCKET_BAD, writable ? event.data.fd : ARES_SOCKET_BAD);
  }
  arm();
  watch();
}

void DnsClient::Impl::arm() {
  timeval wait{};
  if (ares_timeout(channel, nullptr, &wait) == nullptr) {
    timer.cancel();
    return;
  }
  timer.expires_after(std::chrono::seconds(wait.tv_sec) + std::chrono::microseconds(wait.tv_usec));
  timer.async_wait([weak = weak_from_this()](IoError error) {
    const auto self = weak.lock();
    if (error || !self || self->channel == nullptr) return;
    ares_process_fd(self->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    self->arm();
    self->watch();
  });
}

DnsClient::DnsClient(Shard& shard, const DnsConfig& config) : impl_(std::make_shared<Impl>(shard, config)) {}
DnsClient::~DnsClient() {
  impl_->shut();
}

void DnsClient::lookup(RecordType type, std::string_view name, Done done) {
  Impl& self = *impl_;
  if (name.ends_with('.')) name.remove_suffix(1);
  if (auto known = self.hosts.find(type, name)) return self.finish(std::move(done), std::move(*known));
  if (!is_askable(name)) return self.finish(std::move(done), fail(Fault{FaultCode::malformed}));
  if (self.channel == nullptr) return self.finish(std::move(done), fail(Fault{FaultCode::no_servers}));
  const uint64_t number = self.next++;
  const auto [at, added] = self.queries.try_emplace(number, Impl::Query{&self, number, type, std::move(done)});
  const std::string text(name);
  ares_query(self.channel, text.c_str(), kClassInternet, dns_number(type), &Impl::on_answer, &at->second);
  self.arm();
  self.watch();
}

size_t DnsClient::under_way() const {
  return impl_->queries.size();
}

}  // namespace isthmus::transport
