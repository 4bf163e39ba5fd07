// SPDX-License-Identifier: MIT
// The card of one call: who, its states with their times, the two level meters, the buttons. It shows a Call and never changes one.

import {duration, soundSentence, stateSentence, stepWord} from './words.js';
import {LevelMeter, startBusy, startCongestion, startRingback, startRingtone} from './sound.js';

const SPOKEN_LEVEL_EVERY_MS = 500;
const BUSY_CODES = new Set([486, 600]);
const QUIET_ENDS = new Set(['hung_up', 'cancelled', 'commanded', 'shutdown']);

const byId = (id) => document.getElementById(id);

export class CallView {
  #card = byId('call');
  #states = byId('states');
  #audio = byId('remote-audio');
  #call = null;
  #began = 0;
  #confirmedAt = 0;
  #meters = {};
  #frame = 0;
  #spokenAt = 0;
  #clock = 0;
  #stopTone = null;

  /** Shows `call` from now on, until the next one. */
  show(call) {
    this.#quiet();
    this.#call = call;
    this.#began = performance.now();
    this.#confirmedAt = 0;
    this.#states.replaceChildren();
    this.#card.hidden = false;
    const peer = peerOf(call);
    byId('call-peer').textContent = peer;
    byId('call-face').textContent = [...peer][0] ?? '?';
    for (const name of ['state', 'stream', 'media', 'microphone']) call.addEventListener(name, () => this.#changed(call, name));
    this.#changed(call, 'state');
    this.#changed(call, 'stream');
  }

  hide() {
    this.#quiet();
    this.#call = null;
    this.#card.hidden = true;
  }

  /** Mute shows on the button and on the meter. */
  showMuted(muted) {
    const button = byId('mute');
    button.setAttribute('aria-pressed', String(muted));
    button.textContent = muted ? 'Unmute' : 'Mute';
    byId('meter-you').parentElement.classList.toggle('muted', muted);
  }

  get confirmedSeconds() {
    return this.#confirmedAt ? (performance.now() - this.#confirmedAt) / 1000 : 0;
  }

  #changed(call, what) {
    if (call !== this.#call) return;
    if (what === 'stream') this.#streams(call);
    else this.#state(call);
    this.#say();
  }

  /** Only what is new is written: a screen reader speaks each change. */
  #say() {
    const call = this.#call;
    const sentence = call.state === 'confirmed' ? soundSentence(call, this.confirmedSeconds) : stateSentence(call);
    if (byId('call-status').textContent !== sentence) byId('call-status').textContent = sentence;
  }

  #state(call) {
    const {state} = call;
    if (state && this.#states.lastElementChild?.dataset.state !== state) this.#addStep(state);
    const incoming = call.dir === 'incoming' && !call.answering && (state === 'calling' || state === 'ringing');
    const live = state !== 'dropped' && !incoming;
    this.#card.dataset.phase = phaseOf(call, incoming);
    byId('incoming-actions').hidden = !incoming;
    byId('live-actions').hidden = !live;
    byId('meters').hidden = !live;
    if (!live) byId('sent').hidden = true;
    byId('keypad-toggle').disabled = state !== 'confirmed';
    this.#tone(call, incoming);
    if (state === 'confirmed' && !this.#confirmedAt) this.#startClock();
    if (state !== 'dropped') return;
    const answered = this.#confirmedAt > 0;
    this.#quiet();
    if (call.dir === 'outgoing' && !answered && !endedQuietly(call)) this.#stopTone = BUSY_CODES.has(call.code) ? startBusy() : startCongestion();
  }

  #addStep(state) {
    const item = document.createElement('li');
    item.dataset.state = state;
    const word = document.createElement('span');
    word.textContent = stepWord(state);
    const after = document.createElement('small');
    after.textContent = seconds(performance.now() - this.#began);
    item.append(word, after);
    this.#states.append(item);
  }

  /** Ringing is heard: ours for an incoming call, and for an outgoing one as long as the other side sends no sound of its own. */
  #tone(call, incoming) {
    const wanted = incoming ? startRingtone
      : call.dir === 'outgoing' && call.state === 'ringing' && !call.earlyMedia ? startRingback : null;
    if (!wanted) return this.#silence();
    this.#stopTone ??= wanted();
    return undefined;
  }

  #silence() {
    this.#stopTone?.();
    this.#stopTone = null;
  }

  #startClock() {
    this.#confirmedAt = performance.now();
    const clock = byId('call-clock');
    const tick = () => {
      clock.textContent = duration(this.confirmedSeconds);
      this.#say();
    };
    tick();
    clock.hidden = false;
    this.#clock = setInterval(tick, 500);
  }

  #streams(call) {
    if (call.remoteStream && this.#audio.srcObject !== call.remoteStream) {
      this.#audio.srcObject = call.remoteStream;
      this.#audio.play().catch(() => {});
    }
    this.#measure('you', call.localStream);
    this.#measure('them', call.remoteStream);
    if (!this.#frame && call.state !== 'dropped') this.#draw();
  }

  #measure(name, stream) {
    if (!stream?.getAudioTracks().length || this.#meters[name]?.stream === stream) return;
    this.#meters[name]?.meter.close();
    this.#meters[name] = {stream, meter: new LevelMeter(stream), shown: 0};
  }

  #draw() {
    const now = performance.now();
    const speak = now - this.#spokenAt > SPOKEN_LEVEL_EVERY_MS;
    if (speak) this.#spokenAt = now;
    for (const [name, entry] of Object.entries(this.#meters)) {
      entry.shown = Math.max(entry.meter.level(), entry.shown - 0.02); // Up at once, down slowly: as meters do.
      showLevel(byId(`meter-${name}`), entry.shown, speak);
    }
    this.#frame = requestAnimationFrame(() => this.#draw());
  }

  #quiet() {
    this.#silence();
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    clearInterval(this.#clock);
    byId('call-clock').hidden = true;
    for (const [name, {meter}] of Object.entries(this.#meters)) {
      meter.close();
      showLevel(byId(`meter-${name}`), 0, true);
    }
    this.#meters = {};
    this.#audio.srcObject = null;
  }
}

/** The name to show for the other side. */
export const peerOf = (call) => (call.dir === 'incoming' ? call.fromName || call.from : call.to) || 'unknown';

/** True when a call ended in a way that nobody need be told about in red. */
export const endedQuietly = (call) => call.endedHere || QUIET_ENDS.has(call.reason);

function phaseOf(call, incoming) {
  if (call.state === 'dropped') return endedQuietly(call) ? 'ended' : 'failed';
  if (call.state === 'confirmed') return 'live';
  return incoming ? 'incoming' : 'setup';
}

function showLevel(element, level, speak) {
  const percent = Math.round(level * 100);
  element.firstElementChild.style.setProperty('--level', `${percent}%`);
  if (speak) element.setAttribute('aria-valuenow', String(percent));
}

const seconds = (milliseconds) => `+${(milliseconds / 1000).toFixed(milliseconds < 9995 ? 2 : 0)} s`;
