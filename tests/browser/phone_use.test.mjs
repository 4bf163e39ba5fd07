// SPDX-License-Identifier: MIT
// The phone page as people use it, against a scripted gateway: what is heard while it rings and when nobody can be had, devices, the list of calls,
// and a telephone's screen.

import assert from 'node:assert/strict';
import {madeTone, waitForTone} from './chromium.mjs';
import {MediaPeer} from './media_peer.mjs';
import * as act from './page.mjs';
import {chromium, gateway, OURS_HZ, page, pageTest} from './page_bed.mjs';
import {isTone} from './tone.mjs';

const THEIRS_HZ = 660;
const LINE_HZ = 425;
const TELEPHONE = {width: 360, height: 640, touch: true};
const TARGET_PX = 44;

const made = (isIt, what) => act.until(async () => isIt(await madeTone(page)), what, 8000);
const silent = (found) => found === null || found.rms < 0.001;
const line = (found) => isTone(found, LINE_HZ);
const ring = (found) => isTone(found, 660, {share: 0.3}) || isTone(found, 880, {share: 0.3});

async function signedIn() {
  await act.signIn(page, 'alice', 'secret');
  await act.shown(page, '#dial');
}

/** In a call to echo, whose tone is heard. */
async function inCall() {
  gateway.media = await MediaPeer.open(chromium.browser, THEIRS_HZ);
  await signedIn();
  await act.dial(page, 'echo');
  await act.inState(page, 'confirmed');
  await waitForTone(page, (found) => isTone(found, THEIRS_HZ));
}

pageTest('ringing is heard while the far side rings, and not with its own sound, and not after it picked up', async () => {
  await signedIn();
  assert.ok(silent(await madeTone(page)));
  await act.dial(page, '1002');
  await act.inState(page, 'ringing');
  await made(line, 'ringing is heard');
  gateway.confirm();
  await act.inState(page, 'confirmed');
  await made(silent, 'silence after the answer');
  await act.click(page, '#hang-up');
  await act.dial(page, '1183');
  await act.inState(page, 'ringing');
  await new Promise((resolve) => { setTimeout(resolve, 700); });
  assert.ok(silent(await madeTone(page)), 'early media is not talked over');
});

pageTest('a busy line is heard as busy, another refusal as congestion, each for some seconds; the next call ends it', async () => {
  await signedIn();
  await act.dial(page, '1486');
  await act.says(page, '#call-status', 'The line is busy.');
  await made(line, 'the busy tone');
  await act.until(async () => silent(await madeTone(page)), 'the busy tone pauses', 2000);
  await made(line, 'the busy tone again');
  await act.dial(page, '1403');
  await act.inState(page, 'dropped');
  await made(line, 'congestion');
  await act.dial(page, 'echo');
  await act.inState(page, 'confirmed');
  await made(silent, 'silence in the call');
  await act.click(page, '#hang-up');
  await new Promise((resolve) => { setTimeout(resolve, 700); });
  assert.ok(silent(await madeTone(page)), 'whoever hangs up needs no tone');
});

pageTest('an incoming call rings until it is accepted', async () => {
  gateway.media = await MediaPeer.open(chromium.browser, THEIRS_HZ);
  await signedIn();
  await gateway.ring('alice');
  await act.shown(page, '#accept');
  assert.match(await page.title(), /is calling/);
  await made(ring, 'the ring');
  await act.click(page, '#accept');
  await act.inState(page, 'confirmed');
  await made(silent, 'silence in the call');
});

pageTest('a mute button that is pressed before the call is answered counts', async () => {
  gateway.media = await MediaPeer.open(chromium.browser, THEIRS_HZ);
  await signedIn();
  await act.dial(page, '1183');
  await act.inState(page, 'ringing');
  await act.click(page, '#mute');
  await waitForTone(page, (found) => isTone(found, THEIRS_HZ));
  const muted = await gateway.media.heard();
  assert.ok(muted === null || muted.rms < 0.003, JSON.stringify(muted));
});

/** Runs in the page before its own code: its peer connections can be asked. */
function keepPeers() {
  globalThis.peers = [];
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...facts) {
      super(...facts);
      globalThis.peers.push(this);
    }
  };
}
const sentFrom = () => page.evaluate(() => globalThis.peers.at(-1).getSenders()[0].track.getSettings().deviceId);
const optionsOf = (selector) => page.$$eval(`${selector} option`, (options) => options.map(({value, label}) => ({value, label})));

pageTest('another microphone is taken in the middle of a call, stays muted, is heard, and is remembered for the next call', async () => {
  await page.evaluateOnNewDocument(keepPeers);
  await page.reload();
  await inCall();
  await act.click(page, '#sound summary');
  await act.until(async () => (await optionsOf('#microphone')).length >= 3, 'two microphones beside the default');
  const [, , {value: other, label}] = await optionsOf('#microphone');
  assert.notEqual(label, '');
  assert.notEqual(await sentFrom(), other);
  await act.click(page, '#mute');
  await page.select('#microphone', other);
  await act.until(async () => (await sentFrom()) === other, 'the chosen microphone sends');
  const muted = await gateway.media.heard();
  assert.ok(muted === null || muted.rms < 0.003, JSON.stringify(muted));
  await act.click(page, '#mute');
  await act.until(async () => isTone(await gateway.media.heard(), OURS_HZ), 'the far side hears the chosen microphone');

  await page.reload();
  await act.shown(page, '#dial');
  await act.dial(page, 'echo');
  await act.inState(page, 'confirmed');
  assert.equal(await sentFrom(), other);
  assert.equal(await page.$eval('#microphone', (list) => list.value), other);
});

pageTest('a microphone that goes away in a call is replaced; when there is none, the page says so', async () => {
  await page.evaluateOnNewDocument(keepPeers);
  await page.reload();
  await inCall();
  const unplug = () => page.evaluate(() => globalThis.peers.at(-1).getSenders()[0].track.dispatchEvent(new Event('ended')));
  await unplug();
  await act.until(async () => isTone(await gateway.media.heard(), OURS_HZ), 'the far side hears another microphone');
  await page.evaluate(() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotFoundError')); });
  await unplug();
  await act.says(page, '#call-status', 'The microphone is gone; the other side hears nothing of you.');
});

pageTest('a chosen speaker plays the other side, and is remembered', async () => {
  await inCall();
  await act.click(page, '#sound summary');
  await act.until(async () => (await optionsOf('#speaker')).length >= 2, 'a speaker beside the default');
  const speaker = (await optionsOf('#speaker')).at(-1).value;
  await page.select('#speaker', speaker);
  await act.until(() => page.evaluate((id) => document.getElementById('remote-audio').sinkId === id, speaker), 'the speaker plays');
  await page.reload();
  await act.shown(page, '#dial');
  await act.until(() => page.evaluate((id) => document.getElementById('remote-audio').sinkId === id, speaker), 'the speaker plays after a reload');
});

pageTest('a speaker that cannot be used is told, and the one before stays chosen', async () => {
  await inCall();
  await act.click(page, '#sound summary');
  await act.until(async () => (await optionsOf('#speaker')).length >= 2, 'a speaker beside the default');
  await page.evaluate(() => { HTMLMediaElement.prototype.setSinkId = () => Promise.reject(new DOMException('', 'NotFoundError')); });
  await page.select('#speaker', (await optionsOf('#speaker')).at(-1).value);
  await act.says(page, '#sound-notice', 'This speaker could not be used.');
  assert.equal(await page.$eval('#speaker', (list) => list.value), '');
});

const logged = () => page.$$eval('#log li .peer', (items) => items.map((item) => item.textContent));

pageTest('the list of calls outlives the tab, holds fifty, is of one account, and can be cleared', async () => {
  await page.evaluate(() => {
    const entry = (i) => ({dir: 'outgoing', peer: `n${i}`, number: `n${i}`, what: 'Talked', seconds: 1, missed: false, at: Date.now() - i * 1000});
    localStorage.setItem('isthmus.log.alice', JSON.stringify([{dir: 'outgoing', peer: 7}, null, ...Array.from({length: 60}, (_, i) => entry(i))]));
    localStorage.setItem('isthmus.log.bob', '{"not": "a list"}');
  });
  await signedIn();
  assert.equal((await logged()).length, 50);
  await act.dial(page, '1486');
  await act.says(page, '#log li:first-child .what', 'The line is busy.');
  assert.deepEqual([(await logged()).length, (await logged())[0], (await logged())[49]], [50, '1486', 'n48']);
  await page.reload();
  await act.shown(page, '#dial');
  assert.equal((await logged())[0], '1486');
  await act.click(page, '#log li:nth-child(2) button');
  assert.equal(await page.$eval('#number', (field) => field.value), 'n0');
  await act.click(page, '#log-clear');
  assert.deepEqual(await logged(), []);
  assert.equal(await page.evaluate(() => localStorage.getItem('isthmus.log.alice')), null);
  await act.click(page, '#sign-out');
  await act.shown(page, '#sign-in');
  await act.signIn(page, 'bob', 'secret');
  await act.shown(page, '#dial');
  assert.deepEqual(await logged(), []);
});

/** Nothing sticks out to the side, and what can be touched is large enough. */
async function fits() {
  const {wide, small} = await page.evaluate((least) => {
    const touched = [...document.querySelectorAll('button, input, select, summary, a')].filter((element) => element.checkVisibility());
    const size = (element) => element.getBoundingClientRect();
    return {
      wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
      small: touched.filter((element) => size(element).width < least || size(element).height < least).map((element) => element.outerHTML),
    };
  }, TARGET_PX);
  assert.equal(wide, false, 'the page is wider than the screen');
  assert.deepEqual(small, []);
}

pageTest('on a telephone\'s screen nothing is scrolled sideways, every target is 44 pixels large, and all digits are there in a call', async () => {
  await fits();
  await act.tap(page, '#account');
  await act.signIn(page, 'alice', 'wrong');
  await act.says(page, '#sign-in-notice', 'do not fit');
  await fits();
  await page.type('#password', 'secret');
  await act.tap(page, '#sign-in-button');
  await act.shown(page, '#dial');
  await fits();
  await act.tap(page, '#sound summary');
  await act.shown(page, '#microphone');
  await fits();
  await act.tap(page, '#sound summary');
  gateway.media = await MediaPeer.open(chromium.browser, THEIRS_HZ);
  await gateway.ring('alice', {fromName: 'A name that is much too long for the screen of a telephone'});
  await act.shown(page, '#accept');
  await fits();
  await act.tap(page, '#accept');
  await act.inState(page, 'confirmed');
  await act.tap(page, '#keypad-toggle');
  await act.shown(page, '[data-digit="1"]');
  await act.tap(page, '[data-digit="1"]');
  await act.says(page, '#sent', 'Sent: 1');
  await fits();
  const hash = await page.$eval('[data-digit="#"]', (key) => key.getBoundingClientRect().bottom);
  assert.ok(hash <= TELEPHONE.height, `the last key ends at ${hash}`);
  gateway.cutConnections();
  await act.banner(page, 'Connected again; your call goes on.');
  await fits();
  gateway.hangUp();
  await act.inState(page, 'dropped');
  await fits();
  assert.notEqual(await page.evaluate(() => document.activeElement.id), 'number'); // That would open the keyboard.
}, {view: TELEPHONE, troubles: /WebSocket|ERR_/});
