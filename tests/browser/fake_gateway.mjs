// SPDX-License-Identifier: MIT
// A gateway for tests of the page alone: serves gateway/web with the real headers and speaks docs/api.md on /ws, with calls that follow a
// script instead of SIP. What a number does is told by NUMBERS; media, where a test wants any, comes from a MediaPeer.

import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {WebSocketServer} from 'ws';

const WEB = fileURLToPath(new URL('../../gateway/web/', import.meta.url));
const TYPES = {'.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml'};
const HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Content-Security-Policy': "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Permissions-Policy': 'microphone=(self), camera=(), geolocation=()',
  'Cache-Control': 'no-cache',
};

/** What happens after `pending`: a refusal, a list of states, or a final code. `calling` and `ringing` last are waited in. */
const NUMBERS = {
  echo: {states: ['calling', 'confirmed']},
  1002: {states: ['calling', 'ringing']},
  1183: {states: ['calling', 'ringing'], earlyMedia: true},
  1486: {states: ['calling', 'ringing'], final: {code: 486, reason: 'rejected', text: 'Busy Here'}},
  1499: {states: ['calling'], final: {code: 499, reason: 'rejected', text: '<img src=x onerror=alert(1)>'}},
  1403: {refused: {code: 403, reason: 'refused', text: 'not during the night'}},
  1000: {refused: {code: 403, reason: 'no_web_server'}},
  1408: {states: []},
};

export class FakeGateway {
  /** `{alice: 'secret'}` */
  accounts = {alice: 'secret', bob: 'secret'};
  graceSeconds = 5;
  media = null;
  /** Every request of every client, as [method, params]. */
  requests = [];
  #server;
  #sockets;
  #sessions = new Map();
  #calls = new Map();
  #last = 0;

  static async start() {
    const gateway = new FakeGateway();
    gateway.#server = http.createServer((request, response) => serve(request, response));
    gateway.#sockets = new WebSocketServer({server: gateway.#server, path: '/ws', handleProtocols: (offered) => offered.has('isthmus.v1') && 'isthmus.v1'});
    gateway.#sockets.on('connection', (socket) => gateway.#accept(socket));
    await new Promise((resolve) => { gateway.#server.listen(0, '127.0.0.1', resolve); });
    return gateway;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}/`;
  }

  async stop() {
    if (!this.#server.listening) return;
    this.cutConnections();
    this.#sockets.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => { this.#server.close(resolve); });
  }

  /** Cuts every connection as a failing network does. */
  cutConnections() {
    for (const socket of this.#sockets.clients) socket.terminate();
  }

  /** The sessions are forgotten, as after a restart. */
  forgetSessions() {
    this.#sessions.clear();
  }

  /** The calls that are not dropped. */
  get calls() {
    return [...this.#calls.values()].filter((call) => call.state !== 'dropped');
  }

  methods() {
    return this.requests.map(([method]) => method);
  }

  /** The callee picks up, or the far side ends the call. */
  confirm(call = this.calls[0]) {
    this.#become(call, 'confirmed', {sdp: call.sdp});
  }

  hangUp(call = this.calls[0], facts = {reason: 'hung_up'}) {
    this.#become(call, 'dropped', facts);
  }

  /** A call from `from` to the client `to`. */
  async ring(to, {from = '1001', fromName} = {}) {
    const session = [...this.#sessions.values()].find((each) => each.client === to);
    const call = {call_id: this.#id('c'), session, dir: 'incoming', from, to, state: 'calling', seq: 2, told: []};
    this.#calls.set(call.call_id, call);
    call.sdp = this.media ? await this.media.offer() : '';
    this.#tell(call, 'on_incoming_call', {...facts(call), prior_state: 'pending', from_name: fromName, sdp: call.sdp});
    return call;
  }

  #accept(socket) {
    const connection = {socket, session: null};
    socket.on('message', async (bytes) => {
      const {id, method, params = {}} = JSON.parse(bytes);
      this.requests.push([method, params]);
      try {
        const result = await this.#obey(connection, method, params);
        send(socket, {id, result});
        connection.after?.();
        connection.after = null;
      } catch (error) {
        send(socket, {id, error: {code: error.code ?? -32603, message: error.message, data: error.data}});
      }
    });
  }

  async #obey(connection, method, params) {
    if (method === 'ping') return {};
    if (method === 'sign_in') return this.#signIn(connection, params);
    if (method === 'resume') return this.#resume(connection, params);
    if (!connection.session) throw fault(-32000, 'not signed in');
    if (method === 'sign_out') {
      connection.after = () => connection.socket.close(4003);
      return {};
    }
    if (method === 'make_call') return this.#makeCall(connection.session, params);
    const call = this.#calls.get(params.call_id);
    if (!call || call.state === 'dropped') throw fault(-32005, 'unknown call');
    return this.#obeyCall(call, method, params);
  }

  #signIn(connection, {account, password}) {
    if (account === 'mallory') throw fault(-32003, 'rate limited', {retry_after: 42});
    if (this.accounts[account] !== password) throw fault(-32002, 'bad credentials');
    const session = {token: this.#id('t'), session: this.#id('s'), client: account, socket: connection.socket};
    this.#sessions.set(session.token, session);
    return this.#entered(connection, session);
  }

  #resume(connection, {token, seen}) {
    const session = this.#sessions.get(token);
    if (!session) throw fault(-32004, 'unknown session');
    const before = session.socket;
    session.socket = connection.socket;
    before.close(4002);
    connection.after = () => {
      for (const call of this.#calls.values()) {
        if (call.session !== session) continue;
        for (const told of call.told) if (told.params.seq > (seen[call.call_id] ?? 0)) send(session.socket, told);
      }
    };
    return this.#entered(connection, session);
  }

  #entered(connection, session) {
    connection.session = session;
    const calls = this.calls.filter((call) => call.session === session).map(facts);
    const {client, token} = session;
    return {client, session: session.session, token, identities: [client], grace_seconds: this.graceSeconds, calls};
  }

  async #makeCall(session, {to, ref, sdp}) {
    const script = NUMBERS[to];
    if (!script) throw fault(-32602, 'invalid params', {param: 'to'});
    const call = {call_id: this.#id('c'), ref, session, dir: 'outgoing', from: session.client, to, state: null, seq: 0, told: []};
    this.#calls.set(call.call_id, call);
    this.#become(call, 'pending');
    if (script.refused) {
      this.#become(call, 'dropped', script.refused);
      throw fault(-32001, 'refused', {call_id: call.call_id, ...script.refused});
    }
    if (script.states.length === 0) return new Promise(() => {});
    this.#follow(call, script, sdp);
    return {continue: call.call_id};
  }

  async #follow(call, script, offer) {
    call.sdp = this.media ? await this.media.answer(offer) : undefined;
    for (const state of script.states) {
      await pause(60);
      this.#become(call, state, state === 'calling' ? {} : {sdp: call.sdp, early_media: script.earlyMedia ?? false});
    }
    await pause(60);
    if (script.final) this.#become(call, 'dropped', script.final);
  }

  async #obeyCall(call, method, params) {
    if (method === 'ringing') this.#become(call, 'ringing');
    if (method === 'accept_call') {
      await this.media?.answered(params.sdp);
      this.#become(call, 'confirmed');
    }
    if (method === 'reject_call' || method === 'drop_call') {
      call.state = 'dropped';
      return {call_id: call.call_id, state: 'dropped'};
    }
    if (method === 'send_dtmf') return {call_id: call.call_id, digits: params.digits.length};
    return {call_id: call.call_id};
  }

  #become(call, state, more = {}) {
    if (call.state === 'dropped') return;
    const prior = call.state;
    call.state = state;
    call.seq++;
    this.#tell(call, 'on_call_state_changed', {...facts(call), prior_state: prior, at: new Date().toISOString(), ...more});
  }

  #tell(call, method, params) {
    const message = {method, params};
    call.told.push(message);
    send(call.session.socket, message);
  }

  #id(kind) {
    return `${kind}_${++this.#last}`;
  }
}

function serve(request, response) {
  const name = new URL(request.url, 'http://localhost').pathname.replace(/^\/$/, '/index.html').slice(1);
  const file = path.join(WEB, path.basename(name));
  if (!fs.existsSync(file)) {
    response.writeHead(404, HEADERS).end();
    return;
  }
  response.writeHead(200, {...HEADERS, 'Content-Type': TYPES[path.extname(file)]}).end(fs.readFileSync(file));
}

function facts({call_id, ref, seq, dir, state, from, to}) {
  return {call_id, ref, seq, dir, state, from, to};
}

function send(socket, message) {
  if (socket.readyState === socket.OPEN) socket.send(JSON.stringify({jsonrpc: '2.0', ...message}));
}

const fault = (code, message, data) => Object.assign(new Error(message), {code, data});
const pause = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });
