// SPDX-License-Identifier: MIT
// libosip2 keeps headers that it has no type for as text; its L1 and L2 are one.
#include <osipparser2/osip_parser.h>
#include <osipparser2/osip_port.h>

#include "bench/peers/peer.hpp"

namespace isthmus::bench {
namespace {

std::string_view param(osip_list_t* params, const char* name) {
  osip_generic_param_t* found = nullptr;
  osip_generic_param_get_byname(params, const_cast<char*>(name), &found);
  return found == nullptr ? std::string_view{} : view_of(found->gvalue);
}

class Osip : public Peer {
 public:
  Osip() { parser_init(); }
  ~Osip() override { release(); }
  std::string_view name() const override { return "libosip2"; }

  bool route(std::string_view bytes, Fields& fields) override {
    if (osip_message_init(&message_) != 0) return false;
    if (osip_message_parse(message_, bytes.data(), bytes.size()) != 0) return false;
    auto* via = static_cast<osip_via_t*>(osip_list_get(&message_->vias, 0));
    if (via == nullptr || message_->cseq == nullptr || message_->call_id == nullptr) return false;
    if (message_->sip_method != nullptr) {
      fields.method = view_of(message_->sip_method);
      fields.uri_user = view_of(message_->req_uri->username);
      fields.uri_host = view_of(message_->req_uri->host);
      fields.uri_port = number_of(message_->req_uri->port);
    } else {
      fields.status = message_->status_code;
    }
    fields.transport = view_of(via->protocol);
    fields.sent_by = view_of(via->host);
    fields.sent_by_port = number_of(via->port);
    fields.branch = param(&via->via_params, "branch");
    fields.received = param(&via->via_params, "received");
    fields.rport = param(&via->via_params, "rport");
    fields.from_tag = param(&message_->from->gen_params, "tag");
    fields.to_tag = param(&message_->to->gen_params, "tag");
    call_id_ = view_of(message_->call_id->number);
    if (message_->call_id->host != nullptr) call_id_ += "@" + std::string(message_->call_id->host);
    fields.call_id = call_id_;
    fields.cseq = number_of(message_->cseq->number);
    fields.cseq_method = view_of(message_->cseq->method);
    osip_header_t* forwards = nullptr;
    osip_message_header_get_byname(message_, "max-forwards", 0, &forwards);
    fields.max_forwards = forwards != nullptr ? static_cast<int>(number_of(forwards->hvalue)) : -1;
    fields.content_length = message_->content_length != nullptr ? number_of(message_->content_length->value) : 0;
    auto* body = static_cast<osip_body_t*>(osip_list_get(&message_->bodies, 0));
    fields.body_size = body != nullptr ? body->length : 0;
    return true;
  }

  void release() override {
    if (message_ != nullptr) osip_message_free(message_);
    message_ = nullptr;
  }

  bool respond(std::string& out) override {
    osip_message_t* reply = nullptr;
    if (osip_message_init(&reply) != 0) return false;
    osip_message_set_version(reply, osip_strdup("SIP/2.0"));
    osip_message_set_status_code(reply, 200);
    osip_message_set_reason_phrase(reply, osip_strdup("OK"));
    osip_from_clone(message_->from, &reply->from);
    osip_to_clone(message_->to, &reply->to);
    if (param(&reply->to->gen_params, "tag").empty()) osip_to_set_tag(reply->to, osip_strdup(kToTag.data()));
    osip_call_id_clone(message_->call_id, &reply->call_id);
    osip_cseq_clone(message_->cseq, &reply->cseq);
    clone<osip_via_t>(message_->vias, reply->vias, osip_via_clone);
    clone<osip_record_route_t>(
        message_->record_routes, reply->record_routes,
        [](const osip_record_route_t* from, osip_record_route_t** to) { return osip_record_route_clone(from, to); });
    osip_message_set_contact(reply, kContact.data());
    const bool good = to_text(reply, out);
    osip_message_free(reply);
    return good;
  }

  bool prepare() override { return true; }
  bool serialise(std::string& out) override {
    osip_message_force_update(message_);  // or it gives what it gave before
    return to_text(message_, out);
  }

 private:
  static bool to_text(osip_message_t* message, std::string& out) {
    char* text = nullptr;
    size_t size = 0;
    const bool good = osip_message_to_str(message, &text, &size) == 0;
    if (good) out.assign(text, size);
    osip_free(text);
    return good;
  }

  template <class T, class F>
  static void clone(osip_list_t& from, osip_list_t& to, F copy) {
    for (int i = 0; i < osip_list_size(&from); ++i) {
      T* element = nullptr;
      copy(static_cast<const T*>(osip_list_get(&from, i)), &element);
      osip_list_add(&to, element, -1);
    }
  }

  osip_message_t* message_ = nullptr;
  std::string call_id_;
};

}  // namespace

std::unique_ptr<Peer> make_osip() {
  return std::make_unique<Osip>();
}

}  // namespace isthmus::bench
