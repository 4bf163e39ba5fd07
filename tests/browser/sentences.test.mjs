// SPDX-License-Identifier: MIT
// Each way in which a call or the page can fail, provoked with the real gateway, a real browser and a real phone: the page says in one sentence what
// it was.

import assert from 'node:assert/strict';
import path from 'node:path';
import {test} from 'node:test';
import {launchChromium, openPage, waitForTone} from './chromium.mjs';
import {Gateway, nothingLive} from './gateway.mjs';
import {banner, click, dial, inState, says, shown, signIn, states, text} from './page.mjs';
import {Proxy} from './proxy.mjs';
import {SipPhone} from './sip_phone.mjs';
import {isTone, writeTone} from './tone.mjs';

const PORT = 18_080; // Hosts and origins carry it; the network namespace of `run` has it free.
const MEDIA_PORT = 41_000;
const OURS_HZ = 440;
const NAMED = ['--host-resolver-rules=MAP phone.test 127.0.0.1', '--ignore-certificate-errors'];

/**
 * A gateway, a Chromium and a page that is signed in with the first account. `url`: where the page is opened, if not at the gateway itself.
 * `entered`: false to be left at the sign-in.
 */
function sentenceTest(name, {gateway: options = {}, chromium: browserOptions = {}, url = null, entered = true} = {}, run) {
  test(name, {timeout: 180_000}, async () => {
    const gateway = await Gateway.start(options);
    let chromium;
    try {
      const microphone = path.join(gateway.folder, 'microphone.wav');
      writeTone(microphone, {hz: OURS_HZ});
      chromium = await launchChromium({microphone: browserOptions.devices === false ? null : microphone, ...browserOptions});
      const page = await openPage(chromium.browser, url ?? gateway.url);
      const [[account, password], [other]] = Object.entries(gateway.accounts);
      if (entered) {
        await signIn(page, account, password);
        await shown(page, '#dial');
      }
      await run({page, gateway, account, other});
    } finally {
      await chromium?.close();
      await gateway.stop();
    }
  });
}

async function withPhone(gateway, name, options, run) {
  const phone = await SipPhone.start({aor: `${name}@${gateway.sip}`, password: gateway.accounts[name], ...options});
  try {
    await run(phone);
  } finally {
    await phone.stop();
  }
}

/** The page has not troubled the gateway. */
async function nothingWasCalled(page, gateway) {
  assert.deepEqual(await states(page), ['dropped']);
  await nothingLive(gateway);
  assert.equal(gateway.webServer.lines.some((line) => line.includes('call.admission')), false);
}

sentenceTest('not a secure context: said before anybody dials, and again when somebody does', {
  gateway: {settings: `[web]\nhosts = ["phone.test:${PORT}"]\n`, web: `127.0.0.1:${PORT}`},
  chromium: {flags: NAMED}, url: `http://phone.test:${PORT}/`, entered: false,
}, async ({page, gateway, account}) => {
  const sentence = 'The browser gives this page no microphone, because it was not opened by https:// or at localhost.';
  await banner(page, sentence);
  await signIn(page, account, gateway.accounts[account]);
  await shown(page, '#dial');
  assert.equal(await text(page, '#banner-text'), sentence);
  await dial(page, 'echo');
  await says(page, '#call-status', sentence);
  await nothingWasCalled(page, gateway);
});

sentenceTest('the microphone is refused', {chromium: {allowed: false}}, async ({page, gateway}) => {
  await dial(page, 'echo');
  await says(page, '#call-status', 'The microphone is not allowed for this page: allow it in the browser, then call again.');
  await nothingWasCalled(page, gateway);
});

sentenceTest('there is no microphone', {chromium: {devices: false}}, async ({page, gateway}) => {
  await dial(page, 'echo');
  await says(page, '#call-status', 'No microphone was found: plug one in, then call again.');
  await nothingWasCalled(page, gateway);
});

sentenceTest('the sign-in is refused', {entered: false}, async ({page, account}) => {
  await signIn(page, account, 'not the password');
  await says(page, '#sign-in-notice', 'This name and password do not fit together.');
});

sentenceTest('the gateway dies in a call: the page says so, tries again by itself, and tells that the call is lost', {
  gateway: {settings: ' ', web: `127.0.0.1:${PORT}`},
}, async ({page, gateway}) => {
  await dial(page, 'echo');
  await inState(page, 'confirmed');
  await waitForTone(page, (found) => isTone(found, OURS_HZ));
  await gateway.kill();
  await banner(page, 'The connection with the gateway is lost, but your call lives.'); // As far as the page can know just now.
  await banner(page, 'The gateway is gone, and with it the sound of your call.');
  await says(page, '#banner-count', 'Trying again in');
  await gateway.runAgain();
  await banner(page, 'Connected again; your call is lost.');
  assert.equal(await text(page, '#call-status'), 'The connection with the gateway was lost.');
  await dial(page, 'echo');
  await inState(page, 'confirmed');
});

test('behind a reverse proxy with TLS the page calls; the connection breaks, the call lives, and the page says so', {timeout: 180_000}, async () => {
  const gateway = await Gateway.start({settings: `[web]\nhosts = ["phone.test:${PORT + 1}"]\norigins = ["https://phone.test:${PORT + 1}"]\n`});
  const proxy = await Proxy.start({to: new URL(gateway.url).host, name: 'phone.test', port: PORT + 1});
  const microphone = path.join(gateway.folder, 'microphone.wav');
  writeTone(microphone, {hz: OURS_HZ});
  const chromium = await launchChromium({microphone, flags: NAMED});
  try {
    const page = await openPage(chromium.browser, `https://phone.test:${PORT + 1}/`);
    const [[account, password]] = Object.entries(gateway.accounts);
    await signIn(page, account, password);
    await shown(page, '#dial');
    assert.equal(await page.$eval('#banner', (element) => element.hidden), true);
    await dial(page, 'echo');
    await inState(page, 'confirmed');
    const heard = await waitForTone(page, (found) => isTone(found, OURS_HZ));
    assert.ok(isTone(heard, OURS_HZ), JSON.stringify(heard));
    assert.deepEqual(page.troubles, []); // Nothing of it is against the Content-Security-Policy either.
    proxy.cut();
    await banner(page, 'The connection with the gateway is lost, but your call lives.');
    await says(page, '#banner-count', 'Trying again');
    proxy.mend();
    await banner(page, 'Connected again; your call goes on.');
    const after = await waitForTone(page, (found) => isTone(found, OURS_HZ));
    assert.ok(isTone(after, OURS_HZ), JSON.stringify(after));
    await click(page, '#hang-up');
    await inState(page, 'dropped');
    await nothingLive(gateway);
  } finally {
    await chromium.close();
    await proxy.stop();
    await gateway.stop();
  }
});

sentenceTest('the web server refuses the call, and the page gives its reason', {gateway: {webServer: ['--refuse', 'echo']}}, async ({page}) => {
  await dial(page, 'echo');
  await says(page, '#call-status', 'The call was not allowed: echo is not on the list.');
});

sentenceTest('no codec in common, as the gateway finds', {
  gateway: {settings: '[codecs]\nbrowser = ["opus"]\nphone = ["PCMU"]\n'},
}, ({page, gateway, other}) => withPhone(gateway, other, {}, async () => {
  await dial(page, other);
  await says(page, '#call-status', 'No sound connection could be made: no common codec.');
}));

sentenceTest('no codec in common, as the phone finds', {
  gateway: {settings: '[codecs]\nphone = ["PCMU"]\n'},
}, ({page, gateway, other}) => withPhone(gateway, other, {codecs: 'opus/48000/2'}, async () => {
  await dial(page, other);
  await says(page, '#call-status', 'You and the other side have no codec in common.');
}));

sentenceTest('busy', {}, ({page, gateway, other}) => withPhone(gateway, other, {}, async (phone) => {
  await dial(page, other);
  await phone.event('CALL_INCOMING');
  await phone.hangUp();
  await says(page, '#call-status', 'The line is busy.');
}));

sentenceTest('no answer', {gateway: {settings: '[timers]\nring_s = 2\n'}}, ({page, gateway, other}) => withPhone(gateway, other, {}, async () => {
  await dial(page, other);
  await inState(page, 'ringing');
  await says(page, '#call-status', 'Nobody answered.');
}));

sentenceTest('no media path: the page says which address and port were tried, and from where', {
  gateway: {settings: `[media]\nport = ${MEDIA_PORT}\nadvertised = ["10.77.0.99"]\n`},
}, async ({page}) => {
  await dial(page, 'echo');
  await inState(page, 'confirmed');
  await says(page, '#call-status', `In a call, but there is no sound yet: trying 10.77.0.99:${MEDIA_PORT} …`);
  await inState(page, 'dropped', 60_000);
  assert.match(await text(page, '#call-status'),
    new RegExp(`^No sound connection could be made: no answer from 10\\.77\\.0\\.99:${MEDIA_PORT} \\(UDP, from [0-9a-f.:[\\]]+:\\d+( or [0-9a-f.:[\\]]+:\\d+)*\\)\\.$`));
});
