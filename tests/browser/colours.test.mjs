// SPDX-License-Identifier: MIT
// The colours of the page can be read, in the light and in the dark scheme: contrasts of WCAG 2.1, sections 1.4.3 (4.5 for text) and 1.4.11 (3 for the
// ring around the focus).

import assert from 'node:assert/strict';
import fs from 'node:fs';
import {test} from 'node:test';

const style = fs.readFileSync(new URL('../../gateway/web/style.css', import.meta.url), 'utf8');
const TEXTS = [
  ['text', 'page'], ['text', 'card'], ['text', 'field'], ['text', 'warn-soft'], ['text', 'good-soft'], ['text', 'accent-soft'],
  ['soft', 'page'], ['soft', 'card'], ['soft', 'field'], ['soft', 'warn-soft'],
  ['on-accent', 'accent'], ['on-accent', 'accent-strong'], ['accent-strong', 'accent-soft'], ['danger', 'card'], ['danger', 'danger-soft'],
];
const WHITE_ON = ['danger-fill', 'danger-fill-strong'];

const colours = (block) => Object.fromEntries([...block.matchAll(/--([a-z-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name, value]));
const dark = style.indexOf('@media (prefers-color-scheme: dark)');
const light = colours(style.slice(0, dark));
const schemes = {light, dark: {...light, ...colours(style.slice(dark, style.indexOf('*, *::before')))}};

function luminance(colour) {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

for (const [name, scheme] of Object.entries(schemes)) {
  test(`the ${name} scheme can be read`, () => {
    assert.ok(contrast('#000000', '#ffffff') > 20.9);
    for (const [text, ground] of TEXTS) {
      const found = contrast(scheme[text], scheme[ground]);
      assert.ok(found >= 4.5, `${text} on ${ground}: ${found.toFixed(2)}`);
    }
    for (const ground of WHITE_ON) assert.ok(contrast('#ffffff', scheme[ground]) >= 4.5, ground);
    for (const ground of ['page', 'card']) assert.ok(contrast(scheme.ring, scheme[ground]) >= 3, `ring on ${ground}`);
  });
}
