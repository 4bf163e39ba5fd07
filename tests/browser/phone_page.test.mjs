// SPDX-License-Identifier: MIT
// The phone page in Chromium against a scripted gateway: sign-in, states in order, refusals, incoming calls, lost connections (R0.2, R0.3, R0.5,
// R0.6, R0.20, R0.21). Media is real: the far end is a second page whose tone must be found in what this one plays, and the other way round.

import assert from 'node:assert/strict';
import {waitForTone} from './chromium.mjs';
import {MediaPeer} from './media_peer.mjs';
import * as act from './page.mjs';
import {chromium, gateway, OURS_HZ, page, pageTest} from './page_bed.mjs';
import {isTone} from './tone.mjs';

const THEIRS_HZ = 660;

const text = (selector) => act.text(page, selector);
const states = () => act.states(page);
const shown = (selector) => act.shown(page, selector);
const inState = (state) => act.inState(page, state);
const says = (selector, sentence) => act.says(page, selector, sentence);
const signIn = (account = 'alice', password = 'secret') => act.signIn(page, account, password);
const dial = (number) => act.dial(page, number);

async function signedIn() {
  await signIn();
  await shown('#dial');
}

pageTest('a wrong password is said in one sentence, and the right one goes on', async () => {
  await signIn('alice', 'wrong');
  await says('#sign-in-notice', 'This name and password do not fit together.');
  await page.type('#password', 'secret'); // The wrong one is selected: typing replaces it.
  await page.keyboard.press('Enter');
  await shown('#dial');
  assert.equal(await text('#connection'), 'alice');
});

pageTest('too many attempts: the page says how long to wait', async () => {
  await signIn('mallory', 'x');
  await says('#sign-in-notice', 'please wait 42 seconds');
});

pageTest('R0.2, R0.3: echo is called, states come in order, tones are heard both ways, the page hangs up', async () => {
  gateway.media = await MediaPeer.open(chromium.browser, THEIRS_HZ);
  await signedIn();
  await dial('echo');
  await inState('confirmed');
  assert.deepEqual(await states(), ['pending', 'calling', 'confirmed']);
  const heard = await waitForTone(page, (found) => isTone(found, THEIRS_HZ));
  assert.ok(isTone(heard, THEIRS_HZ), JSON.stringify(heard));
  const there = await gateway.media.heard();
  assert.ok(isTone(there, OURS_HZ), JSON.stringify(there));
  for (const meter of ['#meter-you', '#meter-them']) {
    assert.ok((await page.$eval(meter, (element) => Number(element.getAttribute('aria-valuenow')))) > 50, meter);
  }
  await act.click(page, '#hang-up');
  await inState('dropped');
  await act.until(() => gateway.calls.length === 0, 'the gateway has dropped the call');
  assert.equal(await text('#call-status'), 'You hung up.');
  await says('#log li .what', 'Talked 0:0');
});

pageTest('mute sends silence, and sound again afterwards', async () => {
  gateway.media = await MediaPeer.open(chromium.browser, THEIRS_HZ);
  await signedIn();
  await dial('echo');
  await inState('confirmed');
  await waitForTone(page, (found) => isTone(found, THEIRS_HZ));
  await act.click(page, '#mute');
  assert.equal(await page.$eval('#mute', (button) => button.getAttribute('aria-pressed')), 'true');
  const muted = await gateway.media.heard();
  assert.ok(muted === null || muted.rms < 0.003, JSON.stringify(muted));
  await act.click(page, '#mute');
  const again = await gateway.media.heard();
  assert.ok(isTone(again, OURS_HZ), JSON.stringify(again));
});

pageTest('ringing before pick-up: the answer is applied once, with the first description', async () => {
  gateway.media = await MediaPeer.open(chromium.browser, THEIRS_HZ);
  await signedIn();
  await dial('1183');
  await inState('ringing');
  assert.equal(await text('#call-status'), 'Ringing; you hear the other side already');
  const early = await waitForTone(page, (found) => isTone(found, THEIRS_HZ));
  assert.ok(isTone(early, THEIRS_HZ), JSON.stringify(early));
  gateway.confirm();
  await inState('confirmed');
  gateway.hangUp();
  await inState('dropped');
  assert.deepEqual(await states(), ['pending', 'calling', 'ringing', 'confirmed', 'dropped']);
  assert.equal(await text('#call-status'), 'The other side hung up.');
});

pageTest('R0.6: a refusal by the web server is shown with its words, and nothing was called', async () => {
  await signedIn();
  await dial('1403');
  await inState('dropped');
  assert.deepEqual(await states(), ['pending', 'dropped']);
  assert.equal(await text('#call-status'), 'The call was not allowed: not during the night.');
  await dial('1000');
  await says('#call-status', 'No web server is configured that could allow this call.');
});

pageTest('a busy line and an odd code are told; hostile text is text', async () => {
  await signedIn();
  await dial('1486');
  await says('#call-status', 'The line is busy.');
  await dial('1499');
  await says('#call-status', 'The call was turned down (499).');
  await dial('12345');
  await says('#call-status', 'This number cannot be called from here.');
  assert.equal(await page.$('img[src=x]'), null);
});

pageTest('R0.16: hanging up while the web server is still being asked ends the call at once', async () => {
  await signedIn();
  await dial('1408');
  await inState('pending');
  await act.click(page, '#hang-up');
  await inState('dropped');
  await act.until(() => gateway.methods().includes('drop_call') && gateway.calls.length === 0, 'the gateway has dropped the call');
});

pageTest('R0.21: an incoming call is announced, accepted, and talks both ways', async () => {
  gateway.media = await MediaPeer.open(chromium.browser, THEIRS_HZ);
  await signedIn();
  await gateway.ring('alice', {from: '1001', fromName: '<b>Bob</b>'});
  await shown('#accept');
  await act.until(() => gateway.methods().includes('ringing'), 'the page has said that it rings');
  assert.equal(await text('#call-peer'), '<b>Bob</b>');
  assert.match(await text('#spoken'), /<b>Bob<\/b> is calling/);
  await page.focus('#accept');
  await page.keyboard.press('Enter');
  await inState('confirmed');
  const heard = await waitForTone(page, (found) => isTone(found, THEIRS_HZ));
  assert.ok(isTone(heard, THEIRS_HZ), JSON.stringify(heard));
  assert.ok(isTone(await gateway.media.heard(), OURS_HZ));
  gateway.hangUp();
  await inState('dropped');
});

pageTest('R0.21: an incoming call is declined, missed, or answered busy by a page that is in a call', async () => {
  gateway.media = await MediaPeer.open(chromium.browser, THEIRS_HZ);
  await signedIn();
  await gateway.ring('alice', {from: '1001'});
  await shown('#decline');
  await act.click(page, '#decline');
  await act.until(() => gateway.requests.some(([method, {code}]) => method === 'reject_call' && code === 603), 'declined');

  await gateway.ring('alice', {from: '1002'});
  await shown('#decline');
  gateway.hangUp(gateway.calls[0], {reason: 'cancelled', code: 487});
  await says('#log li .what', 'The caller gave up.');
  assert.equal(await page.$eval('#log li .arrow', (arrow) => arrow.getAttribute('aria-label')), 'Missed');

  await dial('echo');
  await inState('confirmed');
  await gateway.ring('alice', {from: '1003'});
  await act.until(() => gateway.requests.some(([method, {code}]) => method === 'reject_call' && code === 486), 'busy');
  assert.equal(await text('#call-peer'), 'echo');
});

pageTest('what the gateway found about the sound is said with the end of the call', async () => {
  await signedIn();
  await dial('echo');
  await inState('confirmed');
  gateway.hangUp(gateway.calls[0], {reason: 'hung_up', media_verdict: 'no RTP from the phone'});
  await says('#call-status', 'The other side hung up (the gateway says: no RTP from the phone).');
});

pageTest('digits go out by the keypad and by the keyboard', async () => {
  await signedIn();
  await dial('echo');
  await inState('confirmed');
  await act.click(page, '#keypad-toggle');
  await act.click(page, '#keypad [data-digit="4"]');
  await page.keyboard.press('2');
  await page.keyboard.press('#');
  const sent = () => gateway.requests.filter(([method]) => method === 'send_dtmf').map(([, {digits}]) => digits).join('');
  await act.until(() => sent() === '42#', `42#, seen ${sent()}`);
});

pageTest('R0.20: the connection breaks in a call, the page comes back, and the call goes on without a break in sound', async () => {
  gateway.media = await MediaPeer.open(chromium.browser, THEIRS_HZ);
  await signedIn();
  await dial('1002');
  await inState('ringing');
  gateway.cutConnections();
  gateway.confirm(); // Told while nobody listens: it must be heard after the resume.
  await says('#connection', 'alice');
  await inState('confirmed');
  assert.deepEqual(await states(), ['pending', 'calling', 'ringing', 'confirmed']);
  const heard = await waitForTone(page, (found) => isTone(found, THEIRS_HZ));
  assert.ok(isTone(heard, THEIRS_HZ), JSON.stringify(heard));
  assert.equal(gateway.methods().filter((method) => method === 'resume').length, 1);
}, {troubles: /WebSocket|ERR_/});

pageTest('R0.20: the gateway has forgotten the session: the call is over, the page signs in again by itself', async () => {
  await signedIn();
  await dial('echo');
  await inState('confirmed');
  gateway.forgetSessions();
  gateway.cutConnections();
  await says('#call-status', 'The connection with the gateway was lost.');
  await says('#connection', 'alice');
  assert.deepEqual(gateway.methods().slice(-2), ['resume', 'sign_in']);
}, {troubles: /WebSocket|ERR_/});

pageTest('a reload keeps the session without a password, and calls that lost their media are ended', async () => {
  await signedIn();
  await dial('echo');
  await inState('confirmed');
  await page.reload();
  await shown('#dial');
  await act.until(() => gateway.calls.length === 0, 'the call without media is dropped');
  await act.click(page, '#sign-out');
  await shown('#sign-in');
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
});

pageTest('signing out in a call ends the call, and the next one who signs in sees nothing of it', async () => {
  await signedIn();
  await dial('echo');
  await inState('confirmed');
  await act.click(page, '#sign-out');
  await shown('#sign-in');
  await act.until(() => gateway.methods().at(-1) === 'sign_out', 'signed out');
  assert.ok(gateway.methods().includes('drop_call'));
  await signIn('bob', 'secret');
  await shown('#dial');
  assert.equal(await page.$('#log li'), null);
  assert.equal(await page.$eval('#call', (card) => card.hidden), true);
});

pageTest('the gateway is not there: the page says so at sign-in', async () => {
  await gateway.stop();
  await signIn();
  await says('#sign-in-notice', 'The gateway cannot be reached.');
}, {troubles: /WebSocket|ERR_/});

pageTest('the session is used elsewhere: the page says so and does not fight for it', async () => {
  await signedIn();
  const {WebSocket} = await import('ws');
  const token = await page.evaluate(() => sessionStorage.getItem('isthmus.token'));
  const thief = new WebSocket(gateway.url.replace('http', 'ws') + 'ws', 'isthmus.v1');
  await new Promise((resolve) => { thief.on('open', resolve); });
  thief.send(JSON.stringify({jsonrpc: '2.0', id: 1, method: 'resume', params: {token, seen: {}}}));
  await says('#sign-in-notice', 'You signed in elsewhere with this session.');
  thief.close();
});

pageTest('every control has a name, and the page can be used by the keyboard alone', async () => {
  await signedIn();
  await dial('echo');
  await inState('confirmed');
  await act.click(page, '#keypad-toggle');
  const tree = await page.accessibility.snapshot();
  const nameless = [];
  const walk = (node) => {
    if (['button', 'textbox', 'meter', 'link'].includes(node.role) && !node.name) nameless.push(node);
    node.children?.forEach(walk);
  };
  walk(tree);
  assert.deepEqual(nameless, []);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'keypad-toggle');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'hang-up');
  await page.keyboard.press('Enter');
  await inState('dropped');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'number');
});

for (const width of [320, 375]) {
  pageTest(`at ${width} pixels nothing sticks out, also with a long name`, async () => {
    gateway.media = await MediaPeer.open(chromium.browser, THEIRS_HZ);
    await signedIn();
    await gateway.ring('alice', {from: '1001', fromName: 'W'.repeat(128)});
    await shown('#accept');
    await act.click(page, '#accept');
    await inState('confirmed');
    gateway.hangUp();
    await inState('dropped');
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth));
  }, {view: {width, height: 700}});
}

pageTest('no microphone: the page says so, and the gateway hears of no call', async () => {
  await page.evaluate(() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError')); });
  await signedIn();
  await dial('echo');
  await says('#call-status', 'The microphone is not allowed for this page');
  assert.equal(gateway.methods().includes('make_call'), false);
});

