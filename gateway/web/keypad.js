// SPDX-License-Identifier: MIT
// The twelve keys of a telephone, as buttons; what a press does is the page's business.

const KEYS = [
  ['1', ''], ['2', 'ABC'], ['3', 'DEF'],
  ['4', 'GHI'], ['5', 'JKL'], ['6', 'MNO'],
  ['7', 'PQRS'], ['8', 'TUV'], ['9', 'WXYZ'],
  ['*', ''], ['0', '+'], ['#', ''],
];
const NAMES = {'*': 'star', '#': 'hash'};

/** Fills `root` with the keys; `onPress(digit)` is called for each press. */
export function makeKeypad(root, onPress) {
  root.replaceChildren(...KEYS.map(([digit, letters]) => {
    const key = document.createElement('button');
    key.type = 'button';
    key.dataset.digit = digit;
    key.setAttribute('aria-label', NAMES[digit] ?? digit);
    key.append(digit);
    const small = document.createElement('small');
    small.textContent = letters || '\u00a0';
    key.append(small);
    key.addEventListener('click', () => onPress(digit));
    return key;
  }));
}

export const isDigit = (text) => /^[0-9*#]$/.test(text);
