// SPDX-License-Identifier: MIT
// The evidence of the browser tests is only as good as its judge: findTone on samples whose content is known.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {test} from 'node:test';
import {findTone, isTone, readWav, writeTone} from './tone.mjs';

const RATE = 48000;

/** Deterministic noise in [-1, 1). */
function noise(count) {
  let state = 1;
  return Float64Array.from({length: count}, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

const sine = (hz, count, rate = RATE, amplitude = 0.3) => Float64Array.from({length: count}, (_, i) => amplitude * Math.sin((2 * Math.PI * hz * i) / rate));
const sum = (a, b) => a.map((x, i) => x + b[i]);

test('a pure tone is found within a hertz, at 8 and 48 kHz', () => {
  for (const rate of [8000, 48000]) {
    for (const hz of [440, 697.5, 1000, 3001]) {
      const found = findTone(sine(hz, 32768, rate), rate);
      assert.ok(Math.abs(found.hz - hz) < 1, `${found.hz} for ${hz}`);
      assert.ok(found.share > 0.99);
    }
  }
});

test('silence is no tone', () => {
  assert.equal(findTone(new Float64Array(32768), RATE), null);
  assert.equal(isTone(null, 440), false);
});

test('noise has no tone that is most of it', () => {
  const found = findTone(noise(32768), RATE);
  assert.ok(found.share < 0.05);
  assert.equal(isTone(found, found.hz), false);
});

test('a tone in weaker noise is found, another one is not taken for it', () => {
  const found = findTone(sum(sine(440, 32768), noise(32768).map((x) => x * 0.05)), RATE);
  assert.ok(isTone(found, 440));
  assert.equal(isTone(found, 450), false);
  assert.equal(isTone(found, 880), false);
});

test('a direct part and hum below 100 Hz do not count', () => {
  const found = findTone(sum(sine(1000, 32768, RATE, 0.1), sine(50, 32768, RATE, 0.5).map((x) => x + 0.2)), RATE);
  assert.ok(isTone(found, 1000));
});

test('the loudest stretch of a long recording is judged', () => {
  const samples = new Float64Array(10 * RATE);
  samples.set(sine(620, RATE), 4 * RATE);
  assert.ok(isTone(findTone(samples, RATE), 620));
});

test('too few samples are an error, not a guess', () => {
  assert.throws(() => findTone(new Float64Array(512), RATE));
});

test('a written file is read back with its tone, pulsed or steady', () => {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'isthmus-tone-')), 'tone.wav');
  try {
    for (const steady of [true, false]) {
      writeTone(file, {hz: 523, seconds: 2, steady});
      const {samples, rate} = readWav(file);
      assert.equal(rate, 48000);
      assert.equal(samples.length, 96000);
      assert.ok(isTone(findTone(samples, rate), 523), `steady: ${steady}`);
    }
  } finally {
    fs.rmSync(path.dirname(file), {recursive: true});
  }
});

test('a recorder that was killed leaves a file that still is read', () => {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'isthmus-tone-')), 'cut.wav');
  try {
    writeTone(file, {hz: 523, seconds: 2});
    fs.truncateSync(file, 44 + 2 * 60001 + 1);
    assert.equal(readWav(file).samples.length, 60001);
  } finally {
    fs.rmSync(path.dirname(file), {recursive: true});
  }
});
