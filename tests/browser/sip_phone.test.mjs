// SPDX-License-Identifier: MIT
// The SIP phone of the other tests is itself tested: two of them call each other, and each finds the other's tone in what it recorded.

import assert from 'node:assert/strict';
import {test} from 'node:test';
import {SipPhone} from './sip_phone.mjs';
import {isTone} from './tone.mjs';

test('two phones talk, are hung up, and have each heard the tone of the other', {timeout: 120_000}, async () => {
  const caller = await SipPhone.start({aor: 'alice@127.0.0.1', hz: 1000});
  let callee;
  try {
    callee = await SipPhone.start({aor: 'bob@127.0.0.1', hz: 600});
    await caller.dial(`sip:bob@${callee.address}`);
    await callee.event('CALL_INCOMING');
    await caller.event('CALL_RINGING');
    await callee.accept();
    await Promise.all([caller.event('CALL_ESTABLISHED'), callee.event('CALL_ESTABLISHED')]);
    await new Promise((resolve) => { setTimeout(resolve, 3000); });
    await caller.hangUp();
    await Promise.all([caller.event('CALL_CLOSED'), callee.event('CALL_CLOSED')]);
    assert.ok(isTone(caller.heard(), 600), JSON.stringify(caller.heard()));
    assert.ok(isTone(callee.heard(), 1000), JSON.stringify(callee.heard()));
  } finally {
    await caller.stop();
    await callee?.stop();
  }
});
