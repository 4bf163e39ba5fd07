// SPDX-License-Identifier: MIT
// The demo as a newcomer walks it: the gateway on its defaults, the example web server beside it, Chromium on the page. `echo` is called and the
// page finds its own tone in what it hears.

import assert from 'node:assert/strict';
import path from 'node:path';
import {test} from 'node:test';
import {launchChromium, openPage, waitForTone} from './chromium.mjs';
import {Gateway, nothingLive} from './gateway.mjs';
import {click, dial, inState, level, says, shown, signIn, states, text, until} from './page.mjs';
import {isTone, writeTone} from './tone.mjs';

const OURS_HZ = 440;

/** A gateway, a Chromium and a page that is signed in as the first demo account. */
async function withPage(run, {gatewayOptions = {}, asUser = false} = {}) {
  const gateway = await Gateway.start(gatewayOptions);
  const sockets = gateway.udpSockets();
  let chromium;
  try {
    const microphone = path.join(gateway.folder, 'microphone.wav');
    writeTone(microphone, {hz: OURS_HZ});
    chromium = await launchChromium({microphone, asUser});
    const page = await openPage(chromium.browser, gateway.url);
    const [[account, password]] = Object.entries(gateway.accounts);
    await signIn(page, account, password);
    await shown(page, '#dial');
    const descriptors = gateway.descriptors();
    await run({page, gateway, account, sockets});
    assert.deepEqual(page.troubles, []);
    await nothingLive(gateway);
    assert.deepEqual(gateway.udpSockets(), sockets);
    await until(() => gateway.descriptors() <= descriptors, `descriptors back to ${descriptors}`, 10_000);
    assert.equal(await gateway.stop(), 0);
  } finally {
    await chromium?.close();
    await gateway.stop();
  }
}

/** Both are addresses of the namespace of `run`; the loopback one is the last choice. */
const OFFERED = ['10.77.0.1', '127.0.0.1'];

/** Runs in the page: keeps what the gateway answers. */
function keepAnswers() {
  const set = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function keep(description) {
    globalThis.answer = description.sdp;
    return set.call(this, description);
  };
}

async function candidates(page) {
  const answer = await page.evaluate(() => globalThis.answer);
  return [...answer.matchAll(/^a=candidate:\S+ 1 udp (\d+) ([0-9.]+) \d+ typ host/gim)].sort((a, b) => b[1] - a[1]).map(([, , address]) => address);
}

async function callEcho({page, gateway, account, sockets}) {
  await page.evaluate(keepAnswers);
  await dial(page, 'echo');
  await inState(page, 'confirmed');
  assert.deepEqual(await candidates(page), OFFERED);
  assert.deepEqual(await states(page), ['pending', 'calling', 'confirmed']);
  const heard = await waitForTone(page, (found) => isTone(found, OURS_HZ));
  assert.ok(isTone(heard, OURS_HZ), JSON.stringify(heard));
  assert.deepEqual(gateway.udpSockets(), sockets, 'browsers share one port: no other is taken');
  await until(async () => (await level(page, 'you')) > 40 && (await level(page, 'them')) > 40, 'both meters move');
  await click(page, '#hang-up');
  await inState(page, 'dropped');
  assert.equal(await text(page, '#call-status'), 'You hung up.');
  for (const told of [`call.admission \\S+ outgoing ${account} echo pending`, 'pending calling', 'calling confirmed', 'confirmed dropped']) {
    await gateway.webServer.line(new RegExp(told));
  }
}

// R0.2, R0.3: the states in their order, the web server asked first. R0.11: no ringing is made up. R0.15, R0.19: audio both ways until the page hangs up.
test('the page calls echo and hears its own tone', {timeout: 180_000}, () => withPage(callEcho));

test('the page calls echo in a browser as people have it: no loopback candidate, local addresses hidden', {timeout: 180_000}, () =>
  withPage(callEcho, {asUser: true}));

test('R0.6: a number that the web server refuses is not called, and the page says why', {timeout: 180_000}, () =>
  withPage(async ({page}) => {
    await dial(page, 'echo');
    await says(page, '#call-status', 'The call was not allowed: echo is not on the list.');
    assert.deepEqual(await states(page), ['pending', 'dropped']);
  }, {gatewayOptions: {webServer: ['--refuse', 'echo']}}));

test('without a web server every call is refused, and the page says that there is none', {timeout: 180_000}, () =>
  withPage(async ({page}) => {
    await dial(page, 'echo');
    await says(page, '#call-status', 'No web server is configured that could allow this call.');
  }, {gatewayOptions: {webServer: null}}));
