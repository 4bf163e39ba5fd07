// SPDX-License-Identifier: MIT
// The line above everything else: no secure context, the gateway is gone and when it is tried again, it is back and whether the call lives.

import {backSentence, insecureSentence, lostSentence, retryWords} from './words.js';

const BACK_SHOWN_MS = 6000;
const COUNT_EVERY_MS = 500;

const byId = (id) => document.getElementById(id);

export class Banner {
  #isthmus;
  #callOf;
  #away = false;
  #call = null;
  #timer = 0;

  /** `callOf()`: the page's call, or null. */
  constructor(isthmus, callOf) {
    this.#isthmus = isthmus;
    this.#callOf = callOf;
    isthmus.addEventListener('connection', () => this.#connection());
    isthmus.addEventListener('retry', () => this.#count());
    byId('try-now').addEventListener('click', () => isthmus.reconnect());
    this.#rest();
  }

  #connection() {
    const {connection} = this.#isthmus;
    if (connection === 'lost') return this.#lost();
    if (connection === 'online' && this.#away) return this.#back();
    this.#away = false;
    return this.#rest();
  }

  #lost() {
    this.#away = true;
    this.#call = this.#callOf();
    clearTimeout(this.#timer);
    this.#count();
    return undefined;
  }

  /** The sentence is spoken when it changes; the seconds are only to be seen. */
  #count() {
    if (!this.#away || this.#isthmus.connection !== 'lost') return;
    clearTimeout(this.#timer);
    const {retryAt} = this.#isthmus;
    this.#say(lostSentence(this.#callOf()?.media ?? null), 'warn', retryWords(retryAt ? (retryAt - Date.now()) / 1000 : 0));
    this.#timer = setTimeout(() => this.#count(), COUNT_EVERY_MS);
  }

  /** Whether the call lives is known only when the gateway has named it, or when it is dropped. */
  #back() {
    this.#away = false;
    clearTimeout(this.#timer);
    const call = this.#call;
    this.#call = null;
    if (!call) return this.#shortly(null);
    if (call.state === 'dropped') return this.#shortly(call.endedHere ? null : false);
    this.#say(backSentence(null), 'good');
    const known = new AbortController();
    const tell = () => {
      if (call.state === 'dropped') this.#shortly(call.endedHere ? null : false);
      else this.#shortly(true);
      known.abort();
    };
    call.addEventListener('resumed', tell, {signal: known.signal});
    call.addEventListener('state', () => { if (call.state === 'dropped') tell(); }, {signal: known.signal});
    return undefined;
  }

  #shortly(lived) {
    if (this.#away) return;
    clearTimeout(this.#timer);
    this.#say(backSentence(lived), lived === false ? 'warn' : 'good');
    this.#timer = setTimeout(() => this.#rest(), BACK_SHOWN_MS);
  }

  #rest() {
    clearTimeout(this.#timer);
    this.#say(insecureSentence(globalThis.isSecureContext), 'warn');
  }

  /** `count`: while attempts are made, when the next one is. */
  #say(sentence, tone, count = '') {
    if (byId('banner-text').textContent !== sentence) byId('banner-text').textContent = sentence;
    byId('banner-count').textContent = count;
    byId('try-now').hidden = count === '';
    byId('banner').dataset.tone = tone;
    byId('banner').hidden = sentence === '';
  }
}
