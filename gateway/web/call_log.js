// SPDX-License-Identifier: MIT
// The list of recent calls, newest first, kept for as long as the tab lives.

import {duration} from './words.js';

const KEPT = 50;
const KEY = 'isthmus.log';

export class CallLog {
  #list = document.getElementById('log');
  #empty = document.getElementById('log-empty');
  #entries = [];
  #onPick;

  /** `onPick(number)` is called when an entry is chosen, to call it again. */
  constructor(onPick) {
    this.#onPick = onPick;
    try {
      const kept = JSON.parse(sessionStorage.getItem(KEY) ?? '[]');
      if (Array.isArray(kept)) this.#entries = kept.slice(0, KEPT);
    } catch {
      // A list that cannot be read is begun anew.
    }
    this.#show();
  }

  /** `{dir, peer, number, what, seconds, missed, at}`: at in milliseconds since 1970. */
  add(entry) {
    this.#entries = [entry, ...this.#entries].slice(0, KEPT);
    sessionStorage.setItem(KEY, JSON.stringify(this.#entries));
    this.#show();
  }

  clear() {
    this.#entries = [];
    sessionStorage.removeItem(KEY);
    this.#show();
  }

  #show() {
    this.#empty.hidden = this.#entries.length > 0;
    this.#list.replaceChildren(...this.#entries.map((entry) => this.#item(entry)));
  }

  #item(entry) {
    const item = document.createElement('li');
    const button = document.createElement('button');
    button.type = 'button';
    const outgoing = entry.dir === 'outgoing';
    const arrow = piece('arrow', outgoing ? '↗' : '↙');
    arrow.setAttribute('role', 'img');
    arrow.setAttribute('aria-label', outgoing ? 'Outgoing' : entry.missed ? 'Missed' : 'Incoming');
    arrow.classList.toggle('missed', entry.missed === true);
    const what = entry.seconds ? `${entry.what} ${duration(entry.seconds)}` : entry.what;
    button.append(arrow, piece('peer', entry.peer), piece('when', clockTime(entry.at)), piece('what', what));
    button.addEventListener('click', () => this.#onPick(entry.number));
    item.append(button);
    return item;
  }
}

function piece(className, text) {
  const span = document.createElement('span');
  span.className = className;
  span.textContent = text;
  return span;
}

const clockTime = (at) => new Date(at).toLocaleTimeString([], {hour: '2-digit', minute: '2-digit'});
