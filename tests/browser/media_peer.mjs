// SPDX-License-Identifier: MIT
// The far end of a fake call: another page of the same Chromium, whose voice is a tone. It answers and makes offers.

import {heardTone} from './chromium.mjs';

export class MediaPeer {
  #page;

  /** `hz`: the tone it sends. */
  static async open(browser, hz) {
    const peer = new MediaPeer();
    peer.#page = await (await browser.createBrowserContext()).newPage();
    await peer.#page.evaluate(prepare, hz);
    return peer;
  }

  /** A new connection that answers `offer`, all candidates in the answer. */
  answer(offer) {
    return this.#page.evaluate((sdp) => globalThis.far.answer(sdp), offer);
  }

  /** A new connection's offer, all candidates in it. */
  offer() {
    return this.#page.evaluate(() => globalThis.far.offer());
  }

  answered(answer) {
    return this.#page.evaluate((sdp) => globalThis.far.answered(sdp), answer);
  }

  /** What arrives here. */
  heard() {
    return heardTone(this.#page, 'audio');
  }
}

/** Runs in the page. */
function prepare(hz) {
  const audio = document.createElement('audio');
  audio.autoplay = true;
  document.body.append(audio);
  const context = new AudioContext();
  const oscillator = new OscillatorNode(context, {frequency: hz});
  const voice = context.createMediaStreamDestination();
  oscillator.connect(new GainNode(context, {gain: 0.3})).connect(voice);
  oscillator.start();
  let connection = null;

  const fresh = () => {
    connection?.close();
    connection = new RTCPeerConnection();
    connection.ontrack = ({streams, track}) => { audio.srcObject = streams[0] ?? new MediaStream([track]); };
    return connection;
  };
  const gathered = (peer) => new Promise((resolve) => {
    const done = () => { if (peer.iceGatheringState === 'complete') resolve(peer.localDescription.sdp); };
    peer.onicegatheringstatechange = done;
    done();
  });
  globalThis.far = {
    async answer(sdp) {
      const peer = fresh();
      await peer.setRemoteDescription({type: 'offer', sdp});
      peer.addTrack(voice.stream.getAudioTracks()[0], voice.stream);
      await peer.setLocalDescription();
      return gathered(peer);
    },
    async offer() {
      const peer = fresh();
      peer.addTrack(voice.stream.getAudioTracks()[0], voice.stream);
      await peer.setLocalDescription();
      return gathered(peer);
    },
    answered: (sdp) => connection.setRemoteDescription({type: 'answer', sdp}),
  };
}
