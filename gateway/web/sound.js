// SPDX-License-Identifier: MIT
// Sound that is made or measured in the page: levels of a stream, and the tones a person expects while it rings.

const FLOOR_DB = -60;
const RINGBACK = {on: 1, off: 4, tones: [425], gain: 0.05};
const RINGTONE = {on: 1, off: 2, tones: [660, 880], gain: 0.08};

let shared = null;

/** The page's one AudioContext; call it in an event of the user, so that the browser lets it run. */
export function audioContext() {
  shared ??= new AudioContext();
  if (shared.state === 'suspended') shared.resume().catch(() => {});
  return shared;
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

export const startRingback = () => startTone(RINGBACK);
export const startRingtone = () => startTone(RINGTONE);

/** Repeats a tone until the returned function is called. */
function startTone({on, off, tones, gain}) {
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
  return () => {
    clearInterval(timer);
    oscillators.forEach((oscillator) => oscillator.stop());
    volume.disconnect();
  };
}
