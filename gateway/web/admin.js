// SPDX-License-Identifier: MIT
// The admin page: what the gateway knows, asked for every two seconds. Everything from calls was written by strangers;
// it gets into the page as text and never as markup.

import {AdminApi, Refused} from './admin_api.js';

const PERIOD_MS = 2000;
const KEPT = 'isthmus.admin.secret';  // of this tab, until it is closed
const element = (id) => document.getElementById(id);

let api = null;
let timer = 0;
const shown = new Map();  // what each table was made from

// ---- pieces

function node(name, text = '', properties = {}) {
  const made = Object.assign(document.createElement(name), properties);
  made.textContent = text;
  return made;
}

function cell(text, className = '') {
  return node('td', text, {className});
}

/** A cell of a main line and a softer one below. */
function twoLines(first, second) {
  const made = cell(first);
  if (second) made.append(node('small', second));
  return made;
}

function time(stamp) {
  if (!stamp) return '';
  const at = new Date(stamp);
  const clock = at.toLocaleTimeString([], {hour: '2-digit', minute: '2-digit', second: '2-digit'});
  return at.toDateString() === new Date().toDateString() ? clock : `${at.toLocaleDateString()} ${clock}`;
}

function party(call) {
  return call.from_name ? twoLines(call.from_name, call.from) : cell(call.from);
}

function ending(what) {
  return [what.reason, what.code, what.text && `“${what.text}”`].filter(Boolean).join(' ');
}

// ---- rows

function callRow(call) {
  const state = cell('');
  const word = node('span', call.current_state, {className: 'state'});
  word.dataset.state = call.current_state;
  state.append(word);
  if (call.current_state === 'dropped') state.append(node('small', `${call.reaping_legs} legs end`));
  return [state, party(call), twoLines(call.to, call.target), cell(call.module ?? ''), cell(call.client ?? ''),
    cell(time(call.created_at), 'number'), cell(time(call.changed_at), 'number'), cell(call.id, 'id')];
}

function result(what) {
  if (!what) return cell('none yet');
  return twoLines(time(what.at), ending(what));
}

function trunkRow(trunk) {
  const number = (value) => cell(String(value), 'number');
  return [cell(trunk.name), cell(trunk.host ? `${trunk.host}${trunk.port ? `:${trunk.port}` : ''} (${trunk.transport})` : 'takes no calls'),
    twoLines(String(trunk.calls.outgoing + trunk.calls.incoming), `${trunk.calls.outgoing} out, ${trunk.calls.incoming} in`),
    number(trunk.placed), number(trunk.failed), number(trunk.came), result(trunk.last_success), result(trunk.last_failure)];
}

function phoneLines(bindings) {
  if (bindings.length === 0) return cell('none');
  const made = cell('');
  for (const binding of bindings) {
    const line = node('p', binding.contact);
    line.append(node('small', [`${binding.source_ip} port ${binding.source_port} ${binding.transport ?? ''}`.trim(), binding.user_agent,
      `until ${time(binding.expires_at)}`].filter(Boolean).join(', ')));
    made.append(line);
  }
  return made;
}

function accountRow(client, bindings) {
  const sessions = client.connected ? `${client.sessions} signed in` : client.sessions > 0 ? 'lost, may come back' : 'not signed in';
  return [twoLines(client.id, client.source === 'api' ? 'made by the API' : ''), cell(client.identities.join(', ')), cell(sessions), phoneLines(bindings)];
}

function failureRow(call) {
  return [cell(time(call.changed_at), 'number'), party(call), cell(call.to), twoLines(call.why, ending(call)), cell(call.reached), cell(call.module ?? ''), cell(call.id, 'id')];
}

// ---- the page

/** Fills a table, unless it would look as before: what a person has selected stays selected. */
function fill(name, page, rows) {
  const text = JSON.stringify(rows.map((row) => row.map((each) => each.outerHTML)));
  if (shown.get(name) === text) return;
  shown.set(name, text);
  const made = rows.map((cells) => {
    const row = document.createElement('tr');
    row.append(...cells);
    return row;
  });
  const more = page.totalEntries - page.entries.length;
  if (more > 0) {
    const row = document.createElement('tr');
    const rest = cell(`and ${more} more`);
    rest.colSpan = 99;
    row.append(rest);
    made.push(row);
  }
  element(name).tBodies[0].replaceChildren(...made);
  element(name).hidden = made.length === 0;
  document.querySelector(`[data-empty="${name}"]`).hidden = made.length > 0;
}

function tile(number, words) {
  const made = node('li');
  made.append(node('strong', String(number)), node('span', words));
  return made;
}

function showReadiness({ready, reasons, notes}) {
  const words = ready ? notes.join(' ') : `No new calls: ${reasons}`;
  element('readiness').textContent = words;
  element('readiness').hidden = words === '';
}

function show(all) {
  const live = all.calls.entries.filter((call) => call.current_state !== 'dropped');
  const reaped = all.calls.entries.length - live.length;
  element('tiles').replaceChildren(
    tile(all.calls.totalEntries - reaped, 'calls'),
    tile(live.filter((call) => call.current_state === 'confirmed').length, 'of them confirmed'),
    tile(all.registrations.totalEntries, 'registered phones'),
    tile(all.clients.entries.filter((client) => client.connected).length, 'signed-in browsers'),
    tile(all.failures.totalEntries, 'recent failures'));
  showReadiness(all.readiness);
  fill('calls', all.calls, all.calls.entries.map(callRow));
  fill('trunks', all.trunks, all.trunks.entries.map(trunkRow));
  const bindingsOf = (name) => all.registrations.entries.filter((each) => each.user === name);
  fill('accounts', all.clients, all.clients.entries.map((client) => accountRow(client, bindingsOf(client.id))));
  fill('failures', all.failures, all.failures.entries.map(failureRow));
}

function chip(connection, words) {
  element('connection').dataset.connection = connection;
  if (element('connection').textContent !== words) element('connection').textContent = words;
  element('admin').toggleAttribute('data-stale', connection === 'lost');
}

function refusal(error) {
  if (error.status === 401) return 'The secret is wrong.';
  if (error.status === 429) return `Too many wrong secrets from this address. Try again in ${error.retryAfter} seconds.`;
  if (error.status === 503) return 'The gateway is ending.';
  return `The gateway refused with ${error.status}.`;
}

function signedOut(notice = '') {
  clearTimeout(timer);
  api = null;
  sessionStorage.removeItem(KEPT);
  shown.clear();
  for (const table of document.querySelectorAll('tbody')) table.replaceChildren();
  element('tiles').replaceChildren();
  for (const id of ['admin', 'connection', 'sign-out']) element(id).hidden = true;
  element('sign-in').hidden = false;
  element('sign-in-notice').textContent = notice;
  element('sign-in-notice').hidden = notice === '';
  element('secret').value = '';
  element('secret').focus();
}

function signedIn(secret) {
  sessionStorage.setItem(KEPT, secret);
  element('sign-in').hidden = true;
  for (const id of ['admin', 'connection', 'sign-out']) element(id).hidden = false;
}

/** Asks once and shows the answer; asks again later as long as the same secret is in use. */
async function look(secret) {
  const mine = api;
  try {
    const all = await mine.everything();
    if (mine !== api) return;
    signedIn(secret);
    show(all);
    chip('online', 'live');
  } catch (error) {
    if (mine !== api) return;
    if (error instanceof Refused && [401, 429].includes(error.status)) return signedOut(refusal(error));
    if (element('admin').hidden) return signedOut(error instanceof Refused ? refusal(error) : 'The gateway cannot be reached.');
    chip('lost', error instanceof Refused ? refusal(error) : 'The gateway cannot be reached; trying again.');
  }
  clearTimeout(timer);
  timer = setTimeout(() => look(secret), PERIOD_MS);
}

function start(secret) {
  api = new AdminApi(secret);
  return look(secret);
}

element('sign-in-form').addEventListener('submit', (event) => {
  event.preventDefault();
  element('sign-in-notice').hidden = true;
  start(element('secret').value);
});
element('sign-out').addEventListener('click', () => signedOut());

const kept = sessionStorage.getItem(KEPT);
if (kept) start(kept);
else signedOut();
