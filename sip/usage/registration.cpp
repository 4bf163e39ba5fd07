// SPDX-License-Identifier: MIT
#include "sip/usage/registration.hpp"

#include "base/text.hpp"
#include "sip/message/shard_key.hpp"
#include "sip/usage/invite.hpp"

namespace isthmus::sip {
namespace {

std::string_view host_of(std::string_view uri_text) {
  const auto uri = parse_uri(uri_text);
  return uri ? uri->host : std::string_view{};
}

// The interval that the registrar granted: the expires parameter of our Contact, else Expires, else what we asked for
// (10.2.4).
uint32_t granted(const Message& response, std::string_view contact_user, uint32_t asked) {
  for (const std::string_view element : response.elements(Header::contact)) {
    const auto address = parse_name_addr(element);
    if (!address) continue;
    const auto uri = address->parsed_uri();
    const auto expires = address->param("expires");
    if (!uri || uri->user != contact_user || !expires) continue;
    return static_cast<uint32_t>(parse_number(*expires, UINT32_MAX).value_or(asked));
  }
  return response.expires().value_or(asked);
}

}  // namespace

Registration::Registration(Pass& pass, Endpoint& endpoint, RegistrationId id, RegistrationSpec spec,
                           const Digests& digests)
    : id_(id),
      spec_(std::move(spec)),
      auth_(digests, spec_.credentials),
      wanted_(static_cast<uint32_t>(spec_.expires.count())) {
  call_id_ = make_call_id(id.shard(), endpoint.random());
  tag_ = make_tag(id.shard(), endpoint.random());
  send(pass, endpoint);
}

void Registration::send(Pass& pass, Endpoint& endpoint) {
  running_ = true;
  withdrawn_ = withdrawing_;
  Draft draft = Draft::request(Method::register_, spec_.registrar);
  draft.add_number(Header::max_forwards, 70);
  draft.add(Header::from, spec_.address + ";tag=" + tag_);
  draft.add(Header::to, spec_.address);
  draft.add(Header::call_id, call_id_);
  std::string cseq;
  append_number(cseq, ++cseq_);
  draft.add(Header::cseq, cseq + " REGISTER");
  draft.add_number(Header::expires, withdrawing_ ? 0 : wanted_);
  for (const AuthLine& line : auth_.lines(host_of(spec_.registrar), "REGISTER", spec_.registrar)) {
    draft.add_text(credentials_header(line.proxy), line.value);
  }
  endpoint.send(pass, {std::move(draft), spec_.target, spec_.contact_user, {}, false},
                {uint64_t{id_.slot} << 32 | id_.generation, static_cast<uint32_t>(Purpose::registration), 0});
}

void Registration::withdraw(Pass& pass, Endpoint& endpoint) {
  if (withdrawing_) return;
  withdrawing_ = true;
  if (!running_) send(pass, endpoint);
}

void Registration::refresh(Pass& pass, Endpoint& endpoint) {
  send(pass, endpoint);
}

Registration::Outcome Registration::settle(Pass& pass, uint16_t status, Duration next) {
  over_ = withdrawing_;
  return {status, true, over_ ? kNever : pass.now.steady + next};
}

Registration::Outcome Registration::response(Pass& pass, Endpoint& endpoint) {
  const Message& message = endpoint.message();
  const int status = message.status();
  if (status < 200) return {};
  running_ = false;
  if (status == 401 || status == 407) {
    std::vector<AuthLine> challenges;
    for (const auto value : message.values(Header::www_authenticate)) challenges.push_back({false, std::string(value)});
    for (const auto value : message.values(Header::proxy_authenticate))
      challenges.push_back({true, std::string(value)});
    if (auth_.challenged(host_of(spec_.registrar), challenges, endpoint.random()) == AuthAnswer::retry) {
      send(pass, endpoint);
      return {};
    }
    return failed(pass, static_cast<uint16_t>(status));
  }
  auth_.settled();
  if (withdrawing_ && !withdrawn_) {  // the owner changed its mind while this one was on its way
    send(pass, endpoint);
    return {};
  }
  if (status == 423 && !withdrawing_) {  // 10.2.8: with the interval that the registrar wants
    const auto least = message.header(Header::min_expires);
    const auto seconds = least ? parse_number(*least, UINT32_MAX) : std::nullopt;
    if (seconds && *seconds > wanted_) {
      wanted_ = static_cast<uint32_t>(*seconds);
      send(pass, endpoint);
      return {};
    }
  }
  if (status / 100 != 2) return failed(pass, static_cast<uint16_t>(status));
  backoff_ = kRetryFirst;
  const auto interval = std::chrono::seconds(granted(message, spec_.contact_user, wanted_));
  return settle(pass, static_cast<uint16_t>(status),
                std::max<Duration>(interval * kRefreshPercent / 100, std::chrono::seconds(1)));
}

Registration::Outcome Registration::failed(Pass& pass, uint16_t status) {
  running_ = false;
  const Duration wait = backoff_;
  backoff_ = std::min(backoff_ * 2, kRetryLongest);
  return settle(pass, status, wait);
}

}  // namespace isthmus::sip
