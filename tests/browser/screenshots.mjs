// SPDX-License-Identifier: MIT
// Makes the pictures of the phone page in docs/: `tests/browser/run screenshots.mjs`. The gateway is the scripted one, so that they are always alike.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {launchChromium, openPage} from './chromium.mjs';
import {FakeGateway} from './fake_gateway.mjs';
import {MediaPeer} from './media_peer.mjs';
import {click, dial, inState, level, says, shown, signIn, until} from './page.mjs';
import {writeTone} from './tone.mjs';

const DOCS = process.env.ISTHMUS_PICTURES || fileURLToPath(new URL('../../docs/', import.meta.url));
const DESK = {width: 960, height: 620};
const TELEPHONE = {width: 360, height: 640, touch: true};

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'isthmus-pictures-'));
const microphone = path.join(folder, 'microphone.wav');
writeTone(microphone, {hz: 440, steady: true});
const chromium = await launchChromium({microphone});
const gateway = await FakeGateway.start();
gateway.media = await MediaPeer.open(chromium.browser, 660);

/** One picture: `run` brings the page there. */
async function picture(name, view, run) {
  gateway.forgetSessions();
  const page = await openPage(chromium.browser, gateway.url, view);
  await shown(page, '#sign-in');
  await run(page);
  await page.screenshot({path: path.join(DOCS, `page-${name}.png`)});
  await page.browserContext().close();
}

/** Signs in, with a few calls in the list. */
async function signedIn(page) {
  const at = Date.now();
  await page.evaluate((entries) => localStorage.setItem('isthmus.log.alice', JSON.stringify(entries)), [
    {dir: 'outgoing', peer: '1002', number: '1002', what: 'Talked', seconds: 754, missed: false, at: at - 86_400_000},
    {dir: 'incoming', peer: 'Bob', number: '1001', what: 'The caller gave up.', seconds: 0, missed: true, at: at - 172_800_000},
    {dir: 'outgoing', peer: 'echo', number: 'echo', what: 'Talked', seconds: 12, missed: false, at: at - 172_900_000},
  ]);
  await signIn(page, 'alice', 'secret');
  await shown(page, '#dial');
}

async function inCall(page) {
  await signedIn(page);
  await dial(page, 'echo');
  await inState(page, 'confirmed');
  await until(async () => (await level(page, 'you')) > 40 && (await level(page, 'them')) > 40, 'both meters move');
  await says(page, '#call-clock', '0:02');
}

await picture('sign-in', DESK, () => {});
await picture('call', DESK, inCall);
await picture('incoming', {...DESK, dark: true}, async (page) => {
  await signedIn(page);
  await gateway.ring('alice', {from: '1001', fromName: 'Bob'});
  await shown(page, '#accept');
});
await picture('error', DESK, async (page) => {
  await signedIn(page);
  await dial(page, '1403');
  await inState(page, 'dropped');
});
await picture('telephone', TELEPHONE, signedIn);
await picture('telephone-call', {...TELEPHONE, dark: true}, async (page) => {
  await inCall(page);
  await click(page, '#keypad-toggle');
  await click(page, '[data-digit="4"]');
  await click(page, '[data-digit="2"]');
  await says(page, '#sent', '42');
});
await picture('lost', DESK, async (page) => {
  await inCall(page);
  await gateway.stop();
  await shown(page, '#try-now');
});

await gateway.stop();
await chromium.close();
fs.rmSync(folder, {recursive: true});
