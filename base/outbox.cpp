// SPDX-License-Identifier: MIT
#include "base/outbox.hpp"

namespace isthmus {

std::string_view describe(FaultCode code) {
  switch (code) {
    case FaultCode::refused: return "connection refused";
    case FaultCode::unreachable: return "unreachable";
    case FaultCode::timed_out: return "timed out";
    case FaultCode::closed: return "closed by the peer";
    case FaultCode::reset: return "reset by the peer";
    case FaultCode::tls: return "TLS failure";
    case FaultCode::no_such_name: return "no such name";
    case FaultCode::no_servers: return "no name server answers";
    case FaultCode::no_ports: return "no free port";
    case FaultCode::limit: return "limit reached";
    case FaultCode::malformed: return "malformed input";
  }
  return "unknown fault";
}

bool Outbox::put(Bytes payload, Range& range) {
  if (actions.size() >= kMaxActions || payload.size() > kMaxBytes - bytes.size()) {
    ++dropped;
    return false;
  }
  range = {static_cast<uint32_t>(bytes.size()), static_cast<uint32_t>(payload.size())};
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return true;
}

void Outbox::add(const Action& action) {
  if (actions.size() >= kMaxActions) {
    ++dropped;
    return;
  }
  actions.push_back(action);
}

void Outbox::send(const Path& path, Bytes payload) {
  Range range;
  if (put(payload, range)) actions.push_back(Send{path, range});
}
void Outbox::open(AskId ask, Protocol protocol, const SocketAddress& remote, std::string_view tls_name) {
  Range range;
  if (put(as_bytes(tls_name), range)) actions.push_back(Open{ask, protocol, remote, range});
}
void Outbox::bind(AskId ask, const IpAddress& local, bool pair) {
  add(Bind{ask, local, pair});
}
void Outbox::lookup(AskId ask, RecordType type, std::string_view name) {
  Range range;
  if (put(as_bytes(name), range)) actions.push_back(Lookup{ask, type, range});
}
void Outbox::close(FlowId flow, CloseReason why) {
  add(Close{flow, why});
}
void Outbox::forget(AskId ask) {
  add(Forget{ask});
}
void Outbox::note(NoteKind kind, uint64_t subject, const Path& path, Bytes text) {
  Range range;
  if (put(text, range)) actions.push_back(Note{kind, subject, path, range});
}

}  // namespace isthmus
