// SPDX-License-Identifier: MIT
// A whole call through the real gateway without a mouse: signed in, dialled, muted, digits, hung up by keys alone; where the focus is can be seen
// at every stop.

import assert from 'node:assert/strict';
import path from 'node:path';
import {test} from 'node:test';
import {launchChromium, openPage, waitForTone} from './chromium.mjs';
import {FakeGateway} from './fake_gateway.mjs';
import {Gateway, nothingLive} from './gateway.mjs';
import {click, inState, says, shown, signIn, states, text, until} from './page.mjs';
import {isTone, writeTone} from './tone.mjs';

const OURS_HZ = 440;
const STOPS_AT_MOST = 60;

const focused = (page) => page.evaluate(() => document.activeElement.id);
const written = (page) => page.evaluate(() => document.activeElement.value);
const pressed = (page) => page.$eval('#mute', (button) => button.getAttribute('aria-pressed'));

/** Walks with Tab from the top until it comes round: what is passed, each with a visible focus and a name. */
async function walk(page) {
  await page.evaluate(() => {
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute('tabindex');
  });
  const stops = [];
  for (let i = 0; i < STOPS_AT_MOST; i++) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate(() => {
      const element = document.activeElement;
      if (element === document.body) return null;
      const {outlineStyle, outlineWidth} = getComputedStyle(element);
      return {id: element.id || element.dataset.digit, visible: outlineStyle === 'solid' && parseFloat(outlineWidth) >= 2};
    });
    if (stop === null || stop.id === stops[0]?.id) break;
    stops.push(stop);
  }
  assert.deepEqual(stops.filter(({visible}) => !visible), []);
  return stops.map(({id}) => id);
}

test('a whole call to echo by keys alone', {timeout: 180_000}, async () => {
  const gateway = await Gateway.start();
  let chromium;
  try {
    const microphone = path.join(gateway.folder, 'microphone.wav');
    writeTone(microphone, {hz: OURS_HZ});
    chromium = await launchChromium({microphone});
    const page = await openPage(chromium.browser, gateway.url);
    const keys = page.keyboard;
    const [[account, password]] = Object.entries(gateway.accounts);
    await shown(page, '#sign-in');
    await page.bringToFront();
    await until(() => page.evaluate(() => document.hasFocus()), 'the window has the keys'); // A new one gets them a moment after it is there.
    assert.equal(await focused(page), 'account');
    await keys.type(account);
    assert.equal(await written(page), account);
    await keys.press('Tab');
    await keys.type(password);
    assert.equal(await written(page), password);
    await keys.press('Enter');
    await shown(page, '#dial').catch(async (error) => { throw new Error(`not signed in: ${await text(page, '#sign-in-notice')}`, {cause: error}); });
    await until(async () => (await focused(page)) === 'number', 'the focus is where the number goes');

    await keys.type('echo');
    await keys.press('Enter');
    await inState(page, 'confirmed');
    assert.equal(await focused(page), 'hang-up');
    const heard = await waitForTone(page, (found) => isTone(found, OURS_HZ));
    assert.ok(isTone(heard, OURS_HZ), JSON.stringify(heard));

    await keys.press('m');
    assert.equal(await pressed(page), 'true');
    const muted = await waitForTone(page, (found) => found === null || found.rms < 0.003);
    assert.ok(muted === null || muted.rms < 0.003, JSON.stringify(muted)); // Echo gives back what it hears: nothing.
    await keys.down('Shift');
    await keys.press('Tab');
    await keys.press('Tab');
    await keys.up('Shift');
    assert.equal(await focused(page), 'mute');
    await keys.press('Space');
    assert.equal(await pressed(page), 'false');
    await keys.press('4');
    await keys.press('#');
    await until(async () => /^(Sent: 4#|The other side takes no digits just now\.)$/.test(await text(page, '#sent')), 'what became of the digits is said');

    await keys.press('Escape');
    assert.equal(await focused(page), 'hang-up');
    assert.deepEqual(await states(page), ['pending', 'calling', 'confirmed']); // Not ended by a slip.
    await keys.press('Enter');
    await inState(page, 'dropped');
    assert.equal(await focused(page), 'number');
    await nothingLive(gateway);
    assert.deepEqual(page.troubles, []);
  } finally {
    await chromium?.close();
    await gateway.stop();
  }
});

test('the focus goes in the order of the page and can be seen; Esc declines, gives up, and closes what is open', {timeout: 120_000}, async () => {
  const gateway = await FakeGateway.start();
  const chromium = await launchChromium();
  try {
    const page = await openPage(chromium.browser, gateway.url);
    await shown(page, '#sign-in');
    assert.deepEqual((await walk(page)).slice(0, 3), ['account', 'password', 'sign-in-button']);
    await signIn(page, 'alice', 'secret');
    await shown(page, '#dial');
    const idle = await walk(page);
    assert.deepEqual(idle.slice(0, 5), ['sign-out', 'number', 'call-button', 'dial-echo', '1']);

    await page.focus('#number');
    await gateway.ring('alice', {from: '1001'});
    await shown(page, '#accept');
    assert.equal(await focused(page), 'call'); // Enter, meant for the number, accepts nothing.
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    assert.equal(await focused(page), 'accept');
    assert.deepEqual(await states(page), ['calling', 'ringing']);
    await page.keyboard.press('Escape');
    await says(page, '#call-status', 'You declined the call.');
    await until(() => gateway.requests.some(([method, {code}]) => method === 'reject_call' && code === 603), 'declined');

    await page.type('#number', '1002');
    await page.keyboard.press('Enter');
    await inState(page, 'ringing');
    await page.focus('#sound summary');
    await page.keyboard.press('Enter');
    await shown(page, '#microphone');
    await page.keyboard.press('Escape');
    assert.equal(await page.$eval('#sound', (sound) => sound.open), false);
    assert.equal((await states(page)).at(-1), 'ringing');
    await page.keyboard.press('Escape');
    await says(page, '#call-status', 'You gave up the call.');
    await until(() => gateway.calls.length === 0, 'given up');
  } finally {
    await chromium.close();
    await gateway.stop();
  }
});

test('what changes is spoken: the sentence of the call and of the page are live regions, and each part has a role and a name', {timeout: 120_000}, async () => {
  const gateway = await FakeGateway.start();
  const chromium = await launchChromium();
  try {
    const page = await openPage(chromium.browser, gateway.url);
    await signIn(page, 'alice', 'secret');
    await shown(page, '#dial');
    const roles = await page.$$eval('#call-status, #sent, #connection, #banner-text, #sign-in-notice, #sound-notice', (elements) =>
      Object.fromEntries(elements.map((element) => [element.id, element.getAttribute('role')])));
    assert.deepEqual(roles, {'call-status': 'status', sent: 'status', connection: 'status', 'banner-text': 'alert', 'sign-in-notice': 'alert', 'sound-notice': 'alert'});
    await click(page, '#sound summary');
    await shown(page, '#microphone');
    const named = [];
    const look = (node) => {
      if (['button', 'textbox', 'combobox', 'DisclosureTriangle', 'heading', 'group', 'region'].includes(node.role)) named.push([node.role, node.name]);
      node.children?.forEach(look);
    };
    look(await page.accessibility.snapshot({interestingOnly: false}));
    assert.deepEqual(named.filter(([role, name]) => !name && role !== 'group'), []);
    assert.ok(named.some(([role, name]) => role === 'combobox' && name === 'Microphone'), JSON.stringify(named));
    assert.ok(named.some(([role, name]) => role === 'button' && name === 'star'));
  } finally {
    await chromium.close();
    await gateway.stop();
  }
});
