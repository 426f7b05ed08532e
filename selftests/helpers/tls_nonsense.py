#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""tls_nonsense - handshakes as no client makes them, and what two servers say to each.

  tls_nonsense.py compare ADDR PORT ADDR PORT NAME [default]    an edge, and bare OpenSSL
  tls_nonsense.py server ADDR PORT CERT KEY                     which is this

An answer is "alert N" and "handshake" as they come, then "end" for a FIN or a reset, or "waits" for
silence.  The edge has to say what OpenSSL says, but may miss the name (109) or not know it (112), and
may end at once where it cannot tell from the hello whose it is: never go on where OpenSSL does not,
nor end in silence where OpenSSL says what is wrong with a hello whose name is still there.  Where NAME
is the edge's default it may only end at once what OpenSSL would go on with: a name that is none.  Prints the differences,
and how many were the same; fails if the edge has said anything else.
"""
import concurrent.futures
import random
import socket
import ssl
import sys
import threading

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def hello(name, version):
    context = ssl.create_default_context()
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")  # what each Python makes the same hello with
    context.minimum_version = context.maximum_version = VERSIONS[version]
    out = ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()[5:]  # the message, without its record's header


def record(body, kind=22, version=b"\3\1"):
    return bytes([kind]) + version + len(body).to_bytes(2, "big") + body


def split(body, size):
    return b"".join(record(body[i:i + size]) for i in range(0, len(body), size))


def cases(name, version):
    h = hello(name, version)
    whole = record(h)
    yield "whole", whole
    yield "records of 1", split(h, 1)
    yield "records of 37", split(h, 37)
    yield "header alone", whole[:5]
    yield "half", whole[:len(whole) // 2]
    yield "record of 0 before", record(b"") + whole
    yield "alert before", record(b"\2\0", 21)
    yield "warning before", record(b"\1\x70", 21) + whole
    yield "data before", record(b"GET / HTTP/1.0", 23) + whole
    yield "ccs before", record(b"\1", 20) + whole
    yield "unknown type before", record(b"\1", 99) + whole
    yield "two", whole + whole
    yield "then data", whole + record(b"x" * 100, 23, b"\3\3")
    yield "then ccs twice", whole + record(b"\1", 20, b"\3\3") * 2
    yield "then ccs of 2", whole + record(b"\2", 20, b"\3\3")
    yield "then finished", whole + record(b"\x14\0\0\x0c" + b"f" * 12, 22, b"\3\3")
    yield "then rubbish in a record", whole + record(bytes(range(64)), 22, b"\3\3")
    yield "then too long a record", whole + b"\x17\3\3\xff\xff" + b"x" * 65535
    yield "then close_notify", whole + record(b"\1\0", 21, b"\3\3")
    yield "then fatal", whole + record(b"\2\x28", 21, b"\3\3")
    yield "then hello request", whole + record(b"\0\0\0\0", 22, b"\3\3")
    yield "then key update", whole + record(b"\x18\0\0\1\1", 22, b"\3\3")
    yield "version 3.0 in hello", record(h[:4] + b"\3\0" + h[6:])
    yield "version 9.9 in hello", record(h[:4] + b"\x09\x09" + h[6:])
    yield "version 9.9 in record", record(h, 22, b"\x09\x09")
    yield "session id of 33", record(h[:38] + b"\x21" + h[39:])
    yield "no compression", None if version == "1.3" else record(bare(h, compressions=b""))
    yield "no null compression", record(bare(h, compressions=b"\1"))
    yield "no ciphers", record(bare(h, ciphers=b""))
    yield "odd ciphers", record(bare(h, ciphers=b"\x13\1\0"))
    yield "unknown ciphers", record(bare(h, ciphers=b"\xfa\xfa\xfb\xfb"))
    rnd = random.Random(version)
    for i in range(40):  # a byte of the extensions, or before
        at = rnd.randrange(6, len(h))
        yield f"byte {at}", record(h[:at] + bytes([h[at] ^ 1 << rnd.randrange(8)]) + h[at + 1:])


def bare(h, ciphers=None, compressions=None):
    """The hello with other lists."""
    at = 38 + 1 + h[38]
    n = int.from_bytes(h[at:at + 2], "big")
    old, at = h[at + 2:at + 2 + n], at + 2 + n
    lists = [old if ciphers is None else ciphers, h[at + 1:at + 1 + h[at]] if compressions is None else compressions]
    body = h[4:39 + h[38]] + len(lists[0]).to_bytes(2, "big") + lists[0] + bytes([len(lists[1])]) + lists[1] + h[at + 1 + h[at]:]
    return h[:1] + len(body).to_bytes(3, "big") + body


def read_record(s):
    data = b""
    while len(data) < 5 or len(data) < 5 + int.from_bytes(data[3:5], "big"):
        more = s.recv(5 - len(data) if len(data) < 5 else 5 + int.from_bytes(data[3:5], "big") - len(data))
        if not more:
            return None
        data += more
    return data


def answer(addr, port, what, patience):
    said = []
    s = socket.create_connection((addr, port), 60)
    s.settimeout(patience)
    try:
        s.sendall(what)
        while (r := read_record(s)) is not None:
            word = f"alert {r[6]}" if r[0] == 21 and len(r) == 7 else {20: "", 22: "handshake", 23: ""}.get(r[0], f"type {r[0]}")
            if word and word not in said:
                said.append(word)
        said.append("end")
    except TimeoutError:
        said.append("waits")
    except OSError:
        said.append("end")
    s.close()
    return " ".join(said)


def serve_one(sock, context):
    sock.settimeout(60)
    try:
        tls = context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
    except OSError:
        return
    try:
        tls.do_handshake()
        while tls.recv(65536):
            pass
    except OSError:
        pass
    try:  # as who wants its alert to be read
        sock = socket.socket(fileno=tls.detach())
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(65536):
            pass
    except OSError:
        pass


def server(addr, port, cert, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    s = socket.create_server((addr, int(port)), backlog=128)
    while True:
        threading.Thread(target=serve_one, args=(s.accept()[0], context), daemon=True).start()


def message(what):
    """What the handshake records hold that it begins with; one that is empty, as none may be, is the end."""
    m, at = b"", 0
    while what[at:at + 1] == b"\x16" and (n := int.from_bytes(what[at + 3:at + 5], "big")):
        m += what[at + 5:at + 5 + n]
        at += 5 + n
    return m


def means(what, name):
    """Do the lengths in the hello lead to its name?"""
    m = message(what)
    try:
        at = 38 + 1 + m[38]
        at += 2 + int.from_bytes(m[at:at + 2], "big")
        at += 1 + m[at] + 2
        while m[at:at + 2] != b"\0\0":
            at += 4 + int.from_bytes(m[at + 2:at + 4], "big")
            m[at + 3]  # or IndexError
    except IndexError:
        return False
    n = len(name)
    return m[at + 2:].startswith(bytes([0, n + 5, 0, n + 3, 0, 0, n]) + name.encode())


def is_right(what, name, default, ours, theirs):
    if ours == theirs:
        return True
    if default:
        return ours == "end" and theirs.startswith("handshake")
    return ours in ("alert 109 end", "alert 112 end") or ours == "end" and not means(what, name)


def compare(addr, port, their_addr, their_port, name, default=""):
    todo = [(f"{v} {n}", w) for v in VERSIONS for n, w in cases(name, v) if w]
    said, lock = [None] * len(todo), threading.Lock()
    rest = iter(range(len(todo)))

    def work():
        while True:
            with lock:
                i = next(rest, None)
            if i is None:
                return
            for patience in (1, 20):  # who is slow is not silent
                both = [pool.submit(answer, *who, todo[i][1], patience)
                        for who in ((addr, int(port)), (their_addr, int(their_port)))]
                said[i] = tuple(b.result() for b in both)
                if is_right(todo[i][1], name, default, *said[i]):
                    break

    # (most of it is waiting for who says nothing)
    pool = concurrent.futures.ThreadPoolExecutor(2 * 24)
    threads = [threading.Thread(target=work) for _ in range(24)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    wrong = 0
    for (n, what), (ours, theirs) in zip(todo, said):
        if ours != theirs:
            right = is_right(what, name, default, ours, theirs)
            wrong += not right
            print(f"{n}: {ours}; OpenSSL: {theirs}{'' if right else ' - WRONG'}")
    print(f"{sum(a == b for a, b in said)} of {len(todo)} are the same")
    return wrong


if __name__ == "__main__":
    sys.exit({"server": server, "compare": compare}[sys.argv[1]](*sys.argv[2:]))
