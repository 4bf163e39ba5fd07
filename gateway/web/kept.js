// SPDX-License-Identifier: MIT
// What the page keeps in this browser beyond the tab: small values by name. A browser that keeps nothing is no fault.

/** The value kept under `name`, or `otherwise`. */
export function recall(name, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(`isthmus.${name}`)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

/** Keeps `value`; null forgets it. */
export function keep(name, value) {
  try {
    if (value === null) localStorage.removeItem(`isthmus.${name}`);
    else localStorage.setItem(`isthmus.${name}`, JSON.stringify(value));
  } catch {
    // Blocked or full: it is forgotten with the tab.
  }
}
