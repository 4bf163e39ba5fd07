// SPDX-License-Identifier: MIT
// A phone for the browser: signs in at an Isthmus gateway, makes and takes calls. No dependencies; docs/api.md is the protocol.
//
//   import {Isthmus} from './isthmus.js';
//   const isthmus = new Isthmus();                                   // or new Isthmus({url: 'wss://phone.example/ws'})
//   await isthmus.signIn({account: 'alice', password: '…'});         // throws IsthmusError
//   const call = isthmus.call('echo');                               // at once; everything that follows is an event
//   call.addEventListener('state', () => console.log(call.state, call.reason));
//   call.addEventListener('stream', () => { audio.srcObject = call.remoteStream; });
//   isthmus.addEventListener('incoming', (event) => event.call.accept());
//
// A lost connection is made again with growing pauses, and within the gateway's grace the calls go on. It never stores a password.
// Everything that a page may use is described in docs/api.md, section 2.6.

const SUBPROTOCOL = 'isthmus.v1';
const REQUEST_LIMIT_MS = 15_000;
const MAKE_CALL_LIMIT_MS = 60_000; // The web server may take 30 s to decide.
const OPEN_LIMIT_MS = 10_000;
const PING_EVERY_MS = 20_000;
const PING_LIMIT_MS = 8_000;
const RETRY_MS = [200, 500, 1000, 2000, 4000, 8000];
const LOST_REQUEST_MS = 1500; // After a resume: how long a call that the gateway may never have heard of is waited for.
const CANDIDATES_AFTER_MS = 100;
const CANDIDATES_PER_MESSAGE = 32;
const PATH_LOOK_EVERY_MS = 500;
const TRIED_KEPT = 16;
const REMEMBERED = 64; // Ids of calls that are over here, so that what the gateway repeats of them is no new call.
const CLOSED_FOR_GOOD = {4001: 'sign_in_limit', 4002: 'replaced', 4003: 'removed'};

// What Isthmus and Call say to each other and to nobody else.
const [request, forget, begin, named, offered, changed, end] = ['request', 'forget', 'begin', 'named', 'offered', 'changed', 'end'].map(Symbol);

/** `code` is the JSON-RPC code of docs/api.md section 2.4, or 0 when no answer came; `data` what the gateway added. */
export class IsthmusError extends Error {
  constructor(message, code = 0, data = {}) {
    super(message);
    this.name = 'IsthmusError';
    this.code = code;
    this.data = data ?? {};
  }
}

/** An open WebSocket with JSON-RPC on it. Dies with its socket: every request then fails with code 0. */
class Wire {
  #socket;
  #waiting = new Map();
  #lastId = 0;
  #pinger = 0;

  constructor(socket, onNotification, onClose) {
    this.#socket = socket;
    socket.onmessage = (event) => this.#read(event.data, onNotification);
    socket.onclose = (event) => {
      this.#end();
      onClose(event.code);
    };
    this.#pinger = setInterval(() => this.#ping(), PING_EVERY_MS);
  }

  static open(url, onNotification, onClose) {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url, SUBPROTOCOL);
      const timer = setTimeout(() => socket.close(), OPEN_LIMIT_MS); // A network that swallows packets says nothing for minutes.
      socket.onclose = () => {
        clearTimeout(timer);
        reject(new IsthmusError('The gateway cannot be reached.'));
      };
      socket.onopen = () => {
        clearTimeout(timer);
        resolve(new Wire(socket, onNotification, onClose));
      };
    });
  }

  request(method, params = {}, limit = REQUEST_LIMIT_MS) {
    if (this.#socket.readyState !== WebSocket.OPEN) return Promise.reject(new IsthmusError('not connected'));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#settle(id, {error: {code: 0, message: 'no answer'}}), limit);
      this.#waiting.set(id, {resolve, reject, timer});
      this.#socket.send(JSON.stringify({jsonrpc: '2.0', id, method, params}));
    });
  }

  close() {
    this.#socket.onclose = null;
    this.#socket.close(1000);
    this.#end();
  }

  #read(text, onNotification) {
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return;
    }
    if (typeof message?.method === 'string') onNotification(message.method, message.params ?? {});
    else if (message?.id !== undefined) this.#settle(message.id, message);
  }

  #settle(id, {result, error}) {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    if (error) waiting.reject(new IsthmusError(String(error.message), error.code, error.data));
    else waiting.resolve(result);
  }

  async #ping() {
    try {
      await this.request('ping', {}, PING_LIMIT_MS);
    } catch {
      // A socket that still says it is open is dead: closing it by hand would wait for the peer that is not there.
      const onclose = this.#socket.onclose;
      this.#socket.onclose = null;
      this.#socket.close();
      onclose?.({code: 1006});
    }
  }

  #end() {
    clearInterval(this.#pinger);
    for (const id of [...this.#waiting.keys()]) this.#settle(id, {error: {code: 0, message: 'connection lost'}});
  }
}

/**
 * The connection of one client with the gateway.
 * Events: `connection` (see `connection`, `whyOff`), `retry` (see `retryAt`), `incoming` (with `event.call`).
 */
export class Isthmus extends EventTarget {
  /** 'off' (signed out), 'connecting', 'online', 'lost' (coming back by itself). */
  connection = 'off';
  /** Why `connection` became 'off': '', 'signed_out', 'replaced', 'removed', 'sign_in_limit', 'session_over'. */
  whyOff = '';
  /** What the gateway said at sign-in: client, session, identities, grace_seconds. */
  account = null;
  /** While `connection` is 'lost': when the next attempt begins, as Date.now() counts; 0 while one is running. */
  retryAt = 0;
  /** The deviceId of the microphone for calls to come; '' is the browser's own choice. */
  microphone = '';

  #url;
  #storage;
  #wire = null;
  #credentials = null;
  #token = '';
  #calls = new Set();
  #over = new Set();
  #retry = {count: 0, timer: 0, running: false};
  #graceTimer = 0;
  #lastRef = 0;

  /** `storage`, if given (sessionStorage, say), keeps the token that lets `resume` take up the session after a reload of the page. */
  constructor({url = defaultUrl(), storage = null} = {}) {
    super();
    this.#url = url;
    this.#storage = storage;
    globalThis.addEventListener?.('online', () => this.#reconnectSoon(0));
  }

  /** The calls that are not dropped. */
  get calls() {
    return [...this.#calls].filter((call) => call.state !== 'dropped');
  }

  /** `{account, password}` or `{client, key}`. */
  async signIn(credentials) {
    await this.#enter('sign_in', credentials);
    this.#credentials = credentials;
  }

  /** Takes up the session whose token lies in `storage`. False if there is none or it is over. */
  async resume() {
    this.#token = this.#storage?.getItem('isthmus.token') ?? '';
    if (!this.#token) return false;
    try {
      await this.#enter('resume', {token: this.#token, seen: {}});
      return true;
    } catch {
      this.#keepToken('');
      return false;
    }
  }

  /** While the connection is lost: tries again now. */
  reconnect() {
    this.#reconnectSoon(0);
  }

  /** Ends all calls and the session. */
  async signOut() {
    for (const call of this.calls) call.drop();
    const wire = this.#wire;
    this.#off('signed_out');
    await wire?.request('sign_out').catch(() => {});
    wire?.close();
  }

  /**
   * Calls `to`. `from`: one of `account.identities`. `stream`: what to send instead of the microphone; it stays the caller's.
   * Returns the Call at once.
   */
  call(to, {from, target, stream} = {}) {
    const call = new Call(this, {dir: 'outgoing', from: from ?? this.account?.identities?.[0] ?? '', to, ref: `r${++this.#lastRef}-${Date.now()}`});
    this.#calls.add(call);
    call[begin]({from, target, stream});
    return call;
  }

  /** For Call: a request on the current connection. */
  [request](method, params, limit) {
    return this.#wire ? this.#wire.request(method, params, limit) : Promise.reject(new IsthmusError('connection lost'));
  }

  [forget](call) {
    this.#calls.delete(call);
    this.#isOver(call.id);
  }

  #isOver(id) {
    if (!id) return;
    this.#over.delete(id);
    this.#over.add(id);
    if (this.#over.size > REMEMBERED) this.#over.delete(this.#over.values().next().value);
  }

  async #enter(method, params) {
    this.#become('connecting');
    let wire;
    try {
      wire = await Wire.open(this.#url, (name, notification) => this.#notified(name, notification), (code) => this.#lost(wire, code));
      const result = await wire.request(method, params);
      this.#entered(wire, result);
    } catch (error) {
      wire?.close();
      this.#become('off');
      throw error;
    }
  }

  #entered(wire, {token, calls = [], ...account}) {
    this.#wire?.close();
    this.#wire = wire;
    this.account = account;
    this.#keepToken(token);
    this.#retry.count = 0;
    clearTimeout(this.#graceTimer);
    this.#graceTimer = 0;
    this.#become('online');
    this.#compare(calls);
  }

  /**
   * After a resume: calls that only the gateway knows are ended there, except one that still rings for us, whose offer is repeated next.
   * Calls that only we know will hear of it or are over.
   */
  #compare(there) {
    for (const facts of there) {
      const call = this.#find(facts);
      const rings = facts.dir === 'incoming' && (facts.state === 'calling' || facts.state === 'ringing') && !this.#over.has(facts.call_id);
      if (call) {
        call[named](facts.call_id);
        call.dispatchEvent(new Event('resumed'));
      } else if (!rings) {
        this.#isOver(facts.call_id);
        this[request]('drop_call', {call_id: facts.call_id}).catch(() => {});
      }
    }
    const missing = this.calls.filter((call) => call.sent && !there.some((facts) => facts.call_id === call.id));
    if (missing.length) setTimeout(() => missing.forEach((call) => call[end]({reason: 'connection_lost'})), LOST_REQUEST_MS);
  }

  #notified(method, params) {
    if (method === 'on_incoming_call') return this.#incoming(params);
    if (method !== 'on_call_state_changed') return undefined;
    return this.#find(params)?.[changed](params);
  }

  /** Also finds a call that was given up here before the gateway had named it. */
  #find({call_id: id, ref}) {
    return [...this.#calls].find((call) => call.id === id || (ref && call.ref === ref));
  }

  #incoming(params) {
    if (this.#over.has(params.call_id) || this.calls.some((call) => call.id === params.call_id)) return;
    const call = new Call(this, {dir: 'incoming', from: params.from, to: params.to, fromName: params.from_name ?? ''});
    this.#calls.add(call);
    call[offered](params);
    this.dispatchEvent(Object.assign(new Event('incoming'), {call}));
  }

  #lost(wire, code) {
    if (wire !== this.#wire || this.connection === 'off') return;
    this.#wire = null;
    const why = CLOSED_FOR_GOOD[code];
    if (why) return void this.#off(why);
    this.#become('lost');
    this.#graceTimer ||= setTimeout(() => this.#giveUpCalls(), (this.account?.grace_seconds ?? 0) * 1000);
    this.#reconnectSoon();
  }

  #giveUpCalls() {
    for (const call of this.calls) call[end]({reason: 'connection_lost'});
  }

  #reconnectSoon(pause = RETRY_MS[Math.min(this.#retry.count, RETRY_MS.length - 1)] * (0.75 + Math.random() / 2)) {
    if (this.connection !== 'lost' || this.#retry.running) return;
    clearTimeout(this.#retry.timer);
    this.#retry.timer = setTimeout(() => this.#reconnect(), pause);
    this.#retries(Date.now() + pause);
  }

  #retries(at) {
    this.retryAt = at;
    this.dispatchEvent(new Event('retry'));
  }

  async #reconnect() {
    if (this.connection !== 'lost') return;
    this.#retry.count++;
    this.#retry.running = true;
    this.#retries(0);
    let wire;
    try {
      wire = await Wire.open(this.#url, (name, notification) => this.#notified(name, notification), (code) => this.#lost(wire, code));
      const result = await this.#takeUp(wire);
      if (this.connection === 'lost') this.#entered(wire, result);
      else wire.close();
    } catch (error) {
      wire?.close();
      if (error.code === -32004 || error.code === -32002) this.#off('session_over');
    } finally {
      this.#retry.running = false;
    }
    this.#reconnectSoon();
  }

  /** Resumes the session; where it is over, signs in afresh if the page was not reloaded since the sign-in. */
  async #takeUp(wire) {
    const seen = Object.fromEntries(this.calls.filter((call) => call.id).map((call) => [call.id, call.seq]));
    try {
      return await wire.request('resume', {token: this.#token, seen});
    } catch (error) {
      if (error.code !== -32004 || !this.#credentials) throw error;
      this.#giveUpCalls();
      return wire.request('sign_in', this.#credentials);
    }
  }

  #off(why) {
    this.#wire = null;
    this.#credentials = null;
    this.account = null;
    this.#keepToken('');
    clearTimeout(this.#retry.timer);
    clearTimeout(this.#graceTimer);
    this.#graceTimer = 0;
    this.whyOff = why;
    this.#giveUpCalls();
    this.#become('off');
  }

  #keepToken(token) {
    this.#token = token;
    if (token) this.#storage?.setItem('isthmus.token', token);
    else this.#storage?.removeItem('isthmus.token');
  }

  #become(connection) {
    if (this.connection === connection) return;
    this.connection = connection;
    if (connection !== 'off') this.whyOff = '';
    this.dispatchEvent(new Event('connection'));
  }
}

/**
 * One call. Events: `state` (see `state`, `code`, `reason`, `text`), `stream` (see `localStream`, `remoteStream`), `media` (see `media`),
 * `microphone` (it went away, see `microphoneLost`), `resumed` (after a lost connection: the gateway still has the call). Once `state` is 'dropped' nothing follows.
 */
export class Call extends EventTarget {
  id = '';
  ref = '';
  dir = 'outgoing';
  from = '';
  to = '';
  fromName = '';
  /** null (being prepared here), 'pending', 'calling', 'ringing', 'confirmed', 'dropped'. */
  state = null;
  seq = 0;
  earlyMedia = false;
  /** Of a dropped call, as in docs/api.md section 1; also 'microphone' (see `error`) when the browser gave none. */
  code = 0;
  reason = '';
  text = '';
  /** The exception behind a failure on this side. */
  error = null;
  /** True when this side ended the call. */
  endedHere = false;
  localStream = null;
  remoteStream = null;
  /** The state of the RTCPeerConnection: 'new', 'connecting', 'connected', 'disconnected', 'failed', 'closed'. */
  media = 'new';
  /** The ways that ICE tried: [{local, remote, protocol, state}], addresses as host:port; the browser may hide the host of `local`. */
  tried = [];
  /** True once there was a way for the sound. */
  hadMedia = false;
  /** What the gateway itself found about the sound (`media_verdict`), '' where it found nothing. */
  mediaVerdict = '';
  muted = false;
  /** True while the microphone of the call is gone and no other was found. */
  microphoneLost = false;
  /** True once `accept` was called. */
  answering = false;
  /** True once the gateway may know of the call. */
  sent = false;

  #owner;
  #peer = null;
  #offer = '';
  #described = false;
  #ownsStream = false;
  #choices = 0;
  #candidates = [];
  #candidateTimer = 0;

  constructor(owner, facts) {
    super();
    this.#owner = owner;
    Object.assign(this, facts);
  }

  /** Takes an incoming call. `stream`: what to send instead of the microphone. */
  async accept({stream} = {}) {
    if (this.dir !== 'incoming' || this.state === 'dropped' || this.answering) return;
    this.answering = true;
    this.dispatchEvent(new Event('media'));
    try {
      if (!(await this.#prepare(stream))) return;
      await this.#peer.setRemoteDescription({type: 'offer', sdp: this.#offer});
      this.#described = true;
      await this.#peer.setLocalDescription();
      await this.#owner[request]('accept_call', {call_id: this.id, sdp: this.#peer.localDescription.sdp});
      this.#sendCandidates();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Refuses an incoming call: 603 declined, 486 busy, 480 not available. */
  reject(code = 603) {
    if (this.state === 'dropped') return;
    this.#tell('reject_call', {code});
    this.endedHere = true;
    this[end]({reason: 'rejected', code});
  }

  /** Ends the call, in any state, at once. */
  drop() {
    if (this.state === 'dropped') return;
    if (this.id) this.#tell('drop_call', {});
    this.endedHere = true;
    this[end]({reason: this.state === 'confirmed' ? 'hung_up' : 'cancelled'});
  }

  /** Sends digits (0-9 * # A-D) to the far side of a confirmed call. */
  async sendDtmf(digits) {
    await this.#owner[request]('send_dtmf', {call_id: this.id, digits});
  }

  mute(muted = true) {
    this.muted = muted;
    for (const track of this.localStream?.getAudioTracks() ?? []) track.enabled = !muted;
  }

  /** Goes on with another microphone ('': the browser's choice). Rejects with the browser's exception, and the old one stays. */
  async useMicrophone(deviceId) {
    const choice = ++this.#choices;
    const sender = this.#peer?.getSenders().find(({track}) => track?.kind === 'audio');
    if (!sender || this.state === 'dropped') return;
    const stream = await openMicrophone(deviceId);
    if (choice !== this.#choices || this.state === 'dropped') return void stopAll(stream);
    await sender.replaceTrack(stream.getAudioTracks()[0]);
    if (this.#ownsStream) stopAll(this.localStream);
    this.#ownsStream = true;
    this.#speak(stream);
    this.dispatchEvent(new Event('stream'));
  }

  /** What RTCPeerConnection.getStats gives; empty without media. */
  async stats() {
    return this.#peer ? [...(await this.#peer.getStats()).values()] : [];
  }

  async [begin]({from, target, stream}) {
    try {
      if (!(await this.#prepare(stream))) return;
      await this.#peer.setLocalDescription();
      if (this.state === 'dropped') return;
      this.sent = true;
      const params = {to: this.to, from, target, sdp: this.#peer.localDescription.sdp, ref: this.ref};
      const result = await this.#owner[request]('make_call', params, MAKE_CALL_LIMIT_MS);
      this[named](result.continue);
    } catch (error) {
      this.#failed(error);
    }
  }

  [named](id) {
    if (this.id || !id) return;
    this.id = id;
    if (this.state !== 'dropped') return void this.#sendCandidates();
    this.#tell('drop_call', {}); // It was given up before the gateway had named it.
    this.#owner[forget](this);
  }

  [offered](params) {
    this.sent = true;
    this.#offer = params.sdp;
    this[changed](params);
    this.#tell('ringing', {});
  }

  [changed](params) {
    this[named](params.call_id);
    if (this.state === 'dropped' || !(params.seq > this.seq)) return;
    this.seq = params.seq;
    if (params.media_verdict) this.mediaVerdict = String(params.media_verdict);
    if (params.state === 'dropped' || params.state === 'disconnected') return void this[end](params);
    this.earlyMedia ||= params.early_media === true;
    if (this.dir === 'outgoing' && params.sdp) this.#answered(params.sdp);
    this.#become(params.state);
  }

  [end]({code = 0, reason = 'hung_up', text = ''}) {
    if (this.state === 'dropped') return;
    Object.assign(this, {code, reason, text});
    clearTimeout(this.#candidateTimer);
    this.#peer?.close();
    this.media = 'closed';
    if (this.#ownsStream) stopAll(this.localStream);
    // A call that the gateway may know but has not named yet is remembered, so that it can be ended there too.
    if (this.id || !this.sent) this.#owner[forget](this);
    this.#become('dropped');
  }

  /** The first description is the one; the gateway repeats it byte for byte in `confirmed`. */
  async #answered(sdp) {
    if (this.#described || !this.#peer) return;
    this.#described = true;
    try {
      await this.#peer.setRemoteDescription({type: 'answer', sdp});
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Opens the microphone and the peer connection. False if the call ended meanwhile. */
  async #prepare(stream) {
    this.#ownsStream = !stream;
    try {
      this.#speak(stream ?? (await openMicrophone(this.#owner.microphone, true)));
    } catch (error) {
      throw Object.assign(new IsthmusError('no microphone'), {cause: error, microphone: true});
    }
    if (this.state === 'dropped') {
      if (this.#ownsStream) stopAll(this.localStream);
      return false;
    }
    const peer = new RTCPeerConnection({bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require'});
    this.#peer = peer;
    for (const track of this.localStream.getAudioTracks()) peer.addTrack(track, this.localStream);
    peer.onicecandidate = ({candidate}) => this.#found(candidate);
    peer.ontrack = ({track, streams}) => {
      this.remoteStream = streams[0] ?? new MediaStream([track]);
      this.dispatchEvent(new Event('stream'));
    };
    peer.onconnectionstatechange = () => this.#mediaChanged(peer.connectionState);
    this.dispatchEvent(new Event('stream'));
    return true;
  }

  #speak(stream) {
    this.localStream = stream;
    this.microphoneLost = false;
    this.mute(this.muted);
    for (const track of this.#ownsStream ? stream.getAudioTracks() : []) track.onended = () => this.#microphoneEnded();
  }

  /** Unplugged, or taken back by the person: another one will do. */
  async #microphoneEnded() {
    if (this.state === 'dropped') return;
    await this.useMicrophone('').catch(() => { this.microphoneLost = true; });
    this.dispatchEvent(new Event('microphone'));
  }

  async #mediaChanged(state) {
    if (this.state === 'dropped') return;
    this.media = state;
    this.hadMedia ||= state === 'connected';
    this.dispatchEvent(new Event('media'));
    if (state === 'connecting') this.#watchPath();
    if (state !== 'failed') return;
    await this.#notePath();
    if (this.state !== 'dropped') this.#failed(new IsthmusError('no media path'), 'media_failed');
  }

  /** What was tried must be known when the call ends, and then it is too late to ask. */
  async #watchPath() {
    while (this.media === 'connecting') {
      await this.#notePath();
      await new Promise((resolve) => { setTimeout(resolve, PATH_LOOK_EVERY_MS); });
    }
  }

  async #notePath() {
    const stats = await this.#peer.getStats().catch(() => new Map());
    const ways = new Map(this.tried.map((way) => [way.local + way.remote, way]));
    for (const {type, localCandidateId, remoteCandidateId, state} of stats.values()) {
      if (type !== 'candidate-pair') continue;
      const local = stats.get(localCandidateId);
      const way = {local: addressOf(local), remote: addressOf(stats.get(remoteCandidateId)), protocol: local?.protocol ?? 'udp', state};
      ways.set(way.local + way.remote, way);
    }
    this.tried = [...ways.values()].slice(-TRIED_KEPT);
  }

  #found(candidate) {
    this.#candidates.push(candidate ? candidate.toJSON() : {candidate: ''});
    this.#sendCandidates();
  }

  /** Candidates go out in handfuls, once the gateway has a name for the call. */
  #sendCandidates() {
    clearTimeout(this.#candidateTimer);
    if (!this.id || this.state === 'dropped') return;
    this.#candidateTimer = setTimeout(() => {
      while (this.#candidates.length) {
        const candidates = this.#candidates.splice(0, CANDIDATES_PER_MESSAGE).map(({candidate, sdpMid, sdpMLineIndex}) =>
          sdpMid == null ? {candidate} : {candidate, sdpMid, sdpMLineIndex});
        this.#tell('candidates', {candidates});
      }
    }, CANDIDATES_AFTER_MS);
  }

  #failed(error, reason = error.microphone ? 'microphone' : 'error') {
    // A lost connection may come back with the call: what became of it is seen after the resume.
    if (error instanceof IsthmusError && error.code === 0 && this.sent && this.#owner.connection !== 'online' && reason === 'error') return;
    this.error = error.cause ?? error;
    if (error.code === -32001) return void this[end](error.data);
    if (this.id && this.state !== 'dropped') this.#tell('drop_call', {});
    this[end]({reason: error.code === -32008 ? 'media_failed' : reason});
    this.#owner[forget](this);
  }

  #tell(method, params) {
    this.#owner[request](method, {call_id: this.id, ...params}).catch(() => {});
  }

  #become(state) {
    if (this.state === state) return;
    this.state = state;
    this.dispatchEvent(new Event('state'));
  }
}

/** `orAnother`: the browser's choice where this one is not plugged in. */
async function openMicrophone(deviceId, orAnother = false) {
  const devices = globalThis.navigator?.mediaDevices;
  // A browser hides the devices from a page that came by http from elsewhere than localhost.
  if (!devices) throw new DOMException('not a secure context', 'SecurityError');
  try {
    return await devices.getUserMedia({audio: deviceId ? {deviceId: {exact: deviceId}} : true}); // Chromium does not heed `ideal`.
  } catch (error) {
    if (!orAnother || error.name !== 'OverconstrainedError') throw error;
    return devices.getUserMedia({audio: true});
  }
}

const stopAll = (stream) => stream?.getTracks().forEach((track) => track.stop());

function addressOf(candidate) {
  const host = candidate?.address ?? '';
  return `${host.includes(':') ? `[${host}]` : host}:${candidate?.port ?? ''}`;
}

function defaultUrl() {
  const {protocol, host} = globalThis.location ?? {protocol: 'http:', host: '127.0.0.1:8080'};
  return `${protocol === 'https:' ? 'wss:' : 'ws:'}//${host}/ws`;
}
