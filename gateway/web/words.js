// SPDX-License-Identifier: MIT
// What the page says to people: one sentence for each state and each way a call or a sign-in can fail. Pure functions.

const SOUND_LATE_S = 3;
const NAMED_AT_MOST = 3;
const BUSY = 486;

const STATES = {
  pending: 'Asking for permission …',
  calling: 'Calling …',
  ringing: 'Ringing …',
  confirmed: 'In a call',
  dropped: 'Call ended',
};

const STEPS = {pending: 'Asking', calling: 'Calling', ringing: 'Ringing', confirmed: 'In call', dropped: 'Ended'};

const REASONS = {
  hung_up: 'The other side hung up.',
  cancelled: 'The caller gave up.',
  refused: 'The web server did not allow this call.',
  no_web_server: 'No web server is configured that could allow this call.',
  web_server_unreachable: 'The web server that allows calls could not be reached.',
  web_server_error: 'The web server that allows calls failed.',
  web_server_malformed: 'The answer of the web server that allows calls could not be understood.',
  web_server_timeout: 'The web server that allows calls did not decide in time.',
  not_found: 'Nobody here has this number.',
  unavailable: 'Nobody can be reached at this number just now.',
  invite_timeout: 'Nobody answered.',
  media_failed: 'No sound connection could be made.',
  connection_lost: 'The connection with the gateway was lost.',
  commanded: 'The web server ended the call.',
  shutdown: 'The gateway is shutting down.',
  error: 'Something went wrong in the gateway.',
};

const CODES = {
  403: 'The other side does not allow this call.',
  404: 'This number does not exist.',
  408: 'The other side did not answer in time.',
  410: 'This number is no longer in use.',
  480: 'Nobody can be reached at this number just now.',
  484: 'This number is incomplete.',
  486: 'The line is busy.',
  487: 'The call was given up.',
  488: 'You and the other side have no codec in common.',
  500: 'The other side failed.',
  503: 'The other side has no room for this call just now.',
  600: 'The line is busy.',
  603: 'The call was declined.',
};

const ERRORS = {
  [-32000]: 'You are not signed in.',
  [-32002]: 'This name and password do not fit together.',
  [-32004]: 'The session is over; please sign in again.',
  [-32007]: 'You have too many calls already.',
  [-32008]: 'No sound connection could be made.',
  [-32009]: 'The gateway has no room just now.',
};

const DIGITS = {
  [-32008]: 'The other side takes no digits just now.',
  [-32009]: 'Too many digits are waiting; please press them more slowly.',
};

const INSECURE = 'The browser gives this page no microphone, because it was not opened by https:// or at localhost.';

const MICROPHONE = {
  SecurityError: INSECURE,
  NotAllowedError: 'The microphone is not allowed for this page: allow it in the browser, then call again.',
  NotFoundError: 'No microphone was found: plug one in, then call again.',
  NotReadableError: 'The microphone is in use elsewhere.',
  OverconstrainedError: 'The chosen microphone is not there.',
};

const OFF = {
  replaced: 'You signed in elsewhere with this session.',
  removed: 'You were signed out by the gateway.',
  sign_in_limit: 'Too many attempts; please wait a minute.',
  session_over: 'The session is over; please sign in again.',
};

/** While a call is being set up or goes on. */
export function stateSentence(call) {
  if (call.state === null) return 'Preparing …';
  if (call.state === 'dropped') return endSentence(call);
  if (call.dir === 'incoming' && call.state !== 'confirmed') return call.answering ? 'Answering …' : 'Incoming call';
  if (call.state === 'ringing' && call.earlyMedia) return 'Ringing; you hear the other side already';
  return STATES[call.state] ?? String(call.state);
}

/** Of a call that is confirmed: how its sound is. `seconds`: for how long it has been confirmed. */
export function soundSentence(call, seconds) {
  if (call.microphoneLost) return 'The microphone is gone; the other side hears nothing of you.';
  if (call.media === 'disconnected') return 'The sound connection is interrupted …';
  if (call.media !== 'connecting') return STATES.confirmed;
  if (seconds < SOUND_LATE_S || !call.tried?.length) return 'In a call; the sound connection is being made …';
  return `In a call, but there is no sound yet: trying ${either(call.tried.map(({remote}) => remote))} …`;
}

/** The short word of the steps that a call went through. */
export const stepWord = (state) => STEPS[state] ?? String(state);

/** Why a dropped call is over. */
export function endSentence(call) {
  const sentence = endOf(call);
  return call.mediaVerdict ? `${sentence.replace(/\.$/, '')} (the gateway says: ${call.mediaVerdict}).` : sentence;
}

function endOf(call) {
  const {reason, code, text} = call;
  if (reason === 'media_failed') return noSoundSentence(call);
  if (reason === 'microphone') return MICROPHONE[call.error?.name] ?? 'The microphone could not be used.';
  if (reason === 'error' && call.error) return errorSentence(call.error);
  if (call.endedHere) return endedHereSentence(call);
  if (reason === 'unavailable' && code === BUSY) return CODES[BUSY];
  if (reason === 'rejected') return CODES[code] ?? `The call was turned down (${Number(code)}).`;
  if (reason === 'refused' && text) return `The call was not allowed: ${withStop(text)}`;
  return REASONS[reason] ?? 'The call ended.';
}

/** What went wrong with a request, from an IsthmusError or any other exception. */
export function errorSentence(error) {
  if (error?.code === -32003) return `Too many attempts; please wait ${Math.max(1, Math.ceil(Number(error.data?.retry_after) || 60))} seconds.`;
  if (error?.code === -32602 && ['from', 'to', 'target'].includes(error.data?.param)) return 'This number cannot be called from here.';
  if (error?.name === 'IsthmusError' && error.code === 0) return 'The gateway cannot be reached.';
  return ERRORS[error?.code] ?? 'Something went wrong.';
}

/** Why digits were not sent: -32008 is also of one that holds, so it may take them later. */
export const digitsSentence = (error) => DIGITS[error?.code] ?? errorSentence(error);

/** Why there will be no call at all in this page; empty when there can be. */
export const insecureSentence = (secure) => (secure ? '' : INSECURE);

/** The gateway is away. `media`: of the call that goes on, or null. */
export function lostSentence(media) {
  if (media === null) return 'The gateway is gone.';
  if (media === 'connected') return 'The connection with the gateway is lost, but your call lives.';
  return 'The gateway is gone, and with it the sound of your call.';
}

/** The gateway is back. `lived`: null when there was no call, else what became of it. */
export function backSentence(lived) {
  if (lived === null) return 'Connected again.';
  return lived ? 'Connected again; your call goes on.' : 'Connected again; your call is lost.';
}

/** When the next attempt is made. */
export const retryWords = (seconds) => (seconds > 0 ? `Trying again in ${Math.ceil(seconds)} s …` : 'Trying again …');

/** Why the page is signed out; empty when nothing needs to be said. */
export const offSentence = (why) => OFF[why] ?? '';

/** 65 -> '1:05'. */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (number) => String(number).padStart(2, '0');
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

function endedHereSentence({reason, dir}) {
  if (reason === 'rejected') return 'You declined the call.';
  return reason === 'cancelled' && dir === 'outgoing' ? 'You gave up the call.' : 'You hung up.';
}

/** No media path: which address was tried, and from where. */
function noSoundSentence({tried = [], hadMedia, text}) {
  const remotes = tried.map(({remote}) => remote);
  const reached = tried.find(({state}) => state === 'succeeded');
  if (hadMedia) return `The sound connection ${reached ? `with ${reached.remote} ` : ''}broke.`;
  if (reached) return `No sound connection could be made: ${reached.remote} answered, but the encryption did not come up.`;
  if (tried.length) {
    const way = `${tried[0].protocol.toUpperCase()}, from ${either(tried.map(({local}) => local.replace(/^:/, 'port ')))}`;
    return `No sound connection could be made: no answer from ${either(remotes)} (${way}).`;
  }
  return text ? `No sound connection could be made: ${withStop(text)}` : REASONS.media_failed;
}

/** The different ones of a list, the first few of them, as words. */
function either(all) {
  const different = [...new Set(all)];
  const named = different.slice(0, NAMED_AT_MOST);
  return different.length > named.length ? `${named.join(' or ')} …` : named.join(' or ');
}

const withStop = (text) => (/[.!?…]$/.test(text) ? text : `${text}.`);
