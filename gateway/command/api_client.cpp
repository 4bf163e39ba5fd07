// SPDX-License-Identifier: MIT
#include "gateway/command/api_client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/text.hpp"
#include "gateway/api/json.hpp"
#include "gateway/command/load.hpp"
#include "gateway/secret_file.hpp"
#include "transport/native_address.hpp"
#include "transport/tls_session.hpp"

namespace isthmus::gateway {
namespace {

using Clock = std::chrono::steady_clock;
using TlsStep = transport::TlsSession::Step;
constexpr size_t kMaxHead = 64 << 10;  // status line and headers of a reply
constexpr size_t kReadSize = 64 << 10;

std::string unreachable(const SocketAddress& address, std::string_view why) {
  return "no gateway answers at " + address.text() + ": " + std::string(why) +
         " (is it running? --config, --data and --web must be those that it was started with)";
}

// A socket that closes itself, and whose every wait ends at the deadline.
class Connection {
 public:
  Connection(const ApiAccess& access, Clock::time_point deadline) : deadline_(deadline) {
    open(access.address);
    if (access.tls && !is_broken()) secure(access);
  }
  ~Connection() {
    if (socket_ >= 0) ::close(socket_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool is_broken() const { return !why_.empty(); }
  const std::string& why() const { return why_; }

  void write(std::string_view bytes) {
    while (tls_ && !bytes.empty() && !is_broken()) {
      size_t sent = 0;
      if (goes_on(tls_->write(bytes.data(), bytes.size(), sent))) bytes.remove_prefix(sent);
    }
    while (!bytes.empty() && !is_broken()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent >= 0) {
        bytes.remove_prefix(static_cast<size_t>(sent));
      } else if (errno == EAGAIN) {
        wait(POLLOUT);
      } else if (errno != EINTR) {
        fail_with(errno);
      }
    }
  }
  // Appends what is there; 0: the peer has ended.
  size_t read(std::string& out) {
    const size_t at = out.size();
    while (!is_broken()) {
      out.resize(at + kReadSize);
      if (tls_) {
        size_t taken = 0;
        const TlsStep step = tls_->read(out.data() + at, kReadSize, taken);
        out.resize(at + taken);
        if (step == TlsStep::done || step == TlsStep::ended) return taken;
        goes_on(step);
        continue;
      }
      const ssize_t got = ::recv(socket_, out.data() + at, kReadSize, 0);
      const int error = errno;
      out.resize(at + static_cast<size_t>(std::max<ssize_t>(got, 0)));
      if (got >= 0) return static_cast<size_t>(got);
      if (error == EAGAIN) {
        wait(POLLIN);
      } else if (error != EINTR) {
        fail_with(error);
      }
    }
    return 0;
  }

 private:
  void open(const SocketAddress& remote) {
    sockaddr_storage native{};
    const socklen_t native_size = transport::to_native(remote, native);
    socket_ = ::socket(native.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socket_ < 0) return fail_with(errno);
    const int done = ::connect(socket_, reinterpret_cast<const sockaddr*>(&native), native_size);
    if (done == 0) return;
    if (errno != EINPROGRESS) return fail_with(errno);
    if (!wait(POLLOUT)) return;
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) fail_with(error);
  }
  void secure(const ApiAccess& access) {
    tls_.emplace(socket_, access.tls);
    tls_->visit(access.tls_host);
    while (!is_broken() && !goes_on(tls_->handshake())) {
    }
  }
  // True when the step is done; otherwise waits until it can be tried again, or gives up.
  bool goes_on(TlsStep step) {
    if (step == TlsStep::wants_read || step == TlsStep::wants_write) {
      wait(step == TlsStep::wants_read ? POLLIN : POLLOUT);
    } else if (step != TlsStep::done) {
      why_ = "TLS: " + std::string(describe(tls_->fault()));
      if (tls_->fault() == transport::TlsFault::untrusted)
        why_ += "; was it renewed, and the gateway not told (SIGHUP)?";
    }
    return step == TlsStep::done;
  }
  void fail_with(int error) { why_ = std::strerror(error); }
  bool wait(short what) {
    pollfd one{socket_, what, 0};
    for (;;) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
      const int ready = left <= 0 ? 0 : ::poll(&one, 1, static_cast<int>(left));
      if (ready > 0) return true;
      if (ready < 0 && errno == EINTR) continue;
      why_ = ready == 0 ? "no answer in time" : std::strerror(errno);
      return false;
    }
  }

  int socket_ = -1;
  std::optional<transport::TlsSession> tls_;
  Clock::time_point deadline_;
  std::string why_;
};

struct Head {
  int status = 0;
  std::optional<size_t> length;
  bool is_chunked = false;
};

// RFC 9112 section 4: HTTP/1.1 200 OK
std::optional<Head> parse_head(std::string_view text) {
  Head out;
  std::string_view line = text.substr(0, text.find("\r\n"));
  const auto status = line.starts_with("HTTP/1.") && line.size() >= 12 ? parse_number(line.substr(9, 3), 599)
                                                                       : std::optional<uint64_t>{};
  if (!status || *status < 100) return std::nullopt;
  out.status = static_cast<int>(*status);
  while (line.size() + 2 <= text.size()) {
    text.remove_prefix(line.size() + 2);
    line = text.substr(0, text.find("\r\n"));
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trim(line.substr(colon + 1));
    if (equals_ignore_case(name, "Transfer-Encoding")) out.is_chunked = true;
    if (!equals_ignore_case(name, "Content-Length")) continue;
    const auto length = parse_number(value, kMaxApiReply);
    if (!length) return std::nullopt;
    out.length = static_cast<size_t>(*length);
  }
  return out;
}

Result<ApiReply, std::string> read_reply(Connection& connection, bool has_body) {
  std::string text;
  size_t end = std::string::npos;
  while (end == std::string::npos) {
    if (text.size() > kMaxHead) return fail(std::string("what answers is no HTTP server"));
    if (connection.read(text) == 0)
      return fail(connection.is_broken() ? connection.why() : std::string("the connection ended without an answer"));
    end = text.find("\r\n\r\n");
  }
  const auto head = parse_head(std::string_view(text).substr(0, end));
  if (!head || head->is_chunked) return fail(std::string("what answers is no gateway of this kind"));
  ApiReply out{head->status, text.substr(end + 4)};
  const size_t wanted = !has_body || head->status == 204 ? 0 : head->length.value_or(0);
  while (out.body.size() < wanted) {
    if (connection.read(out.body) == 0)
      return fail(connection.is_broken() ? connection.why() : std::string("the connection ended within the answer"));
  }
  out.body.resize(wanted);
  return out;
}

Result<Private<std::string>, std::string> read_secret(const Config& config) {
  if (!config.api_secret.reveal().empty()) return config.api_secret;
  const std::string path = config.data + "/api-secret";
  errno = 0;
  // What it says goes to whoever listens there: root is led to no file of its own by a link of the gateway's user.
  auto text = read_secret_file(path, ::geteuid() != 0);
  if (!text) {
    return fail("cannot read the API secret " + path + ": " + std::strerror(errno) +
                (errno == EACCES  ? " (run this as the user of the gateway)"
                 : errno == ELOOP ? " (root follows no link there)"
                                  : " (is the gateway running? --config and --data must be those that it was "
                                    "started with)"));
  }
  text->resize(std::min(text->size(), text->find_first_of("\r\n")));
  const bool strange = std::any_of(text->begin(), text->end(), [](char c) { return c < ' ' || c == '\x7f'; });
  if (text->empty() || strange) return fail(path + " holds no secret");
  return Private<std::string>(std::move(*text));
}

}  // namespace

Result<ApiAccess, std::string> api_access(const Config& config) {
  auto secret = read_secret(config);
  if (!secret) return fail(std::move(secret.error()));
  ApiAccess out{config.web.listen, {}, std::move(*secret), {}, {}};
  if (out.address.ip.is_unspecified())
    out.address.ip = out.address.ip.is_v6() ? *IpAddress::parse("::1") : IpAddress::v4(127, 0, 0, 1);
  // A name that the listener serves always, whatever its address.
  out.host = "localhost:" + std::to_string(out.address.port);
  if (!config.web.has_tls()) return out;
  // The secret is shown to nobody but who has the key of this very certificate.
  auto tls = transport::TlsContext::client(config.web.certificate);
  if (!tls) return fail("web.certificate: " + tls.error().message());
  if ((*tls)->names().empty()) return fail("web.certificate: " + config.web.certificate + ": is for no name");
  out.tls_host = (*tls)->names().front();
  if (out.tls_host.starts_with("*.")) out.tls_host.replace(0, 1, "any");
  out.tls = std::move(*tls);
  return out;
}

Result<ApiReply, std::string> ask_api(const ApiAccess& access, std::string_view method, std::string_view target,
                                      std::string_view body, std::chrono::milliseconds limit) {
  Connection connection(access, Clock::now() + limit);
  if (connection.is_broken()) return fail(unreachable(access.address, connection.why()));
  std::string request = std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: " + access.host +
                        "\r\nAuthorization: Bearer " + access.secret.reveal() + "\r\nConnection: close\r\n";
  if (!body.empty() || method == "POST")
    request += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  request += "\r\n";
  request += body;
  connection.write(request);
  auto reply = read_reply(connection, method != "HEAD");
  if (!reply) return fail(unreachable(access.address, reply.error()));
  return reply;
}

Result<ApiReply, std::string> ask_gateway(const Arguments& arguments, std::string_view method, std::string_view target,
                                          std::string_view body) {
  const auto config = load_for_client(arguments);
  if (!config) return fail(config.error().front().message());
  const auto access = api_access(*config);
  if (!access) return fail(access.error());
  auto reply = ask_api(*access, method, target, body);
  if (reply && reply->status == 401) {
    return fail("the gateway at " + access->address.text() +
                " has another API secret (--config and --data must be those that it was started with)");
  }
  return reply;
}

std::string api_message(const ApiReply& reply) {
  const auto json = parse_json(reply.body);
  const Json* error = json && json->is_object() ? json->find("error") : nullptr;
  const Json* message = error != nullptr && error->is_object() ? error->find("message") : nullptr;
  if (message != nullptr && message->text() != nullptr) return *message->text();
  return "the gateway answered " + std::to_string(reply.status);
}

}  // namespace isthmus::gateway
