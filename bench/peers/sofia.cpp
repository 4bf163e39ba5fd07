// SPDX-License-Identifier: MIT
// sofia-sip parses every header as the message comes in, so its L1 and L2 are one.
#include <sofia-sip/msg_addr.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_parser.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/su.h>

#include <cstring>

#include "bench/peers/peer.hpp"

namespace isthmus::bench {
namespace {

sip_header_t* header(void* any) {
  return static_cast<sip_header_t*>(any);
}

class Sofia : public Peer {
 public:
  ~Sofia() override { release(); }
  std::string_view name() const override { return "sofia-sip"; }

  bool route(std::string_view bytes, Fields& fields) override {
    msg_ = msg_make(sip_default_mclass(), 0, bytes.data(), static_cast<ssize_t>(bytes.size()));
    sip_ = sip_object(msg_);
    if (sip_ == nullptr || sip_->sip_error != nullptr || sip_->sip_via == nullptr || sip_->sip_cseq == nullptr)
      return false;
    if (sip_->sip_request != nullptr) {
      fields.method = view_of(sip_->sip_request->rq_method_name);
      fields.uri_user = view_of(sip_->sip_request->rq_url->url_user);
      fields.uri_host = view_of(sip_->sip_request->rq_url->url_host);
      fields.uri_port = number_of(sip_->sip_request->rq_url->url_port);
    } else {
      fields.status = sip_->sip_status->st_status;
    }
    const sip_via_t* via = sip_->sip_via;
    const std::string_view protocol = view_of(via->v_protocol);
    fields.transport = protocol.substr(protocol.rfind('/') + 1);
    fields.sent_by = view_of(via->v_host);
    fields.sent_by_port = number_of(via->v_port);
    fields.branch = view_of(via->v_branch);
    fields.received = view_of(via->v_received);
    fields.rport = view_of(via->v_rport);
    fields.from_tag = view_of(sip_->sip_from->a_tag);
    fields.to_tag = view_of(sip_->sip_to->a_tag);
    fields.call_id = view_of(sip_->sip_call_id->i_id);
    fields.cseq = sip_->sip_cseq->cs_seq;
    fields.cseq_method = view_of(sip_->sip_cseq->cs_method_name);
    fields.max_forwards = sip_->sip_max_forwards != nullptr ? static_cast<int>(sip_->sip_max_forwards->mf_count) : -1;
    fields.content_length = sip_->sip_content_length != nullptr ? sip_->sip_content_length->l_length : 0;
    fields.body_size = sip_->sip_payload != nullptr ? sip_->sip_payload->pl_len : 0;
    return true;
  }

  void release() override {
    if (msg_ != nullptr) msg_destroy(msg_);
    msg_ = nullptr;
  }

  bool respond(std::string& out) override {
    msg_t* reply = msg_create(sip_default_mclass(), 0);
    sip_t* sip = sip_object(reply);
    su_home_t* home = msg_home(reply);
    sip_to_t* to = sip_to_dup(home, sip_->sip_to);
    if (to->a_tag == nullptr) sip_to_tag(home, to, kToTag.data());
    const auto add = [&](void* any) { return sip_add_dup(reply, sip, header(any)) >= 0; };
    bool good =
        sip_header_insert(reply, sip, header(sip_status_create(home, 200, "OK", nullptr))) >= 0 && add(sip_->sip_via);
    if (sip_->sip_record_route != nullptr) good = good && add(sip_->sip_record_route);
    good = good && add(sip_->sip_from) && sip_header_insert(reply, sip, header(to)) >= 0 && add(sip_->sip_call_id) &&
           add(sip_->sip_cseq) && sip_header_insert(reply, sip, header(sip_contact_make(home, kContact.data()))) >= 0 &&
           sip_header_insert(reply, sip, header(sip_content_length_create(home, 0))) >= 0 &&
           sip_header_insert(reply, sip, header(sip_separator_create(home))) >= 0;
    good = good && msg_serialize(reply, reinterpret_cast<msg_pub_t*>(sip)) >= 0 && msg_prepare(reply) > 0;
    msg_iovec_t parts[64];
    const isize_t count = good ? msg_iovec(reply, parts, 64) : 0;
    out.clear();
    for (isize_t i = 0; i < count; ++i) out.append(static_cast<const char*>(parts[i].mv_base), parts[i].mv_len);
    msg_destroy(reply);
    return good && count > 0;
  }

  bool prepare() override { return true; }
  bool serialise(std::string& out) override {
    size_t size = 0;
    char* text = msg_as_string(msg_home(msg_), msg_, nullptr, 0, &size);
    if (text == nullptr) return false;
    out.assign(text, size);
    su_free(msg_home(msg_), text);
    return true;
  }

 private:
  msg_t* msg_ = nullptr;
  sip_t* sip_ = nullptr;
};

}  // namespace

std::unique_ptr<Peer> make_sofia() {
  return std::make_unique<Sofia>();
}

}  // namespace isthmus::bench
