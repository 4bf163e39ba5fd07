# SPDX-License-Identifier: MIT
"""baresip, headless, as a SIP phone: a tone for a voice, a recording for an ear, and its control connection (netstrings of JSON) to drive it and
to hear what happens. It may live in a namespace of its own."""

import json
import math
import pathlib
import socket
import tempfile
import threading
import wave

from bed import Program, free_port, free_ports, wait_until

READY_LIMIT = 60  # It makes a key when it starts.
EVENT_LIMIT = 20
PORTS_OF_CALLS = 40
MODULES = ("g711", "ausine", "sndfile")
# A recording is judged by the loudest stretch of this length; a tone has most of its power.
WINDOW_S = 1.0
SHARE = 0.5

CONFIG = """poll_method epoll
sip_listen {address}:{sip}
call_local_timeout 120
call_max_calls 4
snd_path {folder}
audio_source ausine,{hz}
ausrc_srate 48000
auplay_srate 48000
ausrc_channels 2
auplay_channels 1
audio_txmode poll
audio_buffer 20-160
rtp_ports {rtp}-{rtp_last}
rtcp_mux no
jitter_buffer_delay 5-10
net_interface {address}
ctrl_tcp_listen {address}:{control}
module_path /usr/lib/baresip/modules
{modules}
module_tmp uuid.so
module_tmp account.so
module_app ctrl_tcp.so
module_app menu.so
"""


class Phone:
    """`user` registers at `registrar` ("address:port") with `password`. `namespace`: where it lives, at `address`; none is here."""

    def __init__(self, user, password, registrar, hz, address="127.0.0.1", namespace=None, wait=True):
        self._folder = tempfile.TemporaryDirectory(prefix="isthmus-phone-")
        self._path = pathlib.Path(self._folder.name)
        self._namespace = namespace
        self._events = []
        self._control = None
        sip, control, rtp = free_ports(2), free_port(), free_ports(PORTS_OF_CALLS)  # It takes a second one for TLS.
        self.contact = f"sip:{user}@{address}:{sip}"
        modules = "\n".join(f"module {name}.so" for name in MODULES)
        settings = {"address": address, "sip": sip, "control": control, "rtp": rtp, "rtp_last": rtp + PORTS_OF_CALLS - 1, "hz": hz, "folder": self._path}
        (self._path / "config").write_text(CONFIG.format(modules=modules, **settings))
        (self._path / "accounts").write_text(f"<sip:{user}@{registrar}>;auth_pass={password};regint=600;answermode=manual;audio_codecs=PCMU,PCMA\n")
        (self._path / "contacts").write_text("")
        self.program = Program([*(namespace.within if namespace else ()), "baresip", "-f", str(self._path)])
        try:
            self.program.line("baresip is ready", READY_LIMIT)
            self._control = namespace.connect((address, control)) if namespace else socket.create_connection((address, control), 5)
            self._control.settimeout(None)
            threading.Thread(target=self._read, daemon=True).start()
            if wait:
                self.wait_registered()
        except BaseException:
            self.close()
            raise

    def wait_registered(self):
        """By its log: it may register before anybody listens to its events."""
        self.program.line(r"200 OK .*\[\d+ binding", EVENT_LIMIT)

    def command(self, command, params=""):
        text = json.dumps({"command": command, "params": params, "token": "t"}).encode()
        self._control.sendall(b"%d:%s," % (len(text), text))

    def event(self, kind, limit=EVENT_LIMIT):
        """The first event of this kind that was not taken before, from now on taken."""
        def look():
            return next((each for each in self._events if each["type"] == kind and not each.get("taken")), None)

        found = wait_until(look, lambda: f"{kind} at baresip; seen {[each['type'] for each in self._events]}", limit)
        found["taken"] = True
        return found

    def heard_share(self, hz):
        """The part of the power of the newest recording, in its loudest second, that is the tone. Read it when the call is over."""
        files = sorted(self._path.glob("dump-*-dec.wav"))
        if not files:
            return 0.0
        with wave.open(str(files[-1])) as recording:
            rate, channels = recording.getframerate(), recording.getnchannels()
            raw = recording.readframes(recording.getnframes())
        samples = memoryview(raw[: len(raw) & ~1]).cast("h")[::channels].tolist()
        return tone_share(samples, rate, hz)

    def close(self):
        if self._control:
            self._control.close()
        self.program.end()
        self._folder.cleanup()

    def _read(self):
        data = b""
        while True:
            try:
                piece = self._control.recv(65536)
            except OSError:
                return
            if not piece:
                return
            data += piece
            while b":" in data:
                size, _, rest = data.partition(b":")
                if len(rest) <= int(size):
                    break
                message, data = json.loads(rest[: int(size)]), rest[int(size) + 1 :]
                if message.get("event"):
                    self._events.append(message)


def tone_share(samples, rate, hz):
    """Goertzel over the loudest window: the power at `hz` as a part of all of it."""
    size = int(rate * WINDOW_S)
    if len(samples) < size:
        return 0.0
    starts = range(0, len(samples) - size + 1, size // 2)
    start = max(starts, key=lambda at: sum(x * x for x in samples[at : at + size]))
    window = samples[start : start + size]
    turn = 2 * math.cos(2 * math.pi * hz / rate)
    before = last = 0.0
    for x in window:
        before, last = last, x + turn * last - before
    power = (last * last + before * before - turn * last * before) / (size / 2)
    whole = sum(x * x for x in window)
    return power / whole if whole else 0.0
