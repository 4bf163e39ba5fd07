#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A phone calls, and a client made by the API takes it (R0.21, R0.23): by the web server's `switch`, by the API's, and by routing. Such a client has an
id beside the identities that are dialled; webhooks, API and log name it by its id, whichever of them was. Usage: switch_test.py PROGRAM"""
import json
import os
import sys
import unittest

import smoke_test
from smoke_test import OFFER, WebSocket
from webhook_test import SCHEMA, SCHEMA_OF, Callee, Gateway, WebServer, wait_for
from why_test import Phone

CLIENT, IDENTITIES = "desk-1", ["7001", "7002"]
PHONES = '[[trunk]]\nname = "phones"\nsources = ["127.0.0.1"]\n'


class Switch(unittest.TestCase):
    def setUp(self):
        callee = Callee()
        self.addCleanup(callee.socket.close)
        self.web_server = WebServer()
        self.addCleanup(self.web_server.stop)
        self.gateway = Gateway(callee, self.web_server.url, policy=5, more=PHONES)
        self.addCleanup(self.gateway.stop)
        self.alice = self.gateway.client()
        self.addCleanup(self.alice.socket.close)
        status, made = self.gateway.http("POST", "/api/v1/clients", json.dumps({"id": CLIENT, "identities": IDENTITIES}))
        self.assertEqual((status, made["id"]), (201, CLIENT))
        self.desk = WebSocket(self.gateway.port)
        self.addCleanup(self.desk.socket.close)
        self.assertEqual(self.desk.request("sign_in", client=CLIENT, key=made["key"])["result"]["identities"], IDENTITIES)

    def answer_questions(self, status, body=""):
        self.web_server.answer = lambda event: (status, body) if event["type"] in ("call.incoming", "call.admission") else (204, "")

    def dial(self, to):
        """A phone's call: the phone, and the call as the web server is asked about it."""
        phone = Phone(self.gateway)
        self.addCleanup(phone.socket.close)
        phone.send("INVITE", to, f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {phone.port + 2} RTP/AVP 0\r\n")
        return phone, self.question("call.incoming")

    def question(self, kind):
        return wait_for(lambda: next((event["json"]["data"]["call"] for event in list(self.web_server.events) if event["json"]["type"] == kind), None))

    def is_taken(self, phone, question):
        """The client hears of the call and declines it; who was dialled does not. Everybody else is told who it was."""
        call = question["id"]
        facts = self.desk.state("calling")
        self.assertEqual([facts[name] for name in ("call_id", "dir", "from", "to")], [call, "incoming", "1000", question["to"]])
        self.assertEqual([note["method"] for note in self.desk.notifications], ["on_incoming_call"])
        self.assertIn("a=fingerprint", facts["sdp"])
        self.desk.request("ringing", call_id=call)
        status, detail = self.gateway.http("GET", f"/api/v1/calls/{call}")
        self.assertEqual((status, SCHEMA.faults("Call", detail)), (200, []))
        self.assertEqual((detail["current_state"], detail["client"]), ("ringing", CLIENT))
        self.assertEqual(self.gateway.http("GET", "/api/v1/calls")[1]["entries"][0]["client"], CLIENT)
        status, late = self.gateway.http("POST", f"/api/v1/calls/{call}/switch", '{"client":"alice"}')
        self.assertEqual((status, late["error"]["code"]), (409, "wrong_state"))

        self.assertEqual(self.desk.request("reject_call", call_id=call)["result"]["state"], "dropped")
        self.assertIn("SIP/2.0 603", phone.final())
        wait_for(lambda: "dropped" in self.web_server.states(call))
        events = [event["json"] for event in self.web_server.of_call(call)]
        self.assertEqual([SCHEMA.faults(SCHEMA_OF["call"], event) for event in events], [[]] * len(events))
        told = [(event["data"]["call"]["current_state"], event["data"]["call"]["client"]) for event in events]
        self.assertEqual(told, [("pending", question["client"]), ("calling", CLIENT), ("ringing", CLIENT), ("dropped", CLIENT)])
        self.gateway.program.line(rf"info call {call} incoming from 1000 to {question['to']} by client client {CLIENT} ended: rejected 603 ")
        self.alice.request("ping")
        self.assertEqual(self.alice.notifications, [])

    def test_R0_21_the_web_server_switches_to_it_by_its_id(self):
        self.answer_questions(200, json.dumps({"action": "switch", "client": CLIENT}))
        phone, question = self.dial("alice")
        self.assertEqual(question["client"], "alice")
        self.is_taken(phone, question)

    def test_R0_21_a_client_that_nobody_is_cannot_be_reached(self):
        self.answer_questions(200, json.dumps({"action": "switch", "client": "nobody"}))
        phone, question = self.dial("alice")
        self.assertIn("SIP/2.0 480", phone.final())

    def test_R0_23_the_api_switches_to_it_by_its_id(self):
        self.answer_questions(202)
        phone, question = self.dial("alice")
        switch = lambda client: self.gateway.http("POST", f"/api/v1/calls/{question['id']}/switch", json.dumps({"client": client}))
        status, refused = switch(IDENTITIES[0])
        self.assertEqual((status, refused["error"]["code"]), (404, "unknown_client"), "an identity is no id")
        status, switched = switch(CLIENT)
        self.assertEqual((status, SCHEMA.faults("Call", switched), switched["client"]), (200, [], CLIENT))
        self.is_taken(phone, question)

    def test_R0_24_it_is_named_by_its_id_where_routing_finds_it(self):
        self.answer_questions(200, '{"action":"route"}')
        phone, question = self.dial(IDENTITIES[1])
        self.assertEqual(question["client"], CLIENT)
        self.is_taken(phone, question)

    def test_R0_24_it_is_named_by_its_id_where_it_calls(self):
        self.answer_questions(200, '{"allowed":false}')
        error = self.desk.request("make_call", to="echo", sdp=OFFER, **{"from": IDENTITIES[1]})["error"]
        question = self.question("call.admission")
        self.assertEqual([question[name] for name in ("id", "client", "from")], [error["data"]["call_id"], CLIENT, IDENTITIES[1]])
        self.gateway.program.line(rf"info call {question['id']} outgoing from {IDENTITIES[1]} to echo by echo client {CLIENT} ended: refused 403 ")


if __name__ == "__main__":
    smoke_test.PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
