// SPDX-License-Identifier: MIT
// Every reason, error and closing code of docs/api.md has a sentence of its own on the page.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import {test} from 'node:test';
import {
  backSentence, digitsSentence, duration, endSentence, errorSentence, insecureSentence, lostSentence, offSentence, retryWords, soundSentence, stateSentence,
} from '../../gateway/web/words.js';

const api = fs.readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8');
const section = (from, to) => api.slice(api.indexOf(from), api.indexOf(to, api.indexOf(from)));

test('each reason of a dropped call is told in one sentence, and no two sentences are equal', () => {
  const reasons = [...section('| `reason` | `code` |', '`from` and `to` are users').matchAll(/^\| `([a-z_]+)` \|/gm)].map((match) => match[1]);
  assert.ok(reasons.length >= 17);
  const sentences = reasons.filter((reason) => !['reason', 'rejected'].includes(reason)).map((reason) => endSentence({reason, code: 0, text: ''}));
  for (const sentence of sentences) assert.match(sentence, /^[A-Z][^.!?]*\.$/);
  assert.equal(new Set(sentences).size, sentences.length);
  assert.ok(!sentences.includes('The call ended.'), 'a reason without a sentence');
});

test('codes of the callee are told; an unknown one by its number', () => {
  for (const code of [404, 480, 486, 503, 603]) assert.match(endSentence({reason: 'rejected', code, text: ''}), /^[A-Z][^0-9]*\.$/);
  assert.equal(endSentence({reason: 'rejected', code: 499, text: ''}), 'The call was turned down (499).');
});

test('an account that has as many calls as it may is busy; what else is unavailable cannot be reached', () => {
  assert.equal(endSentence({reason: 'unavailable', code: 486, text: ''}), endSentence({reason: 'rejected', code: 486, text: ''}));
  for (const code of [408, 480, 482, 503]) assert.equal(endSentence({reason: 'unavailable', code, text: ''}), 'Nobody can be reached at this number just now.');
});

test('each error code of the client interface is told', () => {
  const codes = [...section('### 2.4 Errors', '### 2.5').matchAll(/^\| (-32\d+) \|/gm)].map((match) => Number(match[1]));
  assert.ok(codes.length >= 16);
  for (const code of codes) assert.match(errorSentence({code, data: {}}), /^[A-Z].*\.$/);
  for (const code of [-32000, -32002, -32003, -32004, -32007, -32009]) assert.notEqual(errorSentence({code, data: {}}), 'Something went wrong.');
});

test('no answer is told as that, a fault of the browser is not', () => {
  assert.equal(errorSentence({name: 'IsthmusError', code: 0}), 'The gateway cannot be reached.');
  assert.equal(errorSentence({name: 'OperationError', code: 0}), 'Something went wrong.');
});

test('what a person did is told as that', () => {
  assert.equal(endSentence({endedHere: true, dir: 'outgoing', reason: 'hung_up'}), 'You hung up.');
  assert.equal(endSentence({endedHere: true, dir: 'outgoing', reason: 'cancelled'}), 'You gave up the call.');
  assert.equal(endSentence({endedHere: true, dir: 'incoming', reason: 'rejected', code: 603}), 'You declined the call.');
  assert.equal(stateSentence({state: null}), 'Preparing …');
  assert.equal(offSentence('signed_out'), '');
});

test('no media path is told with what was tried and from where, the first few of each', () => {
  const way = (remote, state = 'failed', local = '10.0.0.2:50000') => ({local, remote, protocol: 'udp', state});
  const said = (facts) => endSentence({reason: 'media_failed', code: 488, text: 'no working ICE pair within the time limit', ...facts});
  assert.equal(said({tried: [way('192.0.2.7:40000'), way('[2001:db8::7]:40000'), way('192.0.2.7:40000', 'failed', ':50001')]}),
    'No sound connection could be made: no answer from 192.0.2.7:40000 or [2001:db8::7]:40000 (UDP, from 10.0.0.2:50000 or port 50001).');
  assert.match(said({tried: ['a:1', 'b:2', 'c:3', 'd:4'].map((remote) => way(remote))}), /no answer from a:1 or b:2 or c:3 … \(/);
  assert.equal(said({tried: [way('a:1'), way('b:2', 'succeeded')]}), 'No sound connection could be made: b:2 answered, but the encryption did not come up.');
  assert.equal(said({tried: [way('b:2', 'succeeded')], hadMedia: true}), 'The sound connection with b:2 broke.');
  assert.equal(said({tried: [], hadMedia: true}), 'The sound connection broke.');
  assert.equal(said({text: 'no common codec'}), 'No sound connection could be made: no common codec.');
});

test('what the gateway found about the sound is added, to a call that ended well too', () => {
  assert.equal(endSentence({endedHere: true, dir: 'outgoing', reason: 'hung_up', mediaVerdict: 'no RTP from the phone'}),
    'You hung up (the gateway says: no RTP from the phone).');
});

test('a call without sound is told as that, with what is tried when it lasts', () => {
  const call = {state: 'confirmed', media: 'connecting', tried: [{remote: '192.0.2.7:40000'}]};
  assert.equal(soundSentence(call, 1), 'In a call; the sound connection is being made …');
  assert.equal(soundSentence(call, 4), 'In a call, but there is no sound yet: trying 192.0.2.7:40000 …');
  assert.equal(soundSentence({...call, media: 'connected'}, 4), 'In a call');
  assert.equal(soundSentence({...call, microphoneLost: true}, 4), 'The microphone is gone; the other side hears nothing of you.');
});

test('microphones that cannot be had, digits that nobody takes, a gateway that is away: each has its sentence', () => {
  const sentences = ['SecurityError', 'NotAllowedError', 'NotFoundError', 'NotReadableError', 'OverconstrainedError', 'Other'].map((name) =>
    endSentence({reason: 'microphone', error: {name}}));
  assert.equal(new Set(sentences).size, sentences.length);
  assert.equal(insecureSentence(false), sentences[0]);
  assert.equal(insecureSentence(true), '');
  assert.equal(digitsSentence({code: -32008}), 'The other side takes no digits just now.');
  assert.equal(digitsSentence({code: -32009}), 'Too many digits are waiting; please press them more slowly.');
  assert.equal(digitsSentence({code: 0, name: 'IsthmusError'}), 'The gateway cannot be reached.');
  assert.equal(new Set([lostSentence(null), lostSentence('connected'), lostSentence('disconnected'), backSentence(null), backSentence(true), backSentence(false)]).size, 6);
  assert.deepEqual([3.2, 0, -1].map(retryWords), ['Trying again in 4 s …', 'Trying again …', 'Trying again …']);
});

test('docs/page.md quotes what the page says', () => {
  const page = fs.readFileSync(new URL('../../docs/page.md', import.meta.url), 'utf8');
  const quoted = [...page.slice(page.indexOf('| sentence |')).matchAll(/^\| ([A-Z][^|]*?)(?: …)? \|/gm)].map((match) => match[1]);
  const source = fs.readFileSync(new URL('../../gateway/web/words.js', import.meta.url), 'utf8');
  assert.ok(quoted.length >= 20);
  for (const sentence of quoted.filter((each) => !each.endsWith('no common codec.'))) assert.ok(source.includes(sentence), sentence);
});

test('durations read like clocks', () => {
  assert.deepEqual([0, 5.9, 65, 3600, 3725].map(duration), ['0:00', '0:05', '1:05', '1:00:00', '1:02:05']);
});
