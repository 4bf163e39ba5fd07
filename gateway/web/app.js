// SPDX-License-Identifier: MIT
// The phone page: signs in, dials, takes calls. One call at a time; a second one that comes in is answered busy.

import {Isthmus} from './isthmus.js';
import {CallLog} from './call_log.js';
import {CallView, endedQuietly, peerOf} from './call_view.js';
import {isDigit, makeKeypad} from './keypad.js';
import {audioContext} from './sound.js';
import {endSentence, errorSentence, offSentence} from './words.js';

const BUSY = 486;
const TITLE = 'Isthmus phone';

const byId = (id) => document.getElementById(id);
const isthmus = new Isthmus({storage: sessionStorage});
const view = new CallView();
const log = new CallLog(pickNumber);
let current = null;

function showPage() {
  const online = isthmus.account !== null;
  byId('sign-in').hidden = online;
  byId('phone').hidden = !online;
  byId('sign-out').hidden = !online;
  const chip = byId('connection');
  chip.hidden = !online;
  chip.dataset.connection = isthmus.connection;
  chip.textContent = isthmus.connection === 'online' ? isthmus.account?.client ?? '' : 'Connection lost, trying again …';
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
    byId('number').focus();
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
  byId('number').focus();
}

/** Makes `call` the page's call, until it is dropped. */
function follow(call) {
  current = call;
  const began = Date.now();
  call.addEventListener('state', () => {
    if (call.state === 'confirmed') showAnswered();
    if (call.state === 'dropped') ended(call, began);
  });
  view.showMuted(false);
  view.show(call);
  showCalling();
}

function showAnswered() {
  document.title = `In a call – ${TITLE}`;
  byId('spoken').textContent = '';
}

function ended(call, began) {
  note(call, began, view.confirmedSeconds);
  if (current !== call) return;
  current = null;
  byId('spoken').textContent = '';
  showCalling();
  if (isthmus.account) byId('number').select();
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
}

function press(digit) {
  if (!current) {
    byId('number').value += digit;
    return;
  }
  if (current.state === 'confirmed') current.sendDtmf(digit).catch((error) => { byId('call-status').textContent = errorSentence(error); });
}

function keyPressed(event) {
  const typing = event.target instanceof HTMLInputElement;
  if (typing || event.ctrlKey || event.altKey || event.metaKey || current?.state !== 'confirmed' || !isDigit(event.key)) return;
  press(event.key);
}

function toggleKeypad() {
  const button = byId('keypad-toggle');
  const open = button.getAttribute('aria-expanded') !== 'true';
  button.setAttribute('aria-expanded', String(open));
  byId('keypad').hidden = !open;
}

function connectionChanged() {
  if (isthmus.connection === 'off') {
    view.hide();
    noteSignIn(offSentence(isthmus.whyOff));
    if (isthmus.whyOff === 'signed_out') {
      log.clear();
      byId('sign-in-form').reset();
    }
  }
  if (isthmus.connection !== 'connecting') showPage();
}

makeKeypad(byId('keypad'), press);
byId('sign-in-form').addEventListener('submit', signIn);
byId('dial-form').addEventListener('submit', dial);
byId('dial-echo').addEventListener('click', () => pickNumber('echo'));
byId('sign-out').addEventListener('click', () => isthmus.signOut());
byId('accept').addEventListener('click', () => { audioContext(); current?.accept(); });
byId('decline').addEventListener('click', () => current?.reject());
byId('hang-up').addEventListener('click', () => current?.drop());
byId('mute').addEventListener('click', () => { current?.mute(!current.muted); view.showMuted(current?.muted === true); });
byId('keypad-toggle').addEventListener('click', toggleKeypad);
document.addEventListener('keydown', keyPressed);
isthmus.addEventListener('connection', connectionChanged);
isthmus.addEventListener('incoming', incoming);
globalThis.addEventListener('beforeunload', (event) => { if (current?.state === 'confirmed') event.preventDefault(); });

if (!(await isthmus.resume())) {
  showPage();
  byId('account').focus();
}
showCalling();
