// SPDX-License-Identifier: MIT
// Door to the STUN parser and the agent behind it. An odd first octet: the rest is a datagram as it is. An even one:
// the rest is attributes, to which header, user name, integrity and fingerprint are supplied, so that the code behind
// the check is reached.
#include <cstdlib>
#include <vector>

#include "base/crypto.hpp"
#include "ice/lite_agent.hpp"
#include "ice/mux.hpp"

namespace {

using namespace isthmus;

constexpr stun::Digests kDigests{crypto::hmac_sha1, crypto::hmac_sha256, crypto::crc32};
const ice::Credentials kOurs{"00ours", "a-password-of-22-chars"};
constexpr size_t kMaxAnswer = 256;

std::vector<std::byte> repaired(Bytes attributes) {
  std::vector<std::byte> room(stun::kMaxMessageSize);
  stun::Writer writer(room, stun::Class::request, stun::kBinding, {});
  writer.text(stun::Attribute::username, "00ours:theirs");
  while (attributes.size() >= 4) {
    const auto type = static_cast<stun::Attribute>(read_u16(attributes.data()));
    const size_t size = std::min<size_t>(read_u16(&attributes[2]), attributes.size() - 4);
    writer.attribute(type, attributes.subspan(4, size));
    attributes = attributes.subspan(4 + size);
  }
  writer.integrity(as_bytes(kOurs.password), kDigests.hmac_sha1);
  writer.fingerprint(kDigests.crc32);
  room.resize(writer.bytes().size());
  return room;
}

void take(Bytes datagram) {
  const auto message = stun::parse(datagram);
  if (!message) return;
  stun::fingerprint_matches(*message, kDigests.crc32);
  stun::integrity_sha256_matches(*message, as_bytes(kOurs.password), kDigests.hmac_sha256);
  ice::Mux mux(HashKey{1, 2});
  const ice::MuxLeg leg{1, 1};
  mux.add(leg, kOurs.ufrag);
  if (message->username) mux.find_username(*message->username);
  ice::LiteAgent agent(kOurs, kDigests);
  Outbox out;
  Pass pass{{TimePoint{} + std::chrono::seconds(1), {}}, out};
  const Path path{FlowId{1, 1}, {IpAddress::v4(192, 0, 2, 1), 5000}, {IpAddress::v4(192, 0, 2, 2), 4000}};
  const ice::Verdict verdict = agent.receive(pass, path, *message);
  const bool answered = verdict <= ice::Verdict::unknown_attribute;
  if (answered != (out.actions.size() == 1) || out.bytes.size() > kMaxAnswer) std::abort();
  if (answered && !stun::parse(out.bytes)) std::abort();
  if (verdict == ice::Verdict::valid) mux.learn(leg, path.remote);
  while (agent.poll_event()) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Bytes input = Bytes{reinterpret_cast<const std::byte*>(data), size}.subspan(1);
  if (data[0] % 2 == 1) {
    take(input);
  } else {
    take(repaired(input));
  }
  return 0;
}
