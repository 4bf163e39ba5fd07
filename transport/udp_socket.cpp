// SPDX-License-Identifier: MIT
#include "transport/udp_socket.hpp"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "transport/native_address.hpp"

namespace isthmus::transport {
namespace {

// Room for one in_pktinfo or in6_pktinfo.
constexpr size_t kControlBytes = 64;
struct alignas(cmsghdr) Control {
  std::array<std::byte, kControlBytes> bytes;
};

bool enable(int descriptor, int level, int option) {
  const int on = 1;
  return setsockopt(descriptor, level, option, &on, sizeof on) == 0;
}

bool prepare(int descriptor, const SocketAddress& local, const UdpOptions& options) {
  const bool v6 = local.ip.is_v6();
  const int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
  if (v6 && !enable(descriptor, level, IPV6_V6ONLY)) return false;
  if (local.ip.is_unspecified() && !enable(descriptor, level, v6 ? IPV6_RECVPKTINFO : IP_PKTINFO)) return false;
  if (options.report_errors && !enable(descriptor, level, v6 ? IPV6_RECVERR : IP_RECVERR)) return false;
  if (options.buffer_bytes > 0) {  // best effort: the system caps it
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &options.buffer_bytes, sizeof options.buffer_bytes);
    setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &options.buffer_bytes, sizeof options.buffer_bytes);
  }
  return true;
}

// The address a datagram was sent to, from its control data.
void read_destination(msghdr& header, IpAddress& ip) {
  for (cmsghdr* each = CMSG_FIRSTHDR(&header); each != nullptr; each = CMSG_NXTHDR(&header, each)) {
    if (each->cmsg_level == IPPROTO_IP && each->cmsg_type == IP_PKTINFO) {
      in_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(each), sizeof info);
      ip = {Family::v4, {}};
      std::memcpy(ip.octets.data(), &info.ipi_addr, 4);
    } else if (each->cmsg_level == IPPROTO_IPV6 && each->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(each), sizeof info);
      ip = {Family::v6, {}};
      std::memcpy(ip.octets.data(), &info.ipi6_addr, 16);
    }
  }
}

template <class Info>
void put_control(msghdr& header, Control& control, int level, int type, const Info& info) {
  header.msg_control = control.bytes.data();
  header.msg_controllen = CMSG_SPACE(sizeof info);
  cmsghdr* out = CMSG_FIRSTHDR(&header);
  out->cmsg_level = level;
  out->cmsg_type = type;
  out->cmsg_len = CMSG_LEN(sizeof info);
  std::memcpy(CMSG_DATA(out), &info, sizeof info);
}

void write_source(msghdr& header, Control& control, const IpAddress& ip) {
  control = {};
  if (ip.is_v4()) {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, ip.octets.data(), 4);
    put_control(header, control, IPPROTO_IP, IP_PKTINFO, info);
  } else {
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, ip.octets.data(), 16);
    put_control(header, control, IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}
Descriptor::~Descriptor() {
  if (number_ >= 0) close(number_);
}

PacketPool::PacketPool(size_t slots, uint16_t capacity)
    : capacity_(capacity), room_(new std::byte[slots * capacity]), slots_(slots) {
  for (size_t i = 0; i < slots; ++i) {
    slots_[i].room = room_.get() + i * capacity;
    reset(slots_[i]);
  }
}

void PacketPool::reset(PacketSlot& slot) const {
  slot.path = {};
  slot.at = kHeadroom;
  slot.size = 0;
  slot.capacity = capacity_;
}

UdpSocket::UdpSocket(Descriptor descriptor, const SocketAddress& local)
    : descriptor_(std::move(descriptor)), local_(local), wildcard_(local.ip.is_unspecified()) {}

Result<UdpSocket, SystemError> UdpSocket::bind(const SocketAddress& local, const UdpOptions& options) {
  sockaddr_storage native{};
  const socklen_t length = to_native(local, native);
  if (length == 0) return fail(SystemError{EAFNOSUPPORT});
  Descriptor descriptor(socket(native.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!descriptor || !prepare(descriptor.number(), local, options) ||
      ::bind(descriptor.number(), reinterpret_cast<const sockaddr*>(&native), length) != 0) {
    return fail(SystemError{errno});
  }
  const SocketAddress bound = local_address(descriptor.number());
  return UdpSocket(std::move(descriptor), bound);
}

ReceiveOutcome UdpSocket::receive(std::span<PacketSlot> slots, FlowId flow) {
  std::array<mmsghdr, kDatagramBatch> headers;
  std::array<iovec, kDatagramBatch> parts;
  std::array<sockaddr_storage, kDatagramBatch> names;
  std::array<Control, kDatagramBatch> controls;
  const size_t count = std::min(slots.size(), kDatagramBatch);
  for (size_t i = 0; i < count; ++i) {
    PacketSlot& slot = slots[i];
    parts[i] = {slot.room + PacketPool::kHeadroom,
                static_cast<size_t>(slot.capacity - PacketPool::kHeadroom - PacketPool::kTailroom)};
    headers[i] = {};
    msghdr& header = headers[i].msg_hdr;
    header.msg_name = &names[i];
    header.msg_namelen = sizeof names[i];
    header.msg_iov = &parts[i];
    header.msg_iovlen = 1;
    if (wildcard_) {
      header.msg_control = controls[i].bytes.data();
      header.msg_controllen = kControlBytes;
    }
  }
  ReceiveOutcome out;
  const int got = recvmmsg(descriptor(), headers.data(), static_cast<unsigned>(count), MSG_DONTWAIT, nullptr);
  if (got < 0) {
    out.error = errno;
    return out;
  }
  for (size_t i = 0; i < static_cast<size_t>(got); ++i) {
    if ((headers[i].msg_hdr.msg_flags & MSG_TRUNC) != 0) {
      ++out.truncated;
      continue;
    }
    PacketSlot& slot = slots[out.received];
    if (out.received != i) std::swap(slot.room, slots[i].room);  // close the gap of a truncated one
    slot.at = PacketPool::kHeadroom;
    slot.size = static_cast<uint16_t>(headers[i].msg_len);
    slot.path = {flow, from_native(names[i]), local_};
    if (wildcard_) read_destination(headers[i].msg_hdr, slot.path.local.ip);
    ++out.received;
  }
  return out;
}

SendOutcome UdpSocket::send(std::span<const Datagram> batch) {
  SendOutcome out;
  std::array<mmsghdr, kDatagramBatch> headers;
  std::array<iovec, kDatagramBatch> parts;
  std::array<sockaddr_storage, kDatagramBatch> names;
  std::array<Control, kDatagramBatch> controls;
  while (out.sent < batch.size()) {
    const size_t count = std::min(batch.size() - out.sent, kDatagramBatch);
    for (size_t i = 0; i < count; ++i) {
      const Datagram& datagram = batch[out.sent + i];
      parts[i] = {const_cast<std::byte*>(datagram.bytes.data()), datagram.bytes.size()};
      headers[i] = {};
      msghdr& header = headers[i].msg_hdr;
      header.msg_name = &names[i];
      header.msg_namelen = to_native(datagram.remote, names[i]);
      header.msg_iov = &parts[i];
      header.msg_iovlen = 1;
      const IpAddress& source = datagram.local.ip;
      if (wildcard_ && source.family == local_.ip.family && !source.is_unspecified()) {
        write_source(header, controls[i], source);
      }
    }
    const int sent = sendmmsg(descriptor(), headers.data(), static_cast<unsigned>(count), MSG_DONTWAIT);
    if (sent < 0) {
      out.error = errno;
      return out;
    }
    out.sent += static_cast<size_t>(sent);
  }
  return out;
}

std::optional<DatagramError> UdpSocket::read_error() {
  sockaddr_storage name{};
  std::array<std::byte, 64> payload;
  struct alignas(cmsghdr) {
    std::array<std::byte, 512> bytes;
  } control;
  iovec part{payload.data(), payload.size()};
  msghdr header{};
  header.msg_name = &name;
  header.msg_namelen = sizeof name;
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.bytes.data();
  header.msg_controllen = control.bytes.size();
  if (recvmsg(descriptor(), &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return std::nullopt;
  DatagramError out{from_native(name), EHOSTUNREACH};
  for (cmsghdr* each = CMSG_FIRSTHDR(&header); each != nullptr; each = CMSG_NXTHDR(&header, each)) {
    const bool v4 = each->cmsg_level == IPPROTO_IP && each->cmsg_type == IP_RECVERR;
    const bool v6 = each->cmsg_level == IPPROTO_IPV6 && each->cmsg_type == IPV6_RECVERR;
    if (!v4 && !v6) continue;
    sock_extended_err error{};
    std::memcpy(&error, CMSG_DATA(each), sizeof error);
    out.error = static_cast<int>(error.ee_errno);
  }
  return out;
}

ReadySet::ReadySet() : set_(epoll_create1(EPOLL_CLOEXEC)) {}

bool ReadySet::add(int descriptor, FlowId flow) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = (uint64_t{flow.slot} << 32) | flow.generation;
  return epoll_ctl(set_.number(), EPOLL_CTL_ADD, descriptor, &event) == 0;
}

void ReadySet::remove(int descriptor) {
  epoll_ctl(set_.number(), EPOLL_CTL_DEL, descriptor, nullptr);
}

size_t ReadySet::ready(std::span<FlowId> out) {
  std::array<epoll_event, kDatagramBatch> events;
  const size_t room = std::min(out.size(), events.size());
  const int got = room == 0 ? 0 : epoll_wait(set_.number(), events.data(), static_cast<int>(room), 0);
  for (int i = 0; i < got; ++i) {
    const uint64_t data = events[static_cast<size_t>(i)].data.u64;
    out[static_cast<size_t>(i)] = {static_cast<uint32_t>(data >> 32), static_cast<uint32_t>(data)};
  }
  return got > 0 ? static_cast<size_t>(got) : 0;
}

}  // namespace isthmus::transport
