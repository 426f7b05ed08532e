# SPDX-License-Identifier: GPL-2.0-only
"""ssh_nonsense EDGE PORT KEY SEED SESSIONS MESSAGES - logs in as paramiko does, and then sends SSH messages of its own
making: mostly of the right form, with wrong numbers, cut, or changed.  Prints how many."""
import random
import socket
import ssl
import struct
import sys
import threading
import time

import paramiko

EDGE, PORT, KEY, SEED, SESSIONS, MESSAGES = sys.argv[1], int(sys.argv[2]), sys.argv[3], *map(int, sys.argv[4:7])
rnd = random.Random(SEED)
NAMES = ["app.test", "*.test", "", "localhost", "0.0.0.0", "a..b", "x" * 300, "held.test", "::1", "\n", "\0", "tcp.test"]
COMMANDS = ["tls", "tcp", "http", "tls --multi", "http --multi --mutual-tls-cas x", "tls --help", "", "ftp", "tls " + "a" * 5000,
            "tls --cidr-allow 192.0.2.0/24", "tls --name 'a", "tls --pooling-enabled --multi --proxy-proto=2", "\0", "tls --url a.test"]


def u32(n):
    return struct.pack(">I", n & 0xffffffff)


def text(s):
    s = s.encode("utf-8", "surrogateescape") if isinstance(s, str) else s
    return u32(len(s)) + s


def number():
    return rnd.choice([0, 1, 2, 3, 4, 5, 80, 443, 8443, 20000, 65535, 65536, 1 << 20, 0x7fffffff, 0xffffffff, rnd.getrandbits(32)])


def port():
    return rnd.choice([0, 443, 443, 80, 20001, number()])


def noise(most=64):
    return rnd.randbytes(rnd.randrange(most))


def open_session():
    return b"\x5a" + text("session") + u32(channel()) + u32(rnd.choice([1 << 20, number()])) + u32(rnd.choice([32768, number()]))


def forward():
    return b"\x50" + text("tcpip-forward") + flag() + text(rnd.choice(NAMES)) + u32(port())


def run(line=None):
    return b"\x62" + u32(channel()) + text("exec") + flag() + text(rnd.choice(COMMANDS) if line is None else line)


def flag():
    return rnd.choice([b"\1", b"\1", b"\0", b"\xff"])


seen = [0, 1]  # channels of the gateway's


def channel():
    return rnd.choice(seen[-8:] + [rnd.randrange(8), number() if rnd.random() < 0.1 else 0])


def global_request():
    name = rnd.choice(["cancel-tcpip-forward", "keepalive@openssh.com", "no-more-sessions@openssh.com", "streamlocal-forward@openssh.com",
                       "hostkeys-prove-00@openssh.com"])
    return b"\x50" + text(name) + flag() + text(rnd.choice(NAMES)) + u32(port())


def other_open():
    kind = rnd.choice(["direct-tcpip", "forwarded-tcpip", "x11", "auth-agent@openssh.com", "direct-streamlocal@openssh.com", noise()])
    return b"\x5a" + text(kind) + u32(number()) + u32(number()) + u32(number()) + text("127.0.0.1") + u32(22) + text("127.0.0.1") + u32(1)


def request():
    kind = rnd.choice(["shell", "pty-req", "env", "subsystem", "window-change", "signal", "exit-status", "exit-signal", "x11-req",
                       "auth-agent-req@openssh.com", "eow@openssh.com", "keepalive@openssh.com", noise()])
    return b"\x62" + u32(channel()) + text(kind) + flag() + text(noise()) + u32(number()) + u32(number()) + u32(0) + u32(0) + text(noise())


def on_channel():
    what = rnd.randrange(7)
    return [b"\x5b" + u32(channel()) + u32(number()) + u32(number()) + u32(number()), b"\x5c" + u32(channel()) + u32(number()) + text("no") + text(""),
            b"\x5d" + u32(channel()) + u32(number()), b"\x5e" + u32(channel()) + text(noise(3000)),
            b"\x5f" + u32(channel()) + u32(1) + text(noise(300)), b"\x60" + u32(channel()), b"\x61" + u32(channel())][what]


def other():
    kind = rnd.choice([2, 3, 4, 5, 20, 21, 30, 50, 51, 52, 60, 61, 81, 82, 99, 100, rnd.randrange(256)])
    if kind == 50:
        return b"\x32" + text("v2") + text("ssh-connection") + text(rnd.choice(["none", "password", "publickey", "hostbased"])) + b"\0" + text(noise())
    return bytes([kind]) + (u32(channel()) if kind > 90 else b"") + noise()


def message():
    make = rnd.choices([open_session, forward, run, global_request, other_open, request, on_channel, other], [3, 4, 4, 3, 3, 6, 20, 2])[0]
    m = make()
    if rnd.random() < 0.1:
        m = m[:rnd.randrange(len(m) + 1)]
    if m and rnd.random() < 0.1:
        m = bytearray(m)
        m[rnd.randrange(len(m))] ^= 1 << rnd.randrange(8)
        m = bytes(m)
    return m or b"\2"


def send(t, raw):
    m = paramiko.Message()
    m.add_bytes(raw)
    t.packetizer.send_message(m)


def strangers(stop):
    """Clients of the edge, so that there are forwarded channels."""
    bio = ssl.MemoryBIO(), ssl.MemoryBIO()
    hello = ssl.create_default_context().wrap_bio(*bio, server_hostname="app.test")
    try:
        hello.do_handshake()
    except ssl.SSLWantReadError:
        pass
    hello, held = bio[1].read(), []
    while not stop.is_set():
        try:
            held.append(socket.create_connection((EDGE, 443)))
            held[-1].sendall(hello + bytes(1000))
        except OSError:
            pass
        held = held[-4:]
        time.sleep(0.01)


def session():
    seen[:] = [0, 1]
    t = paramiko.Transport((EDGE, PORT))
    t.connect(username=rnd.choice(["v2", "root", "v9", ""]) or "x", pkey=paramiko.Ed25519Key.from_private_key_file(KEY))
    real = t.packetizer.read_message

    def read():  # what comes is for nobody, but who it is from
        kind, m = real()
        if kind == 90:
            m.get_text()
            seen.append(m.get_int())
        return 2, m

    t.packetizer.read_message = read
    n = 0
    try:
        start = [open_session, forward, run] if rnd.random() < 0.8 else []
        if start and rnd.random() < 0.7:
            start = [lambda: b"\x5a" + text("session") + u32(0) + u32(1 << 20) + u32(32768),
                     lambda: b"\x50" + text("tcpip-forward") + b"\1" + text("app.test") + u32(443),
                     lambda: b"\x62" + u32(0) + text("exec") + b"\1" + text("tls --multi")]
        rnd.shuffle(start) if rnd.random() < 0.3 else None
        for make in start:
            send(t, make())
        if start:
            time.sleep(0.1)
        for n in range(rnd.randrange(1, MESSAGES)):
            send(t, message())
            if rnd.random() < 0.03:
                time.sleep(0.02)
    except (EOFError, OSError, paramiko.SSHException):
        pass
    t.sock.close() if rnd.random() < 0.7 else t.close()
    return n


stop = threading.Event()
threading.Thread(target=strangers, args=(stop,), daemon=True).start()
sent = failed = 0
for _ in range(SESSIONS):
    try:
        sent += session()
    except (EOFError, OSError, paramiko.SSHException):
        failed += 1
stop.set()
print("%d messages in %d sessions" % (sent, SESSIONS - failed))
sys.exit(failed > SESSIONS // 2)
