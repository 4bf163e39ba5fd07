// SPDX-License-Identifier: MIT
// Beast parses the replies; requests are written by hand. A Job is one post from post() to its result; a Link is one
// connection, which serves jobs one after the other, of either kind.
#include "gateway/api/webhook.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <deque>
#include <set>

#include "gateway/api/http_message.hpp"
#include "transport/byte_stream.hpp"
#include "transport/tls_stream.hpp"

namespace isthmus::gateway {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using transport::ByteStream;
using transport::IoError;

constexpr uint32_t kHeaderBytes = 16 << 10;  // of a reply

struct Job {
  explicit Job(asio::io_context& context) : timer(context) {}
  WebhookPost post;
  WebhookUrl url;
  WebhookClient::Done done;
  asio::steady_timer timer;
  bool repeated = false;
};
using JobPtr = std::shared_ptr<Job>;

std::string header_of(const Job& job) {
  std::string out = "POST " + job.url.target + " HTTP/1.1\r\nHost: " + job.url.authority + "\r\n";
  out += "Content-Type: " + job.post.content_type + "\r\n";
  out += "Content-Length: " + std::to_string(job.post.body.size()) + "\r\n";
  for (const auto& [name, value] : job.post.headers) out.append(name).append(": ").append(value).append("\r\n");
  return out + "\r\n";
}

bool headers_are_sound(const WebhookPost& post) {
  return is_header_text(post.content_type) &&
         std::all_of(post.headers.begin(), post.headers.end(), [](const auto& each) {
           return !each.first.empty() && each.first.find_first_of(": \t") == std::string::npos &&
                  is_header_text(each.first) && is_header_text(each.second);
         });
}

WebhookFault fault_of(IoError error) {
  if (error == http::error::body_limit || error == http::error::header_limit || error == http::error::buffer_overflow) {
    return WebhookFault::too_large;
  }
  if (error == http::error::end_of_stream || error == http::error::partial_message) return WebhookFault::broken;
  const bool from_parser = error.category() == http::make_error_code(http::error::bad_method).category();
  return from_parser ? WebhookFault::malformed : WebhookFault::broken;
}

WebhookFault tls_fault_of(IoError error) {
  using transport::TlsFault;
  switch (transport::tls_fault(error).value_or(TlsFault::broken)) {
    case TlsFault::untrusted: return WebhookFault::untrusted;
    case TlsFault::wrong_name: return WebhookFault::wrong_name;
    case TlsFault::expired: return WebhookFault::expired;
    default: return WebhookFault::tls_failed;
  }
}

}  // namespace

class WebhookLink;

struct WebhookClient::Impl : std::enable_shared_from_this<WebhookClient::Impl> {
  Impl(transport::Shard& shard, const WebhookConfig& the_config, const transport::DnsConfig& dns_config)
      : context(shard.io().context), config(the_config), dns(shard, dns_config) {}

  std::deque<JobPtr>& queue(const WebhookPost& post) { return waiting[post.is_question ? 0 : 1]; }
  void pump();
  void expire(const JobPtr& job);
  std::shared_ptr<WebhookLink> link_for(const Job& job);

  asio::io_context& context;
  WebhookConfig config;
  transport::DnsClient dns;
  std::array<std::deque<JobPtr>, 2> waiting;  // questions; other posts
  std::set<std::shared_ptr<WebhookLink>> links;
};

class WebhookLink : public std::enable_shared_from_this<WebhookLink> {
 public:
  explicit WebhookLink(const std::shared_ptr<WebhookClient::Impl>& client)
      : client_(client), socket_(client->context), timer_(client->context), reply_bytes_(client->config.reply_bytes) {}

  const JobPtr& job() const { return job_; }
  bool leads_to(const WebhookUrl& url) const {
    return is_secure_ == url.is_secure && host_ == url.host && port_ == url.port;
  }
  void run(JobPtr job);
  void end(WebhookFault fault);  // of the job, if any, and of the connection
  void close();

 private:
  void resolve(RecordType type);
  void connect(const SocketAddress& address);
  void shake();
  void send();
  void read();
  void replied(IoError error);
  void rest(bool keep);

  std::weak_ptr<WebhookClient::Impl> client_;
  asio::ip::tcp::socket socket_;  // while connecting
  asio::steady_timer timer_;      // connect limit, idle limit
  size_t reply_bytes_;
  bool is_secure_ = false;
  std::string host_;
  uint16_t port_ = 0;
  std::optional<ByteStream> stream_;
  JobPtr job_;
  bool used_before_ = false;
  bool closed_ = false;
  std::string head_;
  beast::flat_buffer buffer_;
  std::optional<http::response_parser<http::string_body>> parser_;
};

void WebhookLink::run(JobPtr job) {
  job_ = std::move(job);
  timer_.cancel();
  used_before_ = stream_.has_value();
  if (stream_) return send();
  is_secure_ = job_->url.is_secure;
  host_ = job_->url.host;
  port_ = job_->url.port;
  resolve(RecordType::a);
}

void WebhookLink::resolve(RecordType type) {
  const auto client = client_.lock();
  if (!client) return;
  client->dns.lookup(type, host_, [self = shared_from_this(), type](Result<Records, Fault> result) {
    if (self->closed_) return;
    if (result && !result->list.empty()) return self->connect({result->list.front().address, self->port_});
    if (type == RecordType::a) return self->resolve(RecordType::aaaa);
    self->end(WebhookFault::no_such_host);
  });
}

void WebhookLink::connect(const SocketAddress& address) {
  const auto client = client_.lock();
  if (!client) return;
  if (!is_callable(address.ip, host_)) return end(WebhookFault::forbidden_address);
  timer_.expires_after(client->config.connect_limit);
  timer_.async_wait([self = shared_from_this()](IoError error) {
    if (!error) self->end(WebhookFault::timed_out);
  });
  socket_.async_connect(transport::to_endpoint(address), [self = shared_from_this()](IoError error) {
    if (self->closed_) return;
    if (error) return self->end(WebhookFault::refused);
    self->shake();
  });
}

void WebhookLink::shake() {
  const auto client = client_.lock();
  if (!client) return;
  stream_.emplace(is_secure_ ? transport::make_tls_client_stream(std::move(socket_), client->config.tls, host_)
                             : transport::make_tcp_stream(std::move(socket_)));
  stream_->body().handshake([self = shared_from_this()](IoError error) {
    if (self->closed_) return;
    self->timer_.cancel();
    if (error) return self->end(tls_fault_of(error));
    self->send();
  });
}

void WebhookLink::send() {
  head_ = header_of(*job_);
  const std::array<asio::const_buffer, 2> parts{asio::buffer(head_), asio::buffer(job_->post.body)};
  parser_.reset();
  asio::async_write(*stream_, parts, [self = shared_from_this(), job = job_](IoError error, size_t) {
    if (self->closed_) return;
    if (error) return self->replied(error);
    self->read();
  });
}

void WebhookLink::read() {
  parser_.emplace();
  parser_->header_limit(kHeaderBytes);
  parser_->body_limit(reply_bytes_);
  stream_->allow(kHeaderBytes + 2 * reply_bytes_);
  http::async_read(*stream_, buffer_, *parser_, [self = shared_from_this(), job = job_](IoError error, size_t) {
    if (!self->closed_) self->replied(error);
  });
}

void WebhookLink::replied(IoError error) {
  const auto client = client_.lock();
  if (!client) return;
  if (error) {
    // A server may close an unused connection just when we use it again: then the post has not been seen.
    if (used_before_ && !job_->repeated && !(parser_ && parser_->got_some())) {
      job_->repeated = true;
      client->queue(job_->post).push_front(std::exchange(job_, nullptr));
      close();
      return client->pump();
    }
    return end(error == asio::error::message_size ? WebhookFault::too_large : fault_of(error));
  }
  auto& message = parser_->get();
  if (message.result_int() / 100 == 1) return read();  // RFC 9110 section 15.2: an interim response
  const bool keep = message.keep_alive() && !message.need_eof();
  WebhookReply reply{static_cast<int>(message.result_int()), std::move(message.body())};
  const JobPtr job = std::exchange(job_, nullptr);
  job->timer.cancel();
  rest(keep);
  client->pump();
  job->done(std::move(reply));
}

void WebhookLink::rest(bool keep) {
  const auto client = client_.lock();
  if (!keep || buffer_.size() > 0 || !client) return close();
  timer_.expires_after(client->config.idle_limit);
  timer_.async_wait([self = shared_from_this()](IoError error) {
    if (!error && !self->job_) self->close();
  });
}

void WebhookLink::end(WebhookFault fault) {
  const auto client = client_.lock();
  const JobPtr job = std::exchange(job_, nullptr);
  close();
  if (client) client->pump();
  if (!client || !job) return;
  job->timer.cancel();
  job->done(isthmus::fail(fault));
}

void WebhookLink::close() {
  if (std::exchange(closed_, true)) return;
  timer_.cancel();
  transport::close_quietly(socket_);
  if (stream_) stream_->body().close();
  if (const auto client = client_.lock()) client->links.erase(shared_from_this());
}

// As long as fewer of its kind are busy: a resting connection to that server, else a new one while there may be more,
// else the place of one that rests.
std::shared_ptr<WebhookLink> WebhookClient::Impl::link_for(const Job& job) {
  std::shared_ptr<WebhookLink> resting, leading;
  size_t busy = 0;
  for (const auto& link : links) {
    if (link->job()) {
      busy += link->job()->post.is_question == job.post.is_question ? 1 : 0;
      continue;
    }
    resting = link;
    if (link->leads_to(job.url)) leading = link;
  }
  if (busy >= config.connections) return nullptr;
  if (leading) return leading;
  if (links.size() >= 2 * config.connections) resting->close();  // the other kind has not more than its half
  const auto made = std::make_shared<WebhookLink>(shared_from_this());
  links.insert(made);
  return made;
}

void WebhookClient::Impl::pump() {
  for (auto& jobs : waiting) {
    while (!jobs.empty()) {
      const auto link = link_for(*jobs.front());
      if (!link) break;
      JobPtr job = std::move(jobs.front());
      jobs.pop_front();
      link->run(std::move(job));
    }
  }
}

void WebhookClient::Impl::expire(const JobPtr& job) {
  for (const auto& link : links) {
    if (link->job() == job) return std::shared_ptr(link)->end(WebhookFault::timed_out);
  }
  if (std::erase(queue(job->post), job) > 0) job->done(isthmus::fail(WebhookFault::timed_out));
}

WebhookClient::WebhookClient(transport::Shard& shard, const WebhookConfig& config, const transport::DnsConfig& dns)
    : impl_(std::make_shared<Impl>(shard, config, dns)) {}

WebhookClient::~WebhookClient() {
  for (const auto& jobs : impl_->waiting) {
    for (const JobPtr& job : jobs) job->timer.cancel();
  }
  for (const auto& link : std::set(impl_->links)) {
    if (link->job()) link->job()->timer.cancel();
    link->close();
  }
}

void WebhookClient::post(WebhookPost post, Done done) {
  const auto refuse = [&](WebhookFault fault) {
    asio::post(impl_->context, [weak = std::weak_ptr(impl_), done, fault] {
      if (weak.lock()) done(isthmus::fail(fault));
    });
  };
  auto url = parse_webhook_url(post.url);
  if (!url) return refuse(url.error());
  if (url->is_secure && !impl_->config.tls) return refuse(WebhookFault::no_tls);
  if (!headers_are_sound(post)) return refuse(WebhookFault::bad_header);
  auto& waiting = impl_->queue(post);
  if (waiting.size() >= impl_->config.waiting) return refuse(WebhookFault::overload);
  const auto job = std::make_shared<Job>(impl_->context);
  job->timer.expires_after(post.total_limit);
  job->post = std::move(post);
  job->url = std::move(*url);
  job->done = std::move(done);
  job->timer.async_wait([weak = std::weak_ptr(impl_), job](IoError error) {
    const auto impl = weak.lock();
    if (!error && impl) impl->expire(job);
  });
  waiting.push_back(job);
  impl_->pump();
}

void WebhookClient::trust(transport::TlsContext::Ptr tls) {
  impl_->config.tls = std::move(tls);
}
size_t WebhookClient::under_way() const {
  const auto busy =
      std::count_if(impl_->links.begin(), impl_->links.end(), [](const auto& each) { return each->job(); });
  return impl_->waiting[0].size() + impl_->waiting[1].size() + static_cast<size_t>(busy);
}
size_t WebhookClient::open_connections() const {
  return impl_->links.size();
}

}  // namespace isthmus::gateway
