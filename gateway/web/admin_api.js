// SPDX-License-Identifier: MIT
// What the admin page asks the gateway. The secret goes into the Authorization header and nowhere else; credentials of
// the browser are left out, so that a refusal opens no dialog of its own.

const PER_PAGE = 200;

export class Refused extends Error {
  constructor(status, retryAfter) {
    super(`refused with ${status}`);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

export class AdminApi {
  #authorization;

  constructor(secret) {
    const octets = new TextEncoder().encode(`api:${secret}`);
    this.#authorization = `Basic ${btoa(String.fromCharCode(...octets))}`;
  }

  /** The first page of a list: `{entries, totalEntries}`. */
  async list(name) {
    const response = await fetch(`api/v1/${name}?perPage=${PER_PAGE}`, {
      headers: {Authorization: this.#authorization}, credentials: 'omit', cache: 'no-store', redirect: 'error', signal: AbortSignal.timeout(10_000),
    });
    if (!response.ok) throw new Refused(response.status, Number(response.headers.get('Retry-After')) || 0);
    return response.json();
  }

  /** `{ready, reasons, notes}` in the gateway's words. */
  async readiness() {
    const response = await fetch('readyz', {credentials: 'omit', cache: 'no-store', signal: AbortSignal.timeout(10_000)});
    const body = await response.json();
    if (response.ok) return {ready: true, reasons: '', notes: body.notes ?? []};
    return {ready: false, reasons: body.error?.message ?? '', notes: []};
  }

  /** All that the page shows, of one moment or nearly so. */
  async everything() {
    const names = ['calls', 'trunks', 'clients', 'registrations', 'failures'];
    const [readiness, ...lists] = await Promise.all([this.readiness(), ...names.map((name) => this.list(name))]);
    return {readiness, ...Object.fromEntries(names.map((name, i) => [name, lists[i]]))};
  }
}
