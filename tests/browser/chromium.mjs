// SPDX-License-Identifier: MIT
// Debian's Chromium for one test: its own profile folder, a microphone that plays a file, and an end by process id.

import {execFileSync} from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import puppeteer from 'puppeteer-core';
import {findTone} from './tone.mjs';

const EXECUTABLE = process.env.CHROMIUM || '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-dev-shm-usage',
  '--disable-background-networking', '--disable-component-update', '--disable-sync', '--mute-audio', '--autoplay-policy=no-user-gesture-required',
];
const END_LIMIT_MS = 5000;

/**
 * `microphone`: a WAV file that the microphone plays round and round. `devices`: false for a machine with none. `allowed`: false when the person
 * does not let pages use them. `asUser`: as people have it, without a loopback candidate and with
 * local addresses hidden. `within`: a command that runs it in another namespace. `authority`: a PEM file whose certificates it trusts, told as a person
 * would tell it (certutil). Returns `{browser, close}`; `close` leaves no process and no file behind.
 */
export async function launchChromium({microphone = null, devices = true, allowed = true, asUser = false, flags = [], within = [], authority = null} = {}) {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'isthmus-chromium-'));
  const args = [...FLAGS, ...flags, allowed ? '--use-fake-ui-for-media-stream' : '--deny-permission-prompts'];
  if (devices) args.push('--use-fake-device-for-media-stream');
  if (microphone) args.push(`--use-file-for-fake-audio-capture=${microphone}`);
  if (!asUser) args.push('--allow-loopback-in-peer-connection', '--disable-features=WebRtcHideLocalIpsWithMdns');
  const executablePath = within.length > 0 ? script(profile, within) : EXECUTABLE;
  const env = authority ? {...process.env, HOME: homeThatTrusts(profile, authority)} : process.env;
  // By a pipe: its debugging port would be in the other namespace.
  const browser = await puppeteer.launch({executablePath, pipe: within.length > 0, headless: true, userDataDir: profile, env, args, timeout: 60_000, protocolTimeout: 120_000});
  return {browser, close: () => closeChromium(browser, profile)};
}

/** A page on which everything that goes wrong in the browser is collected in `page.troubles`. */
export async function openPage(browser, url, {width = 1100, height = 860, dark = false, touch = false, rawMicrophone = true} = {}) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  page.troubles = [];
  page.on('pageerror', (error) => page.troubles.push(`exception: ${error.message}`));
  page.on('console', (message) => { if (['error', 'warn'].includes(message.type())) page.troubles.push(`console: ${message.text()}`); });
  page.on('dialog', (dialog) => dialog.accept());
  await page.setViewport({width, height, deviceScaleFactor: 1, isMobile: touch, hasTouch: touch});
  await page.emulateMediaFeatures([{name: 'prefers-color-scheme', value: dark ? 'dark' : 'light'}]);
  await page.evaluateOnNewDocument(tapSpeaker);
  if (rawMicrophone) await page.evaluateOnNewDocument(withoutVoiceProcessing);
  await page.goto(url, {waitUntil: 'load'});
  return page;
}

/** The tone that is heard from the audio element of the page, judged on real samples of the last two thirds of a second; null for silence. */
export async function heardTone(page, selector = '#remote-audio', waitMs = 1000) {
  const {samples, rate} = await page.evaluate(recordElement, selector, waitMs);
  return findTone(Float64Array.from(samples), rate);
}

/** The tone that the page itself has just made (Web Audio), judged alike; null for silence. */
export async function madeTone(page) {
  const {samples, rate} = await page.evaluate(() => {
    const speaker = globalThis.speakerTap;
    if (!speaker) return {samples: new Array(16384).fill(0), rate: 48000};
    const heard = new Float32Array(speaker.fftSize);
    speaker.getFloatTimeDomainData(heard);
    return {samples: Array.from(heard), rate: speaker.context.sampleRate};
  });
  return findTone(Float64Array.from(samples), rate);
}

/** Waits until the tone `hz` is heard; gives the last finding. */
export async function waitForTone(page, isIt, {limitMs = 10_000, selector = '#remote-audio'} = {}) {
  const end = Date.now() + limitMs;
  let found = null;
  do {
    found = await heardTone(page, selector);
  } while (!isIt(found) && Date.now() < end);
  return found;
}

/** Runs in the page. What goes to the speaker goes to an analyser too. */
function tapSpeaker() {
  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function connectAndTap(to, ...rest) {
    if (to instanceof AudioDestinationNode) {
      globalThis.speakerTap ??= new AnalyserNode(to.context, {fftSize: 16384});
      connect.call(this, globalThis.speakerTap);
    }
    return connect.call(this, to, ...rest);
  };
}

/** Runs in the page. Noise suppression takes a lasting tone for noise: tests of tones switch the processing of voices off. */
function withoutVoiceProcessing() {
  if (!navigator.mediaDevices) return;
  const original = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = ({audio, ...rest}) =>
    original({...rest, audio: audio && {...(audio === true ? {} : audio), echoCancellation: false, noiseSuppression: false, autoGainControl: false}});
}

/** Runs in the page: samples of what the element plays. */
async function recordElement(selector, waitMs) {
  const stream = document.querySelector(selector).srcObject;
  if (!stream?.getAudioTracks().length) return {samples: new Array(32768).fill(0), rate: 48000};
  const context = new AudioContext();
  await context.resume();
  const analyser = context.createAnalyser();
  analyser.fftSize = 32768;
  context.createMediaStreamSource(stream).connect(analyser);
  await new Promise((resolve) => { setTimeout(resolve, waitMs); });
  const samples = new Float32Array(analyser.fftSize);
  analyser.getFloatTimeDomainData(samples);
  const rate = context.sampleRate;
  await context.close();
  return {samples: Array.from(samples), rate};
}

/** puppeteer starts one program: a script that starts Chromium behind the command. */
function script(folder, within) {
  const file = path.join(folder, 'chromium');
  fs.writeFileSync(file, `#!/bin/sh\nexec ${within.join(' ')} ${EXECUTABLE} "$@"\n`, {mode: 0o755});
  return file;
}

/** A home folder in which the person has told Chromium to trust an authority. */
function homeThatTrusts(folder, authority) {
  const home = path.join(folder, 'home');
  const database = `sql:${path.join(home, '.pki/nssdb')}`;
  fs.mkdirSync(path.join(home, '.pki/nssdb'), {recursive: true});
  execFileSync('certutil', ['-d', database, '-N', '--empty-password']);
  execFileSync('certutil', ['-d', database, '-A', '-t', 'C,,', '-n', 'isthmus', '-i', authority]);
  return home;
}

async function closeChromium(browser, profile) {
  const child = browser.process();
  await Promise.race([browser.close().catch(() => {}), new Promise((resolve) => { setTimeout(resolve, END_LIMIT_MS).unref(); })]);
  if (child && child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  fs.rmSync(profile, {recursive: true, force: true, maxRetries: 5, retryDelay: 200});
}
