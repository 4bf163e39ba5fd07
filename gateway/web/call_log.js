// SPDX-License-Identifier: MIT
// The list of recent calls, newest first, kept in this browser for each account until it signs out or clears it.

import {keep, recall} from './kept.js';
import {duration} from './words.js';

const KEPT = 50;
const LONGEST_TEXT = 256;

export class CallLog {
  #list = document.getElementById('log');
  #empty = document.getElementById('log-empty');
  #clear = document.getElementById('log-clear');
  #account = '';
  #entries = [];
  #onPick;

  /** `onPick(number)` is called when an entry is chosen, to call it again. */
  constructor(onPick) {
    this.#onPick = onPick;
    this.#clear.addEventListener('click', () => this.clear());
    globalThis.addEventListener('storage', () => this.open(this.#account)); // Another tab has added to it.
    this.#show();
  }

  /** Shows the list of `account`. */
  open(account) {
    this.#account = account;
    this.#entries = this.#kept();
    this.#show();
  }

  /** `{dir, peer, number, what, seconds, missed, at}`: at in milliseconds since 1970. */
  add(entry) {
    this.#entries = [entry, ...this.#kept()].slice(0, KEPT);
    keep(this.#name(), this.#entries);
    this.#show();
  }

  clear() {
    this.#entries = [];
    keep(this.#name(), null);
    this.#show();
  }

  #name() {
    return `log.${this.#account}`;
  }

  #kept() {
    const kept = recall(this.#name(), []);
    return Array.isArray(kept) ? kept.filter(isEntry).slice(0, KEPT) : [];
  }

  #show() {
    this.#empty.hidden = this.#entries.length > 0;
    this.#clear.hidden = this.#entries.length === 0;
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
    button.append(arrow, piece('peer', entry.peer), piece('when', whenWords(entry.at)), piece('what', what));
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

/** The time of today, the day of other days. */
function whenWords(at) {
  const then = new Date(at);
  if (then.toDateString() === new Date().toDateString()) return then.toLocaleTimeString([], {hour: '2-digit', minute: '2-digit'});
  return then.toLocaleDateString([], {day: 'numeric', month: 'short'});
}

/** What another version of the page has kept, or somebody by hand, may be anything. */
const isEntry = (entry) => ['dir', 'peer', 'number', 'what'].every((name) => typeof entry?.[name] === 'string' && entry[name].length <= LONGEST_TEXT) &&
  Number.isFinite(entry.seconds) && Number.isFinite(entry.at);
