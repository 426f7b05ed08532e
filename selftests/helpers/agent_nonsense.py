# SPDX-License-Identifier: GPL-2.0-only
"""agent_nonsense agent ADDR PORT CA TOKEN SEED SESSIONS - is an agent to an edge: logs in, and then sends frames of the
protocol's in any order, with wrong fields, cut, or changed; opens the channels it is asked for, or others.
agent_nonsense edge ADDR PORT CERT KEY SEED - is an edge to agents, and as much of one.

Prints how many sessions and frames there were.  (user/wire/PROTOCOL.md)"""
import random
import socket
import ssl
import struct
import sys
import time

NAME = "tunnel.snisplit.internal"
NUMBERS = VERSION, REQUEST, INTERVAL, TOLERANCE, CODE, STATUS, STAMP, CHANNEL, SEALED, NOW = range(1, 11)
PROOF = 0x40
TEXTS = (AUTHTOKEN, AGENT, OS, INSTANCE, SESSION, DOMAIN, FIELD_NAME, VALUE, ENDPOINT, URL, FIELD, MESSAGE, CONNECTION, CLIENT,
         SERVER, SNI, METADATA) = range(0x80, 0x91)
(HELLO, WELCOME, REFUSED, LISTEN, LISTENING, UNLISTEN, OFFLINE, DIAL, STARTED, PING, PONG, DRAIN) = range(1, 13)
FIELDS = ("url upstream labels proxy_proto name description metadata terminate_at crt key mutual_tls_cas cidr_allow cidr_deny max_conns "
          "conn_rate pooling_enabled health_check balance datapath upstream_protocol bindings nonsense").split()
VALUES = ["", "tls://a.test", "a.test", "*.test", "tcp://", "tcp://:20001", "held.test", "true", "false", "1", "2", "-1", "0", "99999999999999999999",
          "edge", "agent", "upstream", "192.0.2.0/24", "192.0.2.0/24\n198.51.100.1", "app=web", "app=web\ndc=fra", "x" * 300, "\n", "%s%n", "é",
          "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "tls", "a" * 70000, "2001:db8::/32", "http2"]


def number(rnd):
    return rnd.choice([0, 1, 2, 3, 10, 64, 65535, 1 << 31, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, rnd.getrandbits(64)])


def field(tag, value):
    if isinstance(value, int):
        value = struct.pack(">Q", value)
    elif isinstance(value, str):
        value = value.encode() + b"\0"
    return bytes([tag]) + struct.pack(">I", len(value)) + value


def frame(kind, *fields):
    body = bytes([kind]) + b"".join(fields)
    return struct.pack(">I", len(body)) + body


def any_fields(rnd, seen):
    out = []
    for _ in range(rnd.choice((0, 1, 2, 3, 8))):
        if rnd.random() < 0.4:
            out.append(field(rnd.choice(NUMBERS), rnd.choice(seen["numbers"]) if seen["numbers"] and rnd.random() < 0.5 else number(rnd)))
        elif rnd.random() < 0.15:
            out.append(field(PROOF, rnd.randbytes(rnd.choice((0, 39, 40, 41, 400)))))
        else:
            out.append(field(rnd.choice(TEXTS), rnd.choice(seen["texts"] or VALUES) if rnd.random() < 0.5 else rnd.choice(VALUES)))
    return out


def listen(rnd, seen):
    out = [field(REQUEST, rnd.choice((1, 1, 2, number(rnd))))]
    if rnd.random() < 0.6:
        out += [field(FIELD_NAME, "url"), field(VALUE, rnd.choice((f"tls://n{rnd.randrange(9)}.test", "tcp://", *VALUES)))]
    for _ in range(rnd.choice((0, 1, 1, 3, 6))):
        out += [field(FIELD_NAME, rnd.choice(FIELDS)), field(VALUE, rnd.choice(VALUES))]
    if rnd.random() < 0.2:
        out.append(field(ENDPOINT, rnd.choice(seen["texts"] or VALUES)))
    if rnd.random() < 0.2:
        rnd.shuffle(out)
    return frame(LISTEN, *out)


def bent(rnd, data):
    data = bytearray(data)
    for _ in range(rnd.choice((1, 1, 3))):
        at = rnd.randrange(len(data)) if data else 0
        how = rnd.randrange(4)
        if how == 0 and data:
            data[at] ^= 1 << rnd.randrange(8)
        elif how == 1:
            data[at:at] = rnd.randbytes(rnd.randrange(9))
        elif how == 2:
            del data[at:at + rnd.randrange(9)]
        else:
            del data[at:]
    return bytes(data)


def read_frames(s, rest, seen):
    """What has come; remembers what is in it, to be sent back.  None: the end."""
    try:
        data = s.recv(65536)
    except (ssl.SSLWantReadError, BlockingIOError, TimeoutError):
        return rest
    if not data:
        return None
    rest += data
    while len(rest) >= 5 and len(rest) >= 4 + int.from_bytes(rest[:4], "big"):
        end = 4 + int.from_bytes(rest[:4], "big")
        at = 5
        while at + 5 <= end:
            tag, n = rest[at], int.from_bytes(rest[at + 1:at + 5], "big")
            value = rest[at + 5:at + 5 + n]
            if tag == PROOF:
                seen["proofs"] = seen["proofs"][-20:] + [value]
            elif tag >= 0x80:
                seen["texts"] = seen["texts"][-20:] + [value[:-1].decode("latin1")]
            else:
                seen["numbers"] = seen["numbers"][-20:] + [int.from_bytes(value, "big")]
            at += 5 + n
        rest = rest[end:]
    return rest


def agent(addr, port, ca, token, seed, sessions):
    rnd = random.Random(int(seed))
    context = ssl.create_default_context(cafile=ca)
    n = channels = 0
    for i in range(int(sessions)):
        seen = {"numbers": [], "texts": [], "proofs": []}
        s = context.wrap_socket(socket.create_connection((addr, int(port)), 20), server_hostname=NAME)
        s.settimeout(20)
        first = frame(HELLO, field(VERSION, 1), field(AUTHTOKEN, token), field(AGENT, "nonsense"), field(OS, "x"),
                      field(INSTANCE, rnd.choice((f"i{i}", "same"))), field(METADATA, ""), field(INTERVAL, rnd.choice((1, 1000, 10000))),
                      field(TOLERANCE, rnd.choice((15000, number(rnd)))))
        try:
            s.sendall(b"SNIsplC1" + (bent(rnd, first) if rnd.random() < 0.15 else first))
            rest = read_frames(s, b"", seen) or b""
            s.settimeout(0.002)
            for _ in range(rnd.choice((3, 30, 100))):
                what = rnd.random()
                if what < 0.6:
                    out = listen(rnd, seen)
                elif what < 0.75:
                    out = frame(UNLISTEN, field(ENDPOINT, rnd.choice(seen["texts"] or VALUES)))
                elif what < 0.97:
                    out = frame(rnd.choice((PING, PONG)), field(STAMP, number(rnd)))
                else:
                    out = frame(rnd.choice((*range(0, 16), 200, 255)), *any_fields(rnd, seen))
                if rnd.random() < 0.005:
                    out = bent(rnd, out)
                n += 1
                s.settimeout(20)
                s.sendall(out)
                s.settimeout(0.002)
                rest = read_frames(s, rest, seen)
                if rest is None:
                    break
                if seen["proofs"] and rnd.random() < 0.3:
                    c = socket.create_connection((addr, int(port)), 20)
                    c.settimeout(0.002)
                    if rnd.random() < 0.5:
                        c = context.wrap_socket(c, server_hostname=NAME, do_handshake_on_connect=False)
                        c.settimeout(20)
                        c.do_handshake()
                    proof = b"SNIsplD1" + rnd.choice(seen["proofs"])
                    c.sendall(proof + rnd.choice((b"", rnd.randbytes(50), b"\x16\3\1")) if rnd.random() < 0.9 else bent(rnd, proof))
                    channels += 1
                    if rnd.random() < 0.7:
                        c.close()
                    else:
                        seen.setdefault("open", []).append(c)
        except (OSError, ssl.SSLError):
            pass
        s.close()
    print(f"{sessions} sessions, {n} frames, {channels} channels")


def edge(addr, port, cert, key, seed):
    rnd = random.Random(int(seed))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    listener = socket.create_server((addr, int(port)), backlog=100)
    print("ready", flush=True)
    n = sessions = 0
    while True:
        raw, _ = listener.accept()
        raw.settimeout(5)
        seen = {"numbers": [], "texts": [], "proofs": []}
        try:
            first = raw.recv(1, socket.MSG_PEEK)
            if first != b"\x16":
                raw.sendall(rnd.randbytes(rnd.randrange(300)))
                raw.close()
                continue
            s = context.wrap_socket(raw, server_side=True)
            head = s.recv(8)
            if head != b"SNIsplC1":  # a channel
                s.sendall(rnd.choice((b"", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + rnd.randbytes(12), rnd.randbytes(100))))
                s.close()
                continue
            rest = read_frames(s, b"", seen) or b""
            sessions += 1
            out = frame(WELCOME, field(VERSION, 1), field(SESSION, "ts_x"), field(AGENT, "snisplitd"), field(DOMAIN, "test"),
                        field(INTERVAL, rnd.choice((200, 10000, number(rnd)))), field(TOLERANCE, rnd.choice((15000, number(rnd)))), field(NOW, int(time.time())))
            s.sendall(bent(rnd, out) if rnd.random() < 0.1 else out)
            for _ in range(rnd.choice((3, 30, 100))):
                what = rnd.random()
                if what < 0.3:
                    out = frame(LISTENING, field(REQUEST, rnd.choice(seen["numbers"] or [1])), field(ENDPOINT, rnd.choice(("ep_1", *VALUES))),
                                field(URL, rnd.choice(("tls://app.test", *VALUES))), field(SEALED, rnd.choice((0, 1, number(rnd)))))
                elif what < 0.5:
                    out = frame(DIAL, field(ENDPOINT, "ep_1"), field(SEALED, rnd.randrange(2)), *(field(PROOF, rnd.randbytes(40)) for _ in range(rnd.choice((1, 3, 64, 65)))))
                elif what < 0.6:
                    out = frame(STARTED, field(CHANNEL, number(rnd)), *any_fields(rnd, seen))
                elif what < 0.7:
                    out = frame(rnd.choice((PING, PONG)), field(STAMP, number(rnd)))
                else:
                    kind = rnd.choice((*range(0, 16), 200, 255))
                    fields = any_fields(rnd, seen)
                    if kind == REFUSED:  # (of HELLO it would be the end)
                        fields.append(field(REQUEST, number(rnd)))
                    out = frame(kind, *fields)
                if rnd.random() < 0.01:
                    out = bent(rnd, out)
                n += 1
                s.sendall(out)
                s.settimeout(0.002)
                rest = read_frames(s, rest, seen)
                s.settimeout(5)
                if rest is None:
                    break
            s.close()
        except (OSError, ssl.SSLError):
            pass
        raw.close()
        print(f"{sessions} sessions, {n} frames", flush=True)


{"agent": agent, "edge": edge}[sys.argv[1]](*sys.argv[2:])
