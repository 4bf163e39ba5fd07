// SPDX-License-Identifier: MIT
#include "gateway/module/registrar.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "sip/message/headers.hpp"

namespace isthmus::gateway {
namespace {

constexpr size_t kMaxContacts = 16;  // in one REGISTER
constexpr size_t kMaxProvedFlows = 20000;

std::string number(uint64_t value) {
  std::string out;
  append_number(out, value);
  return out;
}

uint32_t seconds_left(TimePoint expires, TimePoint now) {
  if (expires <= now) return 0;
  return static_cast<uint32_t>(std::chrono::ceil<std::chrono::seconds>(expires - now).count());
}

// baresip before 3.12 gives up at a challenge whose algorithm it does not know, even where MD5 stands beside it
// (trap 27). Nothing is lost by offering it MD5 alone: who can forge this header could strike out the other line too.
bool stops_at_unknown_algorithm(std::string_view user_agent) {
  constexpr std::string_view kName = "baresip v";
  if (!user_agent.starts_with(kName)) return false;
  const std::string_view version = user_agent.substr(kName.size());
  const size_t dot = version.find('.');
  if (dot == std::string_view::npos) return false;
  const std::string_view rest = version.substr(dot + 1);
  const auto major = parse_number(version.substr(0, dot));
  const auto minor = parse_number(rest.substr(0, rest.find('.')));
  return major && minor && (*major < 3 || (*major == 3 && *minor < 12));
}

// RFC 3261 10.3 step 7, RFC 5626 6: the same instance and reg-id, else an equivalent URI.
bool is_same_binding(const Binding& known, std::string_view uri, std::string_view instance, uint32_t reg_id) {
  if (!instance.empty() && reg_id != 0) return known.instance == instance && known.reg_id == reg_id;
  const auto a = sip::parse_uri(known.contact);
  const auto b = sip::parse_uri(uri);
  return a && b && sip::equivalent(*a, *b);
}
bool is_same_binding(const Binding& known, const sip::Contact& contact) {
  return is_same_binding(known, contact.address.uri, contact.instance, contact.reg_id.value_or(0));
}

// For the owner alone; the sender is not told what was wrong (G18).
std::string_view why_refused(sip::Algorithm algorithm, const std::optional<sip::StoredHa1>& secret) {
  if (!secret) return "no such account";
  if (sip::is_sess(algorithm)) return "an algorithm that was not offered";
  const std::string& ha1 = sip::is_sha256(algorithm) ? secret->sha256 : secret->md5;
  return ha1.empty() ? "the account has no HA1 of that algorithm" : "wrong password";
}

// A flow that ended with the program is not opened again to just anywhere: a Contact serves instead (RFC 3263) only
// where it names the address that the REGISTER came from. Behind a NAT it would be a guess, and a stranger does not
// choose whom we send to.
bool is_own_address(const Binding& binding) {
  const auto uri = sip::parse_uri(binding.contact);
  return uri && IpAddress::parse(uri->host) == binding.path.remote.ip;
}

}  // namespace

std::string_view binding_status(const Binding& binding) {
  if (binding.path.flow) return "active";
  return is_own_address(binding) ? "restored" : "waiting";
}

Registrar::Registrar(const Settings& settings, const Seed& seed)
    : domains_(settings.domains),
      min_expires_(settings.min_expires),
      max_expires_(settings.max_expires),
      max_bindings_(settings.max_bindings_per_account),
      auth_(settings.user_agent.digests, sip::ServerAuthConfig{.realm = settings.realm}, seed) {
  domains_.push_back(settings.domain);
  for (const sip::Listener& listener : settings.user_agent.endpoint.listeners) domains_.push_back(listener.host);
  set_accounts(settings.accounts);
}

std::vector<Registrar::Change> Registrar::set_accounts(const std::vector<Account>& accounts) {
  const auto before = std::exchange(accounts_, {});
  for (const Account& account : accounts) accounts_[account.name] = account.secret;
  std::erase_if(proved_, [&](const auto& stream) {
    const auto now = accounts_.find(stream.second);
    const auto then = before.find(stream.second);
    return now == accounts_.end() || then == before.end() || now->second.md5 != then->second.md5 ||
           now->second.sha256 != then->second.sha256;
  });
  std::vector<Change> out;
  for (auto each = bindings_.begin(); each != bindings_.end();) {
    if (accounts_.contains(each->first)) {
      ++each;
      continue;
    }
    for (Binding& binding : each->second) out.push_back({each->first, std::move(binding), false, true, {}});
    lost_.erase(each->first);
    each = bindings_.erase(each);
  }
  return out;
}

bool Registrar::is_own_domain(std::string_view host) const {
  return std::any_of(domains_.begin(), domains_.end(),
                     [&](const std::string& own) { return sip::is_same_host(own, host); });
}

// ---- who is it?

Refuse Registrar::challenge(Now now, const sip::Message& asking, bool proxy, bool stale, bool after_refusal) const {
  Refuse out{proxy ? 407 : 401, {}, "credentials needed"};
  std::vector<std::string> values = auth_.challenge(now, stale, after_refusal);
  const std::string_view user_agent = asking.header(sip::Header::user_agent).value_or(std::string_view{});
  if (values.size() > 1 && stops_at_unknown_algorithm(user_agent)) values.erase(values.begin());  // MD5 is the last
  for (std::string& value : values) {
    out.headers.push_back({proxy ? "Proxy-Authenticate" : "WWW-Authenticate", std::move(value)});
  }
  return out;
}

// R1.4: From, and P-Asserted-Identity or P-Preferred-Identity where given, must be an identity of the account.
bool Registrar::speaks_for(const sip::Message& message, std::string_view account) const {
  const auto is_own = [&](std::string_view uri_text) {
    const auto uri = sip::parse_uri(uri_text);
    return uri && uri->is_sip() && is_own_domain(uri->host) && sip::unescape(uri->user) == account;
  };
  if (!is_own(message.from().uri)) return false;
  for (const sip::Header header :
       {sip::Header::p_asserted_identity, sip::Header::p_preferred_identity, sip::Header::remote_party_id}) {
    for (const std::string_view element : message.elements(header)) {
      const auto address = sip::parse_name_addr(element);
      if (!address || !is_own(address->uri)) return false;
    }
  }
  return true;
}

InVerdict Registrar::authenticate(Now now, const Incoming& request, bool proxy) {
  const sip::Message& message = request.message;
  std::vector<std::string_view> values;
  for (const auto value : message.values(proxy ? sip::Header::proxy_authorization : sip::Header::authorization))
    values.push_back(value);
  const auto claimed = auth_.read(values);
  if (!claimed) return challenge(now, message, proxy, false);
  if (!*claimed) {
    const auto proved = proved_.find(request.path.flow);
    if (proved == proved_.end() || !is_reliable(request.protocol)) return challenge(now, message, proxy, false);
    return Admitted{proved->second, true};
  }
  const sip::ClaimedCredentials& credentials = **claimed;
  const auto known = accounts_.find(credentials.user);
  const auto secret = known == accounts_.end() ? std::nullopt : std::optional(known->second);
  switch (auth_.verify(now, message.method_text(), credentials, secret)) {
    case sip::AuthVerdict::accepted: break;
    case sip::AuthVerdict::stale: return challenge(now, message, proxy, true);
    // Refused, but the password is right: a phone whose request was repeated after a lost refusal goes on at once.
    case sip::AuthVerdict::replayed: return challenge(now, message, proxy, true);
    case sip::AuthVerdict::refused:  // R4.2: one more try, then the end
      note_refused(request, credentials.user, why_refused(credentials.algorithm, secret));
      if (auth_.is_second_try(credentials)) return Refuse{403, {}, "wrong credentials"};
      return challenge(now, message, proxy, false, true);
  }
  // RFC 3261 22.4, RFC 7616 3.4.6: the digest must be of this request.
  if (credentials.uri != message.request_uri()) {
    note_refused(request, credentials.user, "the digest is of another Request-URI");
    return Refuse{403, {}, "the digest is of another Request-URI"};
  }
  if (is_reliable(request.protocol) && proved_.size() < kMaxProvedFlows) proved_[request.path.flow] = credentials.user;
  return Admitted{credentials.user, true};
}

void Registrar::note_refused(const Incoming& request, const std::string& user, std::string_view why) {
  refused_ = CredentialsRefused{user, why, sip::text(request.message.method()), request.path.remote.ip};
}

InVerdict Registrar::callin(Now now, const Incoming& request) {
  InVerdict verdict = authenticate(now, request, true);
  const auto* admitted = std::get_if<Admitted>(&verdict);
  if (admitted == nullptr || speaks_for(request.message, admitted->account)) return verdict;
  return foreign(now, request, true, admitted->account, "From is not of this account");
}

InVerdict Registrar::vouch(Now now, const Incoming& request, const Party& party) {
  if (party.account.empty()) return NotMine{};
  InVerdict verdict = authenticate(now, request, true);
  const auto* admitted = std::get_if<Admitted>(&verdict);
  if (admitted == nullptr || admitted->account == party.account) return verdict;
  return foreign(now, request, true, admitted->account, "the call is of another account");
}

// Somebody else than the flow has proved, without credentials of his own, is asked for them: several accounts may share
// one connection. Who gave credentials and speaks for another is refused.
Refuse Registrar::foreign(Now now, const Incoming& request, bool proxy, const std::string& user, std::string_view why) {
  const auto header = proxy ? sip::Header::proxy_authorization : sip::Header::authorization;
  if (!request.message.has(header)) return challenge(now, request.message, proxy, false);
  note_refused(request, user, why);
  return {403, {}, std::string(why)};
}

std::vector<Registrar::Change> Registrar::flow_down(FlowId flow) {
  std::vector<Change> out;
  proved_.erase(flow);
  const auto stream = streams_.extract(flow);
  if (stream.empty()) return out;
  const auto lost = [&](const Binding& binding) { return binding.path.flow == flow; };
  for (const std::string& account : stream.mapped()) {
    const auto at = bindings_.find(account);
    if (at == bindings_.end()) continue;
    for (const Binding& binding : at->second) {
      if (!lost(binding)) continue;
      out.push_back({account, binding, false, true, {}});
      auto& remembered = lost_[account];
      if (remembered.size() >= max_bindings_) remembered.erase(remembered.begin());
      remembered.push_back(binding);
    }
    std::erase_if(at->second, lost);
    if (at->second.empty()) bindings_.erase(at);
  }
  return out;
}

// ---- where is it?

OutVerdict Registrar::callout(Now now, const Parties& parties) {
  if (!accounts_.contains(parties.to)) return NotMine{};
  const auto found = bindings_.find(parties.to);
  const Binding* best = nullptr;
  bool calls_itself = false;
  if (found != bindings_.end()) {
    for (const Binding& binding : found->second) {
      const bool reachable = binding.path.flow || is_own_address(binding);
      if (binding.expires <= now.steady || !reachable) continue;
      // R1.30: back to the binding that calls.
      if (parties.account == parties.to && parties.source == binding.path) {
        calls_itself = true;
        continue;
      }
      const auto rank = [](const Binding& one) { return std::pair(one.path.flow ? 1 : 0, one.updated); };
      if (best == nullptr || rank(binding) >= rank(*best)) best = &binding;
    }
  }
  if (best == nullptr && calls_itself) return Refuse{482, {}, "the route leads back to the caller"};
  if (best == nullptr) return Refuse{480, {}, "known, but not registered now"};
  SipTarget target;
  target.request_uri = best->contact;
  if (best->path.flow) {
    target.target.path = best->path;
  } else {
    target.target.uri = best->contact;
  }
  target.keep_flow = true;
  return Mine{target};
}

const std::vector<Binding>* Registrar::bindings(std::string_view account) const {
  const auto found = bindings_.find(account);
  return found == bindings_.end() ? nullptr : &found->second;
}

// ---- REGISTER

Registrar::Outcome Registrar::register_(Now now, const Incoming& request) {
  const sip::Message& message = request.message;
  InVerdict verdict = authenticate(now, request, false);
  if (auto* refused = std::get_if<Refuse>(&verdict)) return {refused->status, std::move(refused->headers), true, {}};
  const std::string account = std::get<Admitted>(verdict).account;
  const auto address = sip::parse_uri(message.to().uri);
  const auto from = sip::parse_uri(message.from().uri);
  const bool own =
      address && address->is_sip() && is_own_domain(address->host) && sip::unescape(address->user) == account;
  if (!own || !from || sip::unescape(from->user) != account) {
    Refuse refused = foreign(now, request, false, account, "From or To is of another account or domain");
    return {refused.status, std::move(refused.headers), true, {}};
  }
  return apply(now, request, account);
}

Registrar::Outcome Registrar::list(Now now, const std::string& account) const {
  Outcome out;
  const auto found = bindings_.find(account);
  if (found == bindings_.end()) return out;
  for (const Binding& binding : found->second) {
    std::string value = "<" + binding.contact + ">;expires=" + number(seconds_left(binding.expires, now.steady));
    if (!binding.instance.empty()) value += ";+sip.instance=\"" + binding.instance + "\"";
    if (binding.reg_id != 0) value += ";reg-id=" + number(binding.reg_id);
    out.headers.push_back({"Contact", std::move(value)});
  }
  return out;
}

// All or nothing (10.3): every contact is checked before any is changed.
Registrar::Outcome Registrar::apply(Now now, const Incoming& request, const std::string& account) {
  const sip::Message& message = request.message;
  std::vector<sip::Contact> contacts;
  bool star = false;
  for (const std::string_view element : message.elements(sip::Header::contact)) {
    const auto contact = sip::parse_contact(element);
    if (!contact || contacts.size() >= kMaxContacts) return {400, {}, false, {}};
    star = star || contact->is_star;
    contacts.push_back(*contact);
  }
  const uint32_t common = message.expires().value_or(static_cast<uint32_t>(max_expires_.count()));
  if (star && (contacts.size() != 1 || message.expires() != 0u)) return {400, {}, false, {}};

  std::vector<Binding> next;
  if (const auto* known = bindings(account)) next = *known;
  std::vector<Change> changes;
  const auto remove_at = [&](size_t index) {
    changes.push_back({account, next[index], false, true, {}});
    next.erase(next.begin() + static_cast<std::ptrdiff_t>(index));
  };
  const auto is_old = [&](const Binding& known) {
    return known.call_id == message.call_id() && message.cseq().number <= known.cseq;
  };
  if (star) {
    if (std::any_of(next.begin(), next.end(), is_old)) return {500, {}, false, {}};
    while (!next.empty()) remove_at(0);
    contacts.clear();
  }
  for (const sip::Contact& contact : contacts) {
    const uint32_t wanted = contact.expires.value_or(common);
    if (wanted > 0 && wanted < min_expires_.count())
      return {423, {{"Min-Expires", number(static_cast<uint64_t>(min_expires_.count()))}}, false, {}};
    const auto uri = contact.address.parsed_uri();
    if (!uri || !uri->is_sip()) return {400, {}, false, {}};
    const auto known = std::find_if(next.begin(), next.end(),
                                    [&](const Binding& binding) { return is_same_binding(binding, contact); });
    if (known != next.end() && is_old(*known)) return {500, {}, false, {}};
    std::optional<Path> moved_from;
    if (known != next.end() && known->path != request.path) moved_from = known->path;
    if (known != next.end()) remove_at(static_cast<size_t>(known - next.begin()));
    if (wanted > 0 && !moved_from) moved_from = take_lost(account, contact);
    if (wanted == 0) continue;
    if (next.size() >= max_bindings_) {  // a phone that came back by another Contact has left the old one behind
      const auto stale = std::find_if(next.begin(), next.end(), [](const Binding& one) { return !one.path.flow; });
      if (stale == next.end()) return {403, {}, false, {}};
      remove_at(static_cast<size_t>(stale - next.begin()));
    }
    const auto granted = std::min<std::chrono::seconds>(std::chrono::seconds(wanted), max_expires_);
    Binding binding{std::string(contact.address.uri),
                    std::string(contact.instance),
                    contact.reg_id.value_or(0),
                    std::string(message.call_id()),
                    message.cseq().number,
                    request.path,
                    request.protocol,
                    now.steady + granted,
                    now.steady,
                    std::string(message.header(sip::Header::user_agent).value_or(std::string_view{}))};
    earliest_ = std::min(earliest_, binding.expires);
    if (is_reliable(binding.protocol)) streams_[binding.path.flow].insert(account);
    changes.push_back({account, binding, true, false, moved_from});
    next.push_back(std::move(binding));
  }
  if (next.empty()) {
    bindings_.erase(account);
  } else {
    bindings_[account] = std::move(next);
  }
  Outcome out = list(now, account);
  out.changes = std::move(changes);
  return out;
}

std::optional<Path> Registrar::take_lost(const std::string& account, const sip::Contact& contact) {
  const auto found = lost_.find(account);
  if (found == lost_.end()) return std::nullopt;
  auto& list = found->second;
  const auto same =
      std::find_if(list.begin(), list.end(), [&](const Binding& binding) { return is_same_binding(binding, contact); });
  if (same == list.end()) return std::nullopt;
  const Path path = same->path;
  list.erase(same);
  if (list.empty()) lost_.erase(found);
  return path;
}

// ---- over a restart

KeptBinding Registrar::keep(const std::string& account, const Binding& binding, Now now) {
  return {account,
          binding.contact,
          binding.instance,
          binding.reg_id,
          binding.call_id,
          binding.cseq,
          binding.protocol,
          binding.path.remote,
          binding.path.local,
          now.wall + (binding.expires - now.steady),
          now.wall + (binding.updated - now.steady),
          binding.user_agent};
}

// What has expired meanwhile goes by the next expire(). A clock that was put back makes nothing last longer than it
// may.
std::vector<Registrar::Change> Registrar::restore(Now now, const std::vector<KeptBinding>& kept) {
  std::vector<Change> out;
  for (const KeptBinding& one : kept) {
    const Duration left = std::min<Duration>(one.expires - now.wall, max_expires_);
    const Binding binding{one.contact,   one.instance,      one.reg_id,
                          one.call_id,   one.cseq,          {{}, one.remote, one.local},
                          one.protocol,  now.steady + left, now.steady + std::min<Duration>(one.updated - now.wall, {}),
                          one.user_agent};
    if (!accounts_.contains(one.account)) {
      out.push_back({one.account, binding, false, true, {}});
      continue;
    }
    earliest_ = std::min(earliest_, binding.expires);
    // The program ended between what came and what it replaced: the newer one counts, and comes later here.
    auto& list = bindings_[one.account];
    std::erase_if(list, [&](const Binding& older) {
      const bool replaced = is_same_binding(older, one.contact, one.instance, one.reg_id);
      if (replaced) out.push_back({one.account, older, false, true, {}});
      return replaced;
    });
    list.push_back(binding);
  }
  return out;
}

std::vector<Path> Registrar::flow_up(const FlowFacts& facts) {
  std::vector<Path> out;
  if (is_reliable(facts.protocol)) return out;
  for (auto& [account, list] : bindings_) {
    for (Binding& binding : list) {
      const bool same = binding.protocol == facts.protocol && sip::has_address(facts.path.local, binding.path.local);
      if (binding.path.flow || !same) continue;
      binding.path.flow = facts.path.flow;
      out.push_back(binding.path);
    }
  }
  return out;
}

std::vector<Registrar::Change> Registrar::expire(TimePoint now) {
  std::vector<Change> out;
  if (earliest_ > now) return out;
  earliest_ = kNever;
  for (auto it = bindings_.begin(); it != bindings_.end();) {
    auto& list = it->second;
    for (const Binding& binding : list) {
      if (binding.expires <= now) out.push_back({it->first, binding, false, true, {}});
    }
    std::erase_if(list, [&](const Binding& binding) { return binding.expires <= now; });
    for (const Binding& binding : list) earliest_ = std::min(earliest_, binding.expires);
    it = list.empty() ? bindings_.erase(it) : std::next(it);
  }
  return out;
}

}  // namespace isthmus::gateway
