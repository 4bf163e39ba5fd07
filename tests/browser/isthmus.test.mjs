// SPDX-License-Identifier: MIT
// isthmus.js alone, against a scripted socket and in time that the test turns: attempts with growing pauses, what a call is told after them, what
// is known about a media path, microphones. The names are those of docs/api.md, section 2.6.

import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import fs from 'node:fs';
import {after, afterEach, beforeEach, test} from 'node:test';
import {Call, Isthmus, IsthmusError} from '../../gateway/web/isthmus.js';

const real = {setTimeout, clearTimeout, setInterval, clearInterval, now: Date.now};
let now;
let timers;
let sockets;
let refusing;
let peers;

/** Every timer of the module is ours: `turn` lets time pass. */
beforeEach(() => {
  [now, timers, sockets, refusing, peers] = [1_000_000, new Map(), [], false, []];
  let last = 0;
  globalThis.setTimeout = (run, pause = 0) => { timers.set(++last, {at: now + pause, run}); return last; };
  globalThis.clearTimeout = (id) => timers.delete(id);
  globalThis.setInterval = () => 0;
  globalThis.clearInterval = () => {};
  Date.now = () => now;
  globalThis.WebSocket = FakeSocket;
  globalThis.RTCPeerConnection = FakePeer;
  globalThis.MediaStream = FakeStream;
});
const restore = () => {
  for (const name of ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval']) globalThis[name] = real[name];
  Date.now = real.now;
};
afterEach(restore);
after(restore);

async function turn(milliseconds) {
  const end = now + milliseconds;
  for (;;) {
    await settle();
    const due = [...timers].filter(([, {at}]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
    if (!due) break;
    timers.delete(due[0]);
    now = due[1].at;
    due[1].run();
  }
  now = end;
  await settle();
}

const settle = () => new Promise((resolve) => { setImmediate(resolve); });

class FakeSocket {
  static OPEN = 1;
  readyState = 0;
  sent = [];

  constructor(url) {
    this.url = url;
    sockets.push(this);
    queueMicrotask(() => {
      if (refusing === 'silent') return;
      if (refusing) return this.break();
      this.readyState = 1;
      this.onopen();
    });
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    if (this.readyState === 0) this.break();
    this.readyState = 3;
  }

  break(code = 1006) {
    this.readyState = 3;
    this.onclose?.({code});
  }

  /** Answers the last request of this method. */
  answer(method, result) {
    const {id} = this.sent.findLast((message) => message.method === method);
    this.onmessage({data: JSON.stringify({jsonrpc: '2.0', id, ...(result instanceof Error ? {error: {code: result.code, message: ''}} : {result})})});
  }

  tell(method, params) {
    this.onmessage({data: JSON.stringify({jsonrpc: '2.0', method, params})});
  }
}

class FakeTrack {
  kind = 'audio';
  enabled = true;
  stopped = false;

  stop() { this.stopped = true; }
}

class FakeStream {
  constructor(tracks = [new FakeTrack()]) { this.tracks = tracks; }

  getAudioTracks() { return this.tracks; }

  getTracks() { return this.tracks; }
}

class FakePeer {
  connectionState = 'new';
  stats = new Map();
  senders = [];

  constructor() { peers.push(this); }

  addTrack(track) {
    const sender = {track, replaceTrack: async (next) => { sender.track = next; }};
    this.senders.push(sender);
  }

  getSenders() { return this.senders; }

  async setLocalDescription() { this.localDescription = {sdp: 'offer'}; }

  async setRemoteDescription() {}

  async getStats() { return this.stats; }

  close() {}

  become(state) {
    this.connectionState = state;
    this.onconnectionstatechange();
  }
}

function microphones(open) {
  Object.defineProperty(globalThis, 'navigator', {configurable: true, value: open ? {mediaDevices: {getUserMedia: open}} : {}});
}

async function signedIn() {
  const isthmus = new Isthmus({url: 'ws://gateway/ws'});
  const entering = isthmus.signIn({account: 'alice', password: 'secret'});
  await settle();
  sockets[0].answer('sign_in', {token: 'token', client: 'alice', identities: ['alice'], grace_seconds: 10, calls: []});
  await entering;
  return isthmus;
}

/** A call that the gateway has named and whose callee has picked up. */
async function confirmed(isthmus, options = {stream: new FakeStream()}) {
  const call = isthmus.call('echo', options);
  await settle();
  const socket = sockets.at(-1);
  socket.answer('make_call', {continue: 'c1'});
  await settle();
  socket.tell('on_call_state_changed', {call_id: 'c1', seq: 3, dir: 'outgoing', state: 'confirmed', sdp: 'answer'});
  await settle();
  assert.equal(call.state, 'confirmed');
  return call;
}

test('a lost connection is tried again after growing pauses, each told beforehand by `retry` and `retryAt`', async () => {
  const isthmus = await signedIn();
  const pauses = [];
  isthmus.addEventListener('retry', () => { if (isthmus.retryAt) pauses.push(isthmus.retryAt - now); });
  refusing = true;
  sockets[0].break();
  assert.equal(isthmus.connection, 'lost');
  await turn(60_000);
  const expected = [200, 500, 1000, 2000, 4000, 8000, 8000];
  assert.ok(pauses.length >= expected.length, String(pauses));
  expected.forEach((pause, i) => assert.ok(pauses[i] >= pause * 0.75 && pauses[i] <= pause * 1.25, `${i}: ${pauses[i]}`));
});

test('`reconnect` tries at once; while an attempt runs `retryAt` is 0', async () => {
  const isthmus = await signedIn();
  refusing = true;
  sockets[0].break();
  await turn(20_000);
  const before = sockets.length;
  refusing = false;
  isthmus.reconnect();
  await turn(0);
  assert.equal(sockets.length, before + 1);
  assert.equal(isthmus.retryAt, 0);
  sockets.at(-1).answer('resume', {token: 'token2', client: 'alice', identities: ['alice'], grace_seconds: 10, calls: []});
  await settle();
  assert.equal(isthmus.connection, 'online');
});

test('a network that swallows the attempt does not stop the next one', async () => {
  await signedIn();
  refusing = 'silent';
  sockets[0].break();
  await turn(30_000);
  assert.ok(sockets.length >= 3, String(sockets.length));
});

test('after a resume a call that the gateway still has is told `resumed`; one that it has not is dropped', async () => {
  const isthmus = await signedIn();
  const call = await confirmed(isthmus);
  let resumed = 0;
  call.addEventListener('resumed', () => { resumed++; });
  const comeBack = async (calls) => {
    sockets.at(-1).break();
    await turn(300);
    assert.deepEqual(sockets.at(-1).sent[0].params, {token: 'token', seen: {c1: 3}});
    sockets.at(-1).answer('resume', {token: 'token', client: 'alice', identities: ['alice'], grace_seconds: 10, calls});
    await turn(2000);
  };
  await comeBack([{call_id: 'c1', seq: 3, dir: 'outgoing', state: 'confirmed', from: 'alice', to: 'echo'}]);
  assert.equal(resumed, 1);
  assert.equal(call.state, 'confirmed');
  await comeBack([]);
  assert.equal(resumed, 1);
  assert.deepEqual([call.state, call.reason], ['dropped', 'connection_lost']);
});

const pair = (state, remote = '192.0.2.7', port = 40_000) => new Map([
  ['p', {type: 'candidate-pair', localCandidateId: 'l', remoteCandidateId: 'r', state}],
  ['l', {type: 'local-candidate', address: '2001:db8::1', port: 5000, protocol: 'udp'}],
  ['r', {type: 'remote-candidate', address: remote, port}],
]);

test('the ways that ICE tried are in `tried`, also when the gateway is the first to give up', async () => {
  const isthmus = await signedIn();
  const call = await confirmed(isthmus);
  peers[0].stats = pair('in-progress');
  peers[0].become('connecting');
  await turn(100);
  peers[0].stats = pair('failed', '192.0.2.8');
  await turn(1000);
  sockets[0].tell('on_call_state_changed', {call_id: 'c1', seq: 4, state: 'dropped', reason: 'media_failed', code: 488, media_verdict: 'no ICE pair'});
  assert.deepEqual(call.tried, [
    {local: '[2001:db8::1]:5000', remote: '192.0.2.7:40000', protocol: 'udp', state: 'in-progress'},
    {local: '[2001:db8::1]:5000', remote: '192.0.2.8:40000', protocol: 'udp', state: 'failed'},
  ]);
  assert.deepEqual([call.reason, call.mediaVerdict, call.hadMedia], ['media_failed', 'no ICE pair', false]);
  const looks = timers.size;
  await turn(5000);
  assert.ok(timers.size <= looks); // Nobody looks any more.
});

test('a media path that fails in the browser ends the call as media_failed; at most 16 ways are kept', async () => {
  const isthmus = await signedIn();
  const call = await confirmed(isthmus);
  peers[0].become('connecting');
  for (let i = 0; i < 40; i++) {
    peers[0].stats = pair('failed', '192.0.2.7', 40_000 + i);
    await turn(500);
  }
  peers[0].become('failed');
  await settle();
  assert.deepEqual([call.state, call.reason, call.tried.length], ['dropped', 'media_failed', 16]);
  assert.equal(call.tried.at(-1).remote, '192.0.2.7:40039');
  assert.ok(sockets[0].sent.some(({method}) => method === 'drop_call'));
});

test('`hadMedia` tells a path that broke from one that never was', async () => {
  const call = await confirmed(await signedIn());
  peers[0].become('connected');
  peers[0].become('failed');
  await settle();
  assert.deepEqual([call.state, call.reason, call.hadMedia], ['dropped', 'media_failed', true]);
});

test('without a secure context a call ends as `microphone` with a SecurityError, and the gateway hears nothing of it', async () => {
  microphones(null);
  const isthmus = await signedIn();
  const call = isthmus.call('echo');
  await settle();
  assert.deepEqual([call.state, call.reason, call.error.name], ['dropped', 'microphone', 'SecurityError']);
  assert.equal(sockets[0].sent.some(({method}) => method === 'make_call'), false);
});

test('`microphone` is asked for in calls to come, another will do; `useMicrophone` changes it in a call, stops the old one and keeps it muted', async () => {
  const asked = [];
  microphones(async ({audio}) => {
    asked.push(audio);
    if (audio.deviceId?.exact === 'headset') throw new DOMException('unplugged', 'OverconstrainedError');
    return new FakeStream();
  });
  const isthmus = await signedIn();
  isthmus.microphone = 'headset';
  const call = await confirmed(isthmus, {});
  call.mute();
  const [first] = call.localStream.getAudioTracks();
  await call.useMicrophone('table');
  const [second] = call.localStream.getAudioTracks();
  assert.deepEqual(asked, [{deviceId: {exact: 'headset'}}, true, {deviceId: {exact: 'table'}}]);
  assert.deepEqual([first.stopped, second.stopped, second.enabled], [true, false, false]);
  assert.equal(peers[0].senders[0].track, second);
  microphones(() => Promise.reject(new DOMException('busy', 'NotReadableError')));
  await assert.rejects(call.useMicrophone('other'), {name: 'NotReadableError'});
  assert.deepEqual([second.stopped, peers[0].senders[0].track === second], [false, true]);
  call.drop();
  assert.equal(second.stopped, true);
});

test('a microphone that goes away is replaced by the browser\'s choice; without one `microphoneLost` is true', async () => {
  microphones(async () => new FakeStream());
  const call = await confirmed(await signedIn(), {});
  let told = 0;
  call.addEventListener('microphone', () => { told++; });
  const [first] = call.localStream.getAudioTracks();
  first.onended();
  await settle();
  const [second] = call.localStream.getAudioTracks();
  assert.deepEqual([told, call.microphoneLost, second !== first], [1, false, true]);
  microphones(() => Promise.reject(new DOMException('none', 'NotFoundError')));
  second.onended();
  await settle();
  assert.deepEqual([told, call.microphoneLost], [2, true]);
});

test('docs/api.md names every event and every public member', () => {
  const api = fs.readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8');
  const told = api.slice(api.indexOf('### 2.6'), api.indexOf('## 3. Webhooks'));
  const source = fs.readFileSync(new URL('../../gateway/web/isthmus.js', import.meta.url), 'utf8');
  const events = [...source.matchAll(/new Event\('([a-z]+)'\)/g)].map((match) => match[1]);
  const isthmus = new Isthmus({url: 'ws://gateway/ws'});
  const members = [isthmus, new Call(isthmus, {}), new IsthmusError('')].flatMap((object) =>
    [...Object.keys(object), ...Object.getOwnPropertyNames(Object.getPrototypeOf(object))]).filter((name) => !['constructor', 'name'].includes(name));
  assert.ok(members.length > 30 && events.length > 5);
  for (const name of new Set([...events, ...members])) assert.ok(told.includes(`\`${name}`), `${name} is not told`);
});

// Newer ones guess what a file without a package is; Debian's Node 18 takes it for CommonJS.
test('the files of the page are ES modules for every Node', () => {
  assert.equal(JSON.parse(readFileSync(new URL('../../gateway/package.json', import.meta.url))).type, 'module');
});
