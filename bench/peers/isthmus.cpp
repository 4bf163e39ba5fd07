// SPDX-License-Identifier: MIT
#include <array>

#include "bench/peers/peer.hpp"
#include "sip/auth/auth_params.hpp"
#include "sip/message/headers.hpp"
#include "sip/message/parser.hpp"
#include "sip/message/writer.hpp"

namespace isthmus::bench {
namespace {

using namespace isthmus::sip;

// L2: one header value in its typed form, with all its URIs and parameters.
class FullReader {
 public:
  size_t read(const Message& message) {
    sum_ = 0;
    if (message.is_request()) uri_params(message.request_uri_parsed().params);
    typed(message.from());
    typed(message.to());
    for (size_t i = 0; i < message.line_count(); ++i) {
      const HeaderField line = message.line(i);
      // These are typed already: the parser did it.
      if (line.header == Header::from || line.header == Header::to) continue;
      if (line.header == Header::via && line.value == message.via().text) {
        params(message.via().params);
        continue;
      }
      value(line.header, line.value);
    }
    return sum_;
  }
  bool good() const { return good_; }

 private:
  void value(Header header, std::string_view value) {
    switch (header) {
      case Header::via: vias(value); break;
      case Header::refer_to:
      case Header::referred_by: address(value); break;
      case Header::route:
      case Header::record_route:
      case Header::p_asserted_identity:
      case Header::p_preferred_identity:
      case Header::diversion:
      case Header::path: each(value, &FullReader::address); break;
      case Header::contact: each(value, &FullReader::contact); break;
      case Header::session_expires: take(parse_session_expires(value)); break;
      case Header::min_se: take(parse_min_se(value)); break;
      case Header::expires:
      case Header::max_forwards:
      case Header::content_length: good_ = parse_delta_seconds(value).has_value() && good_; break;
      case Header::content_type: take(parse_media_type(value)); break;
      case Header::accept: each(value, &FullReader::media_type); break;
      case Header::event:
      case Header::subscription_state:
      case Header::content_disposition: tokens(value); break;
      case Header::reason: each(value, &FullReader::reason); break;
      case Header::allow:
      case Header::supported:
      case Header::require:
      case Header::allow_events:
      case Header::privacy: each(value, &FullReader::token); break;
      case Header::p_charging_vector: params(value); break;
      case Header::authorization:
      case Header::proxy_authorization:
      case Header::www_authenticate: credentials(value); break;
      default: sum_ += value.size(); break;
    }
  }
  void each(std::string_view value, void (FullReader::*take_one)(std::string_view)) {
    for (const std::string_view element : List{value}) (this->*take_one)(element);
  }
  template <class R>
  void take(const R& result) {
    good_ = good_ && result.has_value();
    ++sum_;
  }
  void params(std::string_view text) {
    ParamCursor cursor(text);
    for (Param param; cursor.next(param);) sum_ += param.name.size() + param.value.size();
    good_ = good_ && !cursor.is_broken();
  }
  void uri_params(std::string_view text) { params(text); }
  void address(std::string_view text) {
    const auto parsed = parse_name_addr(text);
    good_ = good_ && parsed.has_value();
    if (parsed) typed(*parsed);
  }
  void typed(const NameAddr& address) {
    uri(address.uri);
    params(address.params);
  }
  void uri(std::string_view text) {
    const auto parsed = parse_uri(text);
    good_ = good_ && parsed.has_value();
    if (parsed) uri_params(parsed->params);
  }
  void contact(std::string_view text) {
    const auto parsed = parse_contact(text);
    good_ = good_ && parsed.has_value();
    if (!parsed) return;
    uri(parsed->address.uri);
    sum_ += parsed->instance.size();
  }
  void media_type(std::string_view text) { take(parse_media_type(text)); }
  void reason(std::string_view text) { take(parse_reason(text)); }
  void token(std::string_view text) { sum_ += text.size(); }
  void tokens(std::string_view text) {
    const auto parsed = parse_token_params(text);
    good_ = good_ && parsed.has_value();
    if (parsed) params(parsed->params);
  }
  void credentials(std::string_view text) {
    const auto parsed = DigestParams::parse(text);
    good_ = good_ && parsed.has_value();
    if (parsed) sum_ += parsed->size();
  }
  void vias(std::string_view text) {
    for (size_t at = 0; at < text.size();) {
      size_t size = 0;
      const auto via = parse_via(text.substr(at), size);
      good_ = good_ && via.has_value();
      if (!via) return;
      params(via->params);
      at += size;
    }
  }

  size_t sum_ = 0;
  bool good_ = true;
};

class Isthmus : public Peer {
 public:
  std::string_view name() const override { return "isthmus"; }

  bool route(std::string_view bytes, Fields& fields) override {
    if (!parse(as_bytes(bytes), message_)) return false;
    if (message_.is_request()) {
      fields.method = message_.method_text();
      const Uri uri = message_.request_uri_parsed();
      fields.uri_user = uri.user;
      fields.uri_host = uri.host;
      fields.uri_port = uri.port;
    }
    fields.status = message_.status();
    const Via via = message_.via();
    fields.transport = via.transport;
    fields.sent_by = via.host;
    fields.sent_by_port = via.port;
    fields.branch = via.branch;
    fields.received = via.received;
    fields.rport = via.rport_value != 0 ? *find_param(via.params, "rport") : std::string_view{};
    fields.from_tag = message_.from_tag();
    fields.to_tag = message_.to_tag();
    fields.call_id = message_.call_id();
    fields.cseq = message_.cseq().number;
    fields.cseq_method = message_.cseq().method_text;
    fields.max_forwards = message_.max_forwards() ? *message_.max_forwards() : -1;
    fields.content_length = message_.content_length().value_or(0);
    fields.body_size = message_.body().size();
    return true;
  }

  bool full(std::string_view bytes, size_t& sum) override {
    Fields fields;
    if (!route(bytes, fields)) return false;
    FullReader reader;
    sum = reader.read(message_);
    return reader.good();
  }

  void release() override {}

  bool respond(std::string& out) override {
    static constexpr std::array<HeaderValue, 1> kHeaders = {{{Header::contact, kContact}}};
    write_response(message_, Reply{.status = 200, .to_tag = kToTag, .headers = kHeaders}, out);
    return true;
  }

  bool prepare() override {
    draft_ = draft_of(message_);
    // All Via lines: in a request of ours the endpoint writes the one that there is.
    via_.clear();
    for (const std::string_view value : message_.values(Header::via))
      (via_ += via_.empty() ? "" : "\r\nVia: ").append(value);
    return true;
  }
  bool serialise(std::string& out) override {
    write_request(draft_, via_, out);
    return true;
  }

 private:
  Message message_;
  Draft draft_;
  std::string via_;
};

}  // namespace

std::unique_ptr<Peer> make_isthmus() {
  return std::make_unique<Isthmus>();
}

}  // namespace isthmus::bench
