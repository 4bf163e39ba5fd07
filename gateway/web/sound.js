// SPDX-License-Identifier: MIT
// Sound that is made or measured in the page: levels of a stream, and the tones a person expects while it rings.

const FLOOR_DB = -60;
const RINGBACK = {on: 1, off: 4, tones: [425], gain: 0.05};
const RINGTONE = {on: 1, off: 2, tones: [660, 880], gain: 0.08};
const BUSY = {on: 0.5, off: 0.5, tones: [425], gain: 0.05, lasts: 4};
const CONGESTION = {on: 0.25, off: 0.25, tones: [425], gain: 0.05, lasts: 3};

let shared = null;
let sink = '';

/** The page's one AudioContext; call it in an event of the user, so that the browser lets it run. */
export function audioContext() {
  shared ??= new AudioContext(sink ? {sinkId: sink} : {});
  if (shared.state === 'suspended') shared.resume().catch(() => {});
  return shared;
}

/** Plays tones and the other side's voice on this speaker ('': the browser's choice). Rejects with the browser's exception. */
export async function playOn(element, deviceId) {
  await element.setSinkId(deviceId);
  await shared?.setSinkId?.(deviceId);
  sink = deviceId;
}

/** How loud a MediaStream is: `level()` from 0 (silence, -60 dB and below) to 1 (full scale). */
export class LevelMeter {
  #analyser;
  #source;
  #samples;

  constructor(stream) {
    const context = audioContext();
    this.#analyser = context.createAnalyser();
    this.#analyser.fftSize = 1024;
    this.#source = context.createMediaStreamSource(stream);
    this.#source.connect(this.#analyser);
    this.#samples = new Float32Array(this.#analyser.fftSize);
  }

  level() {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    for (const sample of this.#samples) sum += sample * sample;
    return levelOfPower(sum / this.#samples.length);
  }

  close() {
    this.#source.disconnect();
  }
}

/** Mean square of samples (full scale 1) to a meter's 0 to 1, linear in decibels. */
export function levelOfPower(power) {
  if (!(power > 0)) return 0;
  return Math.min(1, Math.max(0, 1 - (10 * Math.log10(power)) / FLOOR_DB));
}

// Each repeats a tone until the returned function is called, the last two for a few seconds at most.
export const startRingback = () => startTone(RINGBACK);
export const startRingtone = () => startTone(RINGTONE);
export const startBusy = () => startTone(BUSY);
export const startCongestion = () => startTone(CONGESTION);

function startTone({on, off, tones, gain, lasts = 0}) {
  const context = audioContext();
  const volume = context.createGain();
  volume.gain.value = 0;
  volume.connect(context.destination);
  const oscillators = tones.map((frequency) => {
    const oscillator = context.createOscillator();
    oscillator.frequency.value = frequency;
    oscillator.connect(volume);
    oscillator.start();
    return oscillator;
  });
  const sound = () => {
    const now = context.currentTime;
    volume.gain.setTargetAtTime(gain, now, 0.02);
    volume.gain.setTargetAtTime(0, now + on, 0.02);
  };
  sound();
  const timer = setInterval(sound, (on + off) * 1000);
  const stop = () => {
    clearInterval(timer);
    clearTimeout(end);
    oscillators.forEach((oscillator) => oscillator.stop());
    volume.disconnect();
  };
  const end = lasts && setTimeout(stop, lasts * 1000);
  return stop;
}
