// SPDX-License-Identifier: MIT
// Tones as evidence: makes files with a known tone, and finds the tone in real samples by a Fourier transform.

import fs from 'node:fs';

const LOWEST_HZ = 100; // Below lies hum and the DC part of a window.
const SILENCE_RMS = 1e-4;
const PEAK_BINS = 4; // A Hann window spreads a tone over two bins either side; codecs add a little.
const LONGEST = 32768;

/** Writes a mono 16-bit WAV file: `hz`, in pulses of 0.4 s with 0.1 s between them unless `steady`. */
export function writeTone(path, {hz, seconds = 10, rate = 48000, amplitude = 0.4, steady = false}) {
  const count = Math.round(seconds * rate);
  const samples = new Int16Array(count);
  for (let i = 0; i < count; i++) {
    const on = steady || (i / rate) % 0.5 < 0.4;
    samples[i] = on ? Math.round(32767 * amplitude * Math.sin((2 * Math.PI * hz * i) / rate)) : 0;
  }
  fs.writeFileSync(path, Buffer.concat([wavHeader(samples.byteLength, rate), Buffer.from(samples.buffer)]));
}

/** Reads a 16-bit PCM WAV file: `{samples, rate}`, the channels mixed, full scale 1. */
export function readWav(path) {
  const file = fs.readFileSync(path);
  if (file.toString('latin1', 0, 4) !== 'RIFF' || file.toString('latin1', 8, 12) !== 'WAVE') throw new Error(`${path}: not a WAV file`);
  let format = null;
  for (let at = 12; at + 8 <= file.length;) {
    const kind = file.toString('latin1', at, at + 4);
    const size = Math.min(file.readUInt32LE(at + 4), file.length - at - 8); // A recorder that was killed leaves a size that is wrong.
    if (kind === 'fmt ') format = {tag: file.readUInt16LE(at + 8), channels: file.readUInt16LE(at + 10), rate: file.readUInt32LE(at + 12), bits: file.readUInt16LE(at + 22)};
    if (kind === 'data') return {samples: mixed(file.subarray(at + 8, at + 8 + size), format), rate: format.rate};
    at += 8 + size + (size & 1);
  }
  throw new Error(`${path}: no samples`);
}

/**
 * The strongest tone of `samples` (full scale 1): `{hz, share, rms}`, `share` being its part of the whole power, 0 to 1.
 * Of a long recording the loudest stretch is judged. Null for silence.
 */
export function findTone(samples, rate) {
  const size = Math.min(LONGEST, 2 ** Math.floor(Math.log2(samples.length)));
  if (size < 1024) throw new Error(`findTone: ${samples.length} samples are too few`);
  const piece = loudest(samples, size);
  const rms = Math.sqrt(piece.reduce((sum, x) => sum + x * x, 0) / size);
  if (rms < SILENCE_RMS) return null;
  const power = spectrum(piece);
  const first = Math.ceil((LOWEST_HZ * size) / rate);
  let peak = first;
  let whole = 0;
  for (let bin = first; bin < power.length; bin++) {
    whole += power[bin];
    if (power[bin] > power[peak]) peak = bin;
  }
  let near = 0;
  for (let bin = Math.max(first, peak - PEAK_BINS); bin <= Math.min(power.length - 1, peak + PEAK_BINS); bin++) near += power[bin];
  return {hz: ((peak + between(power, peak)) * rate) / size, share: near / whole, rms};
}

/** True if `found` is the tone `hz`, within `tolerance` (a part of it), and is most of what is heard. */
export function isTone(found, hz, {tolerance = 0.02, share = 0.5} = {}) {
  return found !== null && Math.abs(found.hz - hz) <= hz * tolerance && found.share >= share;
}

function wavHeader(bytes, rate) {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + bytes, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(rate, 24);
  header.writeUInt32LE(rate * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(bytes, 40);
  return header;
}

function mixed(bytes, format) {
  if (!format || format.bits !== 16 || ![1, 0xfffe].includes(format.tag)) throw new Error('only 16-bit PCM is read');
  const frames = Math.floor(bytes.length / 2 / format.channels);
  const samples = new Float64Array(frames);
  for (let frame = 0; frame < frames; frame++) {
    let sum = 0;
    for (let channel = 0; channel < format.channels; channel++) sum += bytes.readInt16LE(2 * (frame * format.channels + channel));
    samples[frame] = sum / format.channels / 32768;
  }
  return samples;
}

function loudest(samples, size) {
  let best = 0;
  let bestPower = -1;
  for (let at = 0; at + size <= samples.length; at += size >> 1) {
    let power = 0;
    for (let i = at; i < at + size; i++) power += samples[i] * samples[i];
    if (power > bestPower) [best, bestPower] = [at, power];
  }
  return Float64Array.from(samples.slice(best, best + size));
}

/** Power per bin, 0 to half the sample rate, of a Hann-windowed piece whose length is a power of two. */
function spectrum(piece) {
  const size = piece.length;
  const re = piece.map((x, i) => x * 0.5 * (1 - Math.cos((2 * Math.PI * i) / (size - 1))));
  const im = new Float64Array(size);
  for (let i = 1, j = 0; i < size; i++) {
    let bit = size >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) [re[i], re[j]] = [re[j], re[i]];
  }
  for (let half = 1; half < size; half *= 2) butterflies(re, im, half);
  return Float64Array.from({length: size / 2}, (_, bin) => re[bin] * re[bin] + im[bin] * im[bin]);
}

function butterflies(re, im, half) {
  for (let k = 0; k < half; k++) {
    const angle = (-Math.PI * k) / half;
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    for (let i = k; i < re.length; i += 2 * half) {
      const [x, y] = [re[i + half] * c - im[i + half] * s, re[i + half] * s + im[i + half] * c];
      [re[i + half], im[i + half]] = [re[i] - x, im[i] - y];
      [re[i], im[i]] = [re[i] + x, im[i] + y];
    }
  }
}

/** Where between the bins the peak lies, by a parabola through the logarithms. */
function between(power, peak) {
  if (peak < 1 || peak + 1 >= power.length) return 0;
  const [a, b, c] = [power[peak - 1], power[peak], power[peak + 1]].map((value) => Math.log(value + 1e-300));
  return (0.5 * (a - c)) / (a - 2 * b + c || 1);
}
