// SPDX-License-Identifier: MIT
// Door to one DTLS association: the first octet chooses our role, then come datagrams, each behind a length of two
// octets. Whatever comes, there are no keys without a proved peer, and nothing above the MTU leaves.
#include <algorithm>
#include <cstdlib>

#include "media/dtls_session.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace isthmus;
  static const media::DtlsContext context = *media::DtlsContext::make_self_signed();
  if (size == 0) return 0;
  const auto role = data[0] % 2 == 0 ? media::DtlsRole::passive : media::DtlsRole::active;
  Bytes input = Bytes{reinterpret_cast<const std::byte*>(data), size}.subspan(1);
  media::DtlsSession session(context, role, media::Fingerprint{});
  Outbox out;
  Pass pass{{TimePoint{} + std::chrono::seconds(1), {}}, out};
  const Path path{FlowId{1, 1}, {IpAddress::v4(192, 0, 2, 1), 5000}, {IpAddress::v4(192, 0, 2, 2), 4000}};
  session.start(pass, path);
  while (input.size() >= 2) {
    const size_t length = std::min<size_t>(read_u16(input.data()), input.size() - 2);
    session.receive(pass, path, input.subspan(2, length));
    input = input.subspan(2 + length);
    while (session.poll_event()) {
    }
  }
  session.expire(pass, path);
  session.close(pass, path);
  if (session.keys() != nullptr || session.is_connected()) std::abort();
  for (const Action& action : out.actions) {
    if (std::get<Send>(action).bytes.size > media::kDtlsMtu) std::abort();
  }
  return 0;
}
