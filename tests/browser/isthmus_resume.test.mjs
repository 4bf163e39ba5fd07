// SPDX-License-Identifier: MIT
// gateway/web/isthmus.js without a browser: the sockets are the test's (R0.20, R0.21; what a page does with the calls that it finds after a resume).

import assert from 'node:assert/strict';
import {test} from 'node:test';
import {Isthmus} from '../../gateway/web/isthmus.js';

const sockets = [];

class FakeSocket {
  static OPEN = 1;
  readyState = 1;
  sent = [];

  constructor() {
    sockets.push(this);
    setImmediate(() => this.onopen());
  }
  send(text) {
    const message = JSON.parse(text);
    this.sent.push(message);
    if (message.method === 'sign_out') this.say({id: message.id, result: {}});
  }
  say(message) {
    this.onmessage({data: JSON.stringify({jsonrpc: '2.0', ...message})});
  }
  close() {
    this.readyState = 3;
  }
  /** As a failing network does. */
  cut() {
    this.readyState = 3;
    this.onclose({code: 1006});
  }
}
globalThis.WebSocket = FakeSocket;

async function until(what) {
  for (let i = 0; i < 500; i++) {
    const found = what();
    if (found) return found;
    await new Promise((resolve) => { setTimeout(resolve, 2); });
  }
  throw new Error(`never: ${what}`);
}

const asked = (socket, method) => socket.sent.find((message) => message.method === method);
const entered = (calls = []) => ({client: 'alice', session: 's_1', token: 't', identities: ['alice'], grace_seconds: 10, calls});
const offer = {call_id: 'c_1', seq: 2, dir: 'incoming', state: 'calling', prior_state: 'pending', from: '1001', to: 'alice', sdp: 'v=0'};

/** Signed in; `incoming` collects the calls that were announced. */
async function signedIn() {
  sockets.length = 0;
  const isthmus = new Isthmus({url: 'ws://gateway/ws'});
  const incoming = [];
  isthmus.addEventListener('incoming', ({call}) => incoming.push(call));
  const done = isthmus.signIn({account: 'alice', password: 'x'});
  const request = await until(() => sockets[0] && asked(sockets[0], 'sign_in'));
  sockets[0].say({id: request.id, result: entered()});
  await done;
  return {isthmus, incoming, first: sockets[0]};
}

/** The next socket, on which the session is taken up; `calls` is what the gateway says it has, `notes` what it repeats. */
async function resumed(calls, notes) {
  const socket = await until(() => sockets[1]);
  const request = await until(() => asked(socket, 'resume'));
  socket.say({id: request.id, result: entered(calls)});
  for (const params of notes) {
    await new Promise((resolve) => { setImmediate(resolve); }); // Each message is a task of its own, as in a browser.
    socket.say({method: params === offer ? 'on_incoming_call' : 'on_call_state_changed', params});
  }
  await new Promise((resolve) => { setTimeout(resolve, 20); });
  return socket;
}

const listed = ({call_id, seq, dir, state, from, to}) => ({call_id, seq, dir, state, from, to});

test('R0.21: a call that came while the connection was dead is announced after the resume, and not turned down', async () => {
  const {isthmus, incoming, first} = await signedIn();
  first.cut();
  const socket = await resumed([listed(offer)], [offer]);
  assert.equal(asked(socket, 'drop_call'), undefined);
  assert.deepEqual(incoming.map((call) => [call.id, call.state]), [['c_1', 'calling']]);
  assert.ok(asked(socket, 'ringing'));
  await isthmus.signOut();
});

test('R0.20: a call that the user turned down meanwhile is ended at the gateway and does not ring again', async () => {
  const {isthmus, incoming, first} = await signedIn();
  first.say({method: 'on_incoming_call', params: offer});
  first.cut();
  incoming[0].reject();
  const socket = await resumed([listed(offer)], [offer]);
  assert.equal(asked(socket, 'drop_call')?.params.call_id, 'c_1');
  assert.equal(incoming.length, 1);
  await isthmus.signOut();
});

test('a confirmed call that this page knows nothing of has no media any more: it is ended', async () => {
  const {isthmus, first} = await signedIn();
  first.cut();
  const socket = await resumed([{...listed(offer), seq: 4, state: 'confirmed'}], [offer, {...offer, seq: 4, state: 'confirmed', sdp: undefined}]);
  assert.ok(asked(socket, 'drop_call'));
  assert.equal(isthmus.calls.length, 0);
  await isthmus.signOut();
});
