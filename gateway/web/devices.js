// SPDX-License-Identifier: MIT
// Which microphone and which speaker: two lists that follow what is plugged in. The choice is kept in this browser.

import {keep, recall} from './kept.js';

const DEFAULT_IDS = new Set(['', 'default', 'communications']);
const LISTED_AT_MOST = 32;

const byId = (id) => document.getElementById(id);

export class DeviceChoice {
  #onChoice;
  #lists = {audioinput: byId('microphone'), audiooutput: byId('speaker')};
  #chosen = {audioinput: '', audiooutput: ''};

  /** `onChoice(kind, deviceId)` is called for what was kept and for each choice, kind being 'audioinput' or 'audiooutput'; it may reject. */
  constructor(onChoice) {
    this.#onChoice = onChoice;
    byId('speaker-row').hidden = !('setSinkId' in HTMLMediaElement.prototype);
    for (const [kind, list] of Object.entries(this.#lists)) {
      list.addEventListener('change', () => this.#choose(kind, list.value));
      const kept = recall(kind, '');
      if (typeof kept === 'string' && kept !== '') this.#choose(kind, kept);
    }
    navigator.mediaDevices?.addEventListener('devicechange', () => this.refresh());
  }

  /** Reads the devices anew. Their names are known only after the microphone was allowed once. */
  async refresh() {
    const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
    for (const [kind, list] of Object.entries(this.#lists)) this.#fill(list, kind, devices.filter((device) => device.kind === kind));
  }

  async #choose(kind, deviceId) {
    const before = this.#chosen[kind];
    this.#chosen[kind] = deviceId;
    try {
      await this.#onChoice(kind, deviceId);
      keep(kind, deviceId || null);
      byId('sound-notice').hidden = true;
    } catch {
      this.#chosen[kind] = before;
      this.#lists[kind].value = before;
      byId('sound-notice').textContent = kind === 'audioinput' ? 'This microphone could not be used.' : 'This speaker could not be used.';
      byId('sound-notice').hidden = false;
    }
  }

  /** The browser's own choice stands first; a chosen device that is unplugged is not shown as chosen, and is again when it comes back. */
  #fill(list, kind, devices) {
    const named = devices.filter(({deviceId, label}) => !DEFAULT_IDS.has(deviceId) && label).slice(0, LISTED_AT_MOST);
    const options = [{deviceId: '', label: 'As the browser chooses'}, ...named];
    list.replaceChildren(...options.map(({deviceId, label}) => new Option(label, deviceId, false, deviceId === this.#chosen[kind])));
  }
}
