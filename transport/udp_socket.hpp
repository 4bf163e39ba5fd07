// SPDX-License-Identifier: MIT
// A non-blocking UDP socket that receives and sends in batches (recvmmsg, sendmmsg), the pool of slots it receives
// into, and the set that tells which sockets are ready. Plain system calls, no loop: the edge watches the set. A socket
// bound to the unspecified address reports and chooses the local address of each datagram (IP_PKTINFO), so that an
// answer leaves from where the question arrived.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/outbox.hpp"
#include "base/packet.hpp"
#include "base/result.hpp"
#include "transport/system.hpp"

namespace isthmus::transport {

// An owned file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.number_) { other.number_ = -1; }
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int number() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

inline constexpr size_t kDatagramBatch = 64;  // datagrams of one system call

// Slots of equal size in one block; each keeps room free on both sides of what is received into it.
class PacketPool {
 public:
  static constexpr uint16_t kHeadroom = 64;
  static constexpr uint16_t kTailroom = 64;
  PacketPool(size_t slots, uint16_t capacity);
  std::span<PacketSlot> slots() { return slots_; }
  void reset(PacketSlot& slot) const;  // an empty datagram between head- and tailroom

 private:
  uint16_t capacity_;
  std::unique_ptr<std::byte[]> room_;
  std::vector<PacketSlot> slots_;
};

struct Datagram {
  SocketAddress remote;
  SocketAddress local;  // chooses the source address on a socket bound to the unspecified one
  Bytes bytes;
};

// What became of a batch: [0, sent) went out; when sent is less than the batch, `error` is the errno of the next one.
struct SendOutcome {
  size_t sent = 0;
  int error = 0;
};
struct ReceiveOutcome {
  size_t received = 0;   // slots filled, at the front of the span
  size_t truncated = 0;  // larger than their slot: dropped
  int error = 0;         // 0 or EAGAIN: nothing more for now; another: see read_error()
};
struct DatagramError {  // an ICMP error, from the socket's error queue
  SocketAddress remote;
  int error = 0;
};

struct UdpOptions {
  bool report_errors = false;  // ICMP errors arrive at read_error() and at the calls (IP_RECVERR)
  int buffer_bytes = 0;        // of the kernel, each way; 0: the system's default
};

class UdpSocket {
 public:
  static Result<UdpSocket, SystemError> bind(const SocketAddress& local, const UdpOptions& options = {});

  // Slots are filled from the front: path.remote, path.local, path.flow = `flow`, at and size.
  ReceiveOutcome receive(std::span<PacketSlot> slots, FlowId flow);
  SendOutcome send(std::span<const Datagram> batch);
  std::optional<DatagramError> read_error();

  const SocketAddress& local() const { return local_; }
  int descriptor() const { return descriptor_.number(); }

 private:
  UdpSocket(Descriptor descriptor, const SocketAddress& local);
  Descriptor descriptor_;
  SocketAddress local_;
  bool wildcard_ = false;  // bound to the unspecified address
};

// Which of many sockets have something to read: an epoll set, level-triggered, itself watchable as one descriptor.
class ReadySet {
 public:
  ReadySet();
  bool add(int descriptor, FlowId flow);
  void remove(int descriptor);
  size_t ready(std::span<FlowId> out);  // does not wait; at most kDatagramBatch
  int descriptor() const { return set_.number(); }

 private:
  Descriptor set_;
};

}  // namespace isthmus::transport
