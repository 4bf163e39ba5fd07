// SPDX-License-Identifier: MIT
// Page and phone through the gateway on its defaults: Chromium, as people have it, calls baresip, baresip calls Chromium. Each side's tone is
// found in what the other one heard, and after each call nothing is left of it.

import assert from 'node:assert/strict';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {launchChromium, openPage, waitForTone} from './chromium.mjs';
import {bindAgain, Gateway, nothingLingers, nothingLive} from './gateway.mjs';
import {click, dial, inState, says, shown, signIn, states, text, until} from './page.mjs';
import {SipPhone} from './sip_phone.mjs';
import {isTone, writeTone} from './tone.mjs';

const PAGE_HZ = 440;
const PHONE_HZ = 1000;
const TALK_MS = 2500;

let gateway;
let chromium;
let page;
let phone;
let pageName;
let phoneName;
let sockets;
let ports = []; // of the phone's side, of the last call that was up

before(async () => {
  gateway = await Gateway.start();
  sockets = gateway.udpSockets();
  [pageName, phoneName] = Object.keys(gateway.accounts);
  const microphone = path.join(gateway.folder, 'microphone.wav');
  writeTone(microphone, {hz: PAGE_HZ});
  chromium = await launchChromium({microphone, asUser: true});
  phone = await SipPhone.start({aor: `${phoneName}@${gateway.sip}`, password: gateway.accounts[phoneName], hz: PHONE_HZ});
  page = await openPage(chromium.browser, gateway.url);
  await signIn(page, pageName, gateway.accounts[pageName]);
  await shown(page, '#dial');
});
after(async () => {
  await phone?.stop();
  await chromium?.close();
  assert.equal(await gateway?.stop(), 0);
});

/** R1.26, R4.18: gauges, descriptors and sockets; the ports of the call are anybody's again. */
async function nothingLeft(descriptors, of = {gateway, sockets, ports}) {
  await nothingLive(of.gateway);
  assert.deepEqual(of.gateway.udpSockets(), of.sockets);
  await bindAgain(of.ports);
  await until(() => of.gateway.descriptors() <= descriptors, `descriptors back to ${descriptors}`, 10_000);
}

async function talk() {
  await inState(page, 'confirmed');
  const heard = await waitForTone(page, (found) => isTone(found, PHONE_HZ));
  assert.ok(isTone(heard, PHONE_HZ), `the page heard ${JSON.stringify(heard)}`);
  ports = gateway.udpSockets().filter((each) => !sockets.includes(each));
  assert.equal(ports.length, 2, 'RTP and RTCP of the phone; browsers share one port');
  await new Promise((resolve) => { setTimeout(resolve, TALK_MS); });
}

/** After every call: the phone has heard the page, and the descriptors of the gateway are as many as before. */
async function ended(descriptors) {
  await inState(page, 'dropped');
  await phone.event('CALL_CLOSED');
  const heard = phone.heard();
  assert.ok(isTone(heard, PAGE_HZ), `the phone heard ${JSON.stringify(heard)}`);
  await nothingLeft(descriptors);
}

// R0.10: states in order; R0.15: the page ends it; R0.19: media both ways; R1.26: nothing is left.
test('the page calls the phone, both hear each other, the page hangs up', {timeout: 120_000}, async () => {
  const descriptors = gateway.descriptors();
  await dial(page, phoneName);
  await phone.event('CALL_INCOMING');
  await inState(page, 'ringing');
  await phone.accept();
  await talk();
  assert.deepEqual(await states(page), ['pending', 'calling', 'ringing', 'confirmed']);
  await page.keyboard.press('4');
  await click(page, '#keypad-toggle');
  await click(page, '#keypad [data-digit="#"]');
  for (const digit of ['4', '#']) assert.equal((await phone.event('CALL_DTMF_START')).param, digit);
  await click(page, '#hang-up');
  await ended(descriptors);
});

// R0.14.
test('the page calls the phone, the phone hangs up', {timeout: 120_000}, async () => {
  const descriptors = gateway.descriptors();
  await dial(page, phoneName);
  await phone.event('CALL_INCOMING');
  await phone.accept();
  await talk();
  await phone.hangUp();
  await ended(descriptors);
  assert.equal(await text(page, '#call-status'), 'The other side hung up.');
});

test('the page calls the phone and gives up while it rings; the phone stops ringing', {timeout: 120_000}, async () => {
  const descriptors = gateway.descriptors();
  await dial(page, phoneName);
  await phone.event('CALL_INCOMING');
  await inState(page, 'ringing');
  await click(page, '#hang-up');
  await inState(page, 'dropped');
  await phone.event('CALL_CLOSED');
  await nothingLeft(descriptors);
});

// R0.13.
test('the page calls the phone, which is busy', {timeout: 120_000}, async () => {
  const descriptors = gateway.descriptors();
  await dial(page, phoneName);
  await phone.event('CALL_INCOMING');
  await inState(page, 'ringing');
  await phone.hangUp();
  await phone.event('CALL_CLOSED');
  await inState(page, 'dropped');
  assert.deepEqual(await states(page), ['pending', 'calling', 'ringing', 'dropped']);
  assert.equal(await text(page, '#call-status'), 'The line is busy.');
  await gateway.program.line(new RegExp(`from ${pageName} to ${phoneName} .* ended: rejected 486 `));
  await gateway.webServer.line(new RegExp(`outgoing ${pageName} ${phoneName} ringing dropped 486 rejected`));
  await nothingLeft(descriptors);
});

// R0.21: accepted, declined (603), given up, not answered (480).
test('the phone calls the page, the page accepts, both hear each other, the phone hangs up', {timeout: 120_000}, async () => {
  const descriptors = gateway.descriptors();
  await phone.dial(`sip:${pageName}@${gateway.sip}`);
  await shown(page, '#accept');
  await phone.event('CALL_RINGING');
  await click(page, '#accept');
  await phone.event('CALL_ESTABLISHED');
  await talk();
  assert.deepEqual(await states(page), ['calling', 'ringing', 'confirmed']);
  await phone.hangUp();
  await ended(descriptors);
  assert.deepEqual((await states(page)).slice(-1), ['dropped']);
});

test('the phone calls the page, the page declines', {timeout: 120_000}, async () => {
  const descriptors = gateway.descriptors();
  await phone.dial(`sip:${pageName}@${gateway.sip}`);
  await shown(page, '#decline');
  await click(page, '#decline');
  const closed = await phone.event('CALL_CLOSED');
  assert.match(closed.param, /603/);
  await nothingLeft(descriptors);
});

test('the phone calls the page and gives up; the page shows a missed call', {timeout: 120_000}, async () => {
  const descriptors = gateway.descriptors();
  await phone.dial(`sip:${pageName}@${gateway.sip}`);
  await shown(page, '#accept');
  await phone.hangUp();
  await says(page, '#call-status', 'The caller gave up.');
  await nothingLeft(descriptors);
});

// R0.21.
test('the phone calls the page, nobody answers', {timeout: 120_000}, async () => {
  const short = await Gateway.start({settings: '[timers]\nring_s = 2\n'});
  let caller;
  let other;
  try {
    caller = await SipPhone.start({aor: `${phoneName}@${short.sip}`, password: short.accounts[phoneName]});
    other = await openPage(chromium.browser, short.url);
    await signIn(other, pageName, short.accounts[pageName]);
    await shown(other, '#dial');
    const of = {gateway: short, sockets: short.udpSockets()};
    const descriptors = short.descriptors();
    await caller.dial(`sip:${pageName}@${short.sip}`);
    await shown(other, '#accept');
    of.ports = short.udpSockets().filter((each) => !of.sockets.includes(each));
    assert.equal(of.ports.length, 2, 'RTP and RTCP of the phone that calls');
    assert.match((await caller.event('CALL_CLOSED')).param, /480/);
    await inState(other, 'dropped');
    await nothingLeft(descriptors, of);
  } finally {
    await caller?.stop();
    await short.stop();
  }
});

test('R1.26: after all these calls nothing lingers beyond its time', {timeout: 150_000}, () => nothingLingers(gateway));
