// SPDX-License-Identifier: MIT
// R0.12: a trunk that is heard before it picks up (183 with SDP). Chromium, as people have it, hears its tone while the call rings, so ICE and DTLS
// are up by then; of the page nothing reaches the trunk until the call is confirmed.

import assert from 'node:assert/strict';
import path from 'node:path';
import {test} from 'node:test';
import {launchChromium, openPage, waitForTone} from './chromium.mjs';
import {Gateway, nothingLive} from './gateway.mjs';
import {click, dial, inState, says, shown, signIn, states, until} from './page.mjs';
import {findTone, isTone, writeTone} from './tone.mjs';
import {TrunkPeer} from './trunk_peer.mjs';

const PAGE_HZ = 440;
const TRUNK_HZ = 1000;
const HEARD_SAMPLES = 16_384; // two seconds

test('R0.12, R0.19: early media is heard, the page is held back until confirmed; RFC 4733: a digit arrives', {timeout: 180_000}, async () => {
  const trunk = await TrunkPeer.start({hz: TRUNK_HZ});
  let gateway;
  let chromium;
  try {
    gateway = await Gateway.start({settings: `[[trunk]]\nname = "far"\nnumbers = ["700"]\nhost = "${trunk.host}"\nport = ${trunk.port}\n`});
    const microphone = path.join(gateway.folder, 'microphone.wav');
    writeTone(microphone, {hz: PAGE_HZ});
    chromium = await launchChromium({microphone, asUser: true});
    const page = await openPage(chromium.browser, gateway.url);
    const [[account, password]] = Object.entries(gateway.accounts);
    await signIn(page, account, password);
    await shown(page, '#dial');

    const invited = trunk.request('INVITE');
    await dial(page, '700');
    await invited;
    trunk.speakEarly();
    await inState(page, 'ringing');
    await says(page, '#call-status', 'you hear the other side already');
    const heard = await waitForTone(page, (found) => isTone(found, TRUNK_HZ));
    assert.ok(isTone(heard, TRUNK_HZ), `the page heard ${JSON.stringify(heard)}`);
    assert.equal(trunk.heard.packets, 0, 'nothing of the page before it is confirmed');

    const acknowledged = trunk.request('ACK');
    trunk.pickUp();
    await acknowledged;
    await inState(page, 'confirmed');
    assert.deepEqual(await states(page), ['pending', 'calling', 'ringing', 'confirmed']);
    await until(() => trunk.heard.samples.length >= HEARD_SAMPLES, 'two seconds of the page at the trunk', 15_000);
    const spoken = findTone(Float64Array.from(trunk.heard.samples), 8000);
    assert.ok(isTone(spoken, PAGE_HZ), `the trunk heard ${JSON.stringify(spoken)}`);
    await click(page, '#keypad-toggle');
    for (const digit of '5#') await click(page, `#keypad [data-digit="${digit}"]`);
    await until(() => trunk.heard.digits === '5#', 'the digits 5 and #');

    const ended = trunk.request('BYE');
    await click(page, '#hang-up');
    await ended;
    await nothingLive(gateway);
  } finally {
    trunk.stop();
    await chromium?.close();
    await gateway?.stop();
  }
});
