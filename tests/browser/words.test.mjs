// SPDX-License-Identifier: MIT
// Every reason, error and closing code of docs/api.md has a sentence of its own on the page.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import {test} from 'node:test';
import {duration, endSentence, errorSentence, offSentence, stateSentence} from '../../gateway/web/words.js';

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

test('durations read like clocks', () => {
  assert.deepEqual([0, 5.9, 65, 3600, 3725].map(duration), ['0:00', '0:05', '1:05', '1:00:00', '1:02:05']);
});
