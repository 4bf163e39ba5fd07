// SPDX-License-Identifier: MIT
// The phone page: signs in, dials, takes calls. One call at a time; a second one that comes in is answered busy.

import {Isthmus} from './isthmus.js';
import {Banner} from './banner.js';
import {CallLog} from './call_log.js';
import {CallView, endedQuietly, peerOf} from './call_view.js';
import {DeviceChoice} from './devices.js';
import {isDigit, makeKeypad} from './keypad.js';
import {audioContext, playOn} from './sound.js';
import {digitsSentence, endSentence, errorSentence, offSentence} from './words.js';

const BUSY = 486;
const TITLE = 'Isthmus phone';
const DIGITS_SHOWN = 24;

const byId = (id) => document.getElementById(id);
const isthmus = new Isthmus({storage: sessionStorage});
const view = new CallView();
const log = new CallLog(pickNumber);
let current = null;
const devices = new DeviceChoice(useDevice);
new Banner(isthmus, () => current);

function showPage() {
  const online = isthmus.account !== null;
  byId('sign-in').hidden = online;
  byId('phone').hidden = !online;
  byId('sign-out').hidden = !online;
  const chip = byId('connection');
  chip.hidden = !online;
  chip.dataset.connection = isthmus.connection;
  chip.textContent = isthmus.account?.client ?? '';
  chip.title = isthmus.connection === 'online' ? 'Connected' : 'Not connected';
  byId('call-button').disabled = isthmus.connection !== 'online';
}

function showCalling() {
  const live = current !== null;
  byId('dial').hidden = live;
  byId('keypad-toggle').setAttribute('aria-expanded', 'false');
  byId('keypad').hidden = live;
  if (!live) document.title = TITLE;
}

function noteSignIn(sentence) {
  const notice = byId('sign-in-notice');
  notice.textContent = sentence;
  notice.hidden = sentence === '';
}

async function signIn(event) {
  event.preventDefault();
  noteSignIn('');
  const button = byId('sign-in-button');
  button.disabled = true;
  try {
    audioContext();
    await isthmus.signIn({account: byId('account').value.trim(), password: byId('password').value});
    byId('password').value = '';
    focusNumber();
  } catch (error) {
    noteSignIn(errorSentence(error));
    byId('password').select();
  } finally {
    button.disabled = false;
  }
}

function dial(event) {
  event.preventDefault();
  const number = byId('number').value.trim();
  if (number === '' || current) return;
  audioContext();
  follow(isthmus.call(number));
  byId('hang-up').focus();
}

function pickNumber(number) {
  if (current) return;
  byId('number').value = number;
  byId('call-button').focus();
}

/** Not where that opens the keyboard of a telephone. */
function focusNumber() {
  if (!matchMedia('(pointer: coarse)').matches) byId('number').select();
}

/** Makes `call` the page's call, until it is dropped. */
function follow(call) {
  current = call;
  const began = Date.now();
  call.addEventListener('state', () => {
    if (call.state === 'confirmed') showAnswered();
    if (call.state === 'dropped') ended(call, began);
  });
  call.addEventListener('stream', () => devices.refresh());
  view.showMuted(false);
  byId('sent').textContent = '';
  view.show(call);
  showCalling();
}

function showAnswered() {
  document.title = `In a call – ${TITLE}`;
  byId('spoken').textContent = '';
  if (!byId('call').contains(document.activeElement) || document.activeElement === byId('call')) byId('hang-up').focus();
}

function ended(call, began) {
  note(call, began, view.confirmedSeconds);
  if (current !== call) return;
  current = null;
  byId('spoken').textContent = '';
  showCalling();
  if (isthmus.account) focusNumber();
}

function note(call, began, seconds) {
  const missed = call.dir === 'incoming' && seconds === 0 && !call.endedHere;
  const what = seconds > 0 && endedQuietly(call) ? 'Talked' : endSentence(call);
  const number = call.dir === 'incoming' ? call.from : call.to;
  log.add({dir: call.dir, peer: peerOf(call), number, what, seconds, missed, at: began});
}

function incoming({call}) {
  if (current) {
    const began = Date.now();
    call.reject(BUSY);
    log.add({dir: 'incoming', peer: peerOf(call), number: call.from, what: 'Called while you were in a call.', seconds: 0, missed: true, at: began});
    return;
  }
  follow(call);
  document.title = `${peerOf(call)} is calling`;
  byId('spoken').textContent = `${peerOf(call)} is calling. Accept or decline.`;
  byId('call').focus(); // Not a button: whoever is typing must not accept by accident. Accept is the next Tab.
}

function press(digit) {
  if (!current) {
    byId('number').value += digit;
    return;
  }
  if (current.state === 'confirmed') sendDigit(current, digit);
}

async function sendDigit(call, digit) {
  const sent = byId('sent');
  try {
    await call.sendDtmf(digit);
    if (call === current) sent.textContent = `Sent: ${(sent.textContent.replace(/^Sent: /, '') + digit).slice(-DIGITS_SHOWN)}`;
  } catch (error) {
    if (call === current) sent.textContent = digitsSentence(error);
  }
  sent.hidden = call !== current;
}

function toggleMute() {
  current?.mute(!current.muted);
  view.showMuted(current?.muted === true);
}

function keyPressed(event) {
  audioContext(); // From now on the browser lets the page ring.
  const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  if (event.key === 'Escape') return void escape();
  if (typing || current?.state !== 'confirmed') return;
  if (isDigit(event.key)) press(event.key);
  if (event.key.toLowerCase() === 'm') toggleMute();
}

/** Closes what is open; then says no to a call that is not yet one; in a call it only goes to the button, for Enter. */
function escape() {
  if (byId('sound').open) {
    byId('sound').open = false;
    byId('sound').querySelector('summary').focus();
  } else if (byId('keypad-toggle').getAttribute('aria-expanded') === 'true') {
    toggleKeypad();
    byId('keypad-toggle').focus();
  } else if (current?.state === 'confirmed') {
    byId('hang-up').focus();
  } else if (current?.dir === 'incoming' && !current.answering) {
    current.reject();
  } else {
    current?.drop();
  }
}

function toggleKeypad() {
  const button = byId('keypad-toggle');
  const open = button.getAttribute('aria-expanded') !== 'true';
  button.setAttribute('aria-expanded', String(open));
  byId('keypad').hidden = !open;
}

async function useDevice(kind, deviceId) {
  if (kind === 'audiooutput') return playOn(byId('remote-audio'), deviceId);
  await current?.useMicrophone(deviceId);
  isthmus.microphone = deviceId;
  return undefined;
}

function connectionChanged() {
  if (isthmus.connection === 'off') {
    view.hide();
    noteSignIn(offSentence(isthmus.whyOff));
    if (isthmus.whyOff === 'signed_out') {
      log.clear();
      log.open('');
      byId('sign-in-form').reset();
    }
  }
  if (isthmus.connection === 'online') log.open(isthmus.account.client);
  if (isthmus.connection !== 'connecting') showPage();
}

makeKeypad(byId('keypad'), press);
byId('sign-in-form').addEventListener('submit', signIn);
byId('dial-form').addEventListener('submit', dial);
byId('dial-echo').addEventListener('click', () => pickNumber('echo'));
byId('sign-out').addEventListener('click', () => isthmus.signOut());
byId('accept').addEventListener('click', () => current?.accept());
byId('sound').addEventListener('toggle', () => devices.refresh());
byId('decline').addEventListener('click', () => current?.reject());
byId('hang-up').addEventListener('click', () => current?.drop());
byId('mute').addEventListener('click', toggleMute);
byId('keypad-toggle').addEventListener('click', toggleKeypad);
document.addEventListener('keydown', keyPressed);
document.addEventListener('pointerdown', () => audioContext());
isthmus.addEventListener('connection', connectionChanged);
isthmus.addEventListener('incoming', incoming);
globalThis.addEventListener('beforeunload', (event) => { if (current?.state === 'confirmed') event.preventDefault(); });

if (!(await isthmus.resume())) {
  showPage();
  byId('account').focus();
}
showCalling();
