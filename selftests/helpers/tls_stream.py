#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""tls_stream - random streams through a terminating edge, judged at both ends.

  tls_stream.py server ADDR PORT [CERT KEY]    plaintext, or TLS with a certificate
  tls_stream.py client ADDR PORT NAME CA COUNT SEED [1.2|1.3 [CERT KEY]]

A stream starts with a line "SEED UP DOWN ORDER\\n"; then UP bytes of the generator of SEED come
up and DOWN bytes of the generator of SEED + 1 go down.  ORDER says who ends its direction first:
"client" (the server sends only after it has seen the end of up), "server" (the client goes on
sending after it has seen the end of down), "together".  Each end checks every byte.  TLS runs over
memory BIOs, because only there Python lets one direction end before the other.
The server prints a line for each stream; the client prints its sum and fails unless all are good.
"""
import random
import socket
import ssl
import sys
import threading


def pattern(seed, size):
    return random.Random(seed).randbytes(size)


class Plain:
    def __init__(self, sock):
        self.sock = sock

    def send(self, data):
        self.sock.sendall(data)

    def recv(self):
        return self.sock.recv(65536)

    def end(self):
        self.sock.shutdown(socket.SHUT_WR)


class Tls:
    """One direction can be ended; a FIN without close_notify raises."""

    def __init__(self, sock, context, **how):
        self.sock, self.lock, self.early = sock, threading.Lock(), []
        self.into, self.out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.obj = context.wrap_bio(self.into, self.out, **how)
        while True:
            try:
                self.obj.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.flush()
                self.feed()
            except ssl.SSLError:
                self.flush()
                raise
        self.flush()

    def flush(self):
        data = self.out.read()
        if data:
            self.sock.sendall(data)

    def feed(self):
        data = self.sock.recv(65536)
        if not data:
            self.into.write_eof()
        else:
            self.into.write(data)

    def send(self, data):
        for at in range(0, len(data), 16384):
            with self.lock:
                self.obj.write(data[at:at + 16384])
                out = self.out.read()
            self.sock.sendall(out)

    def recv(self):
        while True:
            with self.lock:
                if self.early:
                    return self.early.pop(0)
                try:
                    return self.obj.read(65536)
                except ssl.SSLZeroReturnError:
                    return b""
                except ssl.SSLWantReadError:
                    pass
            data = self.sock.recv(65536)
            with self.lock:
                if data:
                    self.into.write(data)
                else:
                    raise EOFError("FIN without close_notify")

    def end(self):
        with self.lock:
            try:
                # unwrap() goes on to wait for the other side's close_notify, and throws away
                # the data it finds in its way: have that first
                while data := self.obj.read(65536):
                    self.early.append(data)
            except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
                pass
            try:
                self.obj.unwrap()
            except ssl.SSLWantReadError:
                pass
            out = self.out.read()
        self.sock.sendall(out)
        self.sock.shutdown(socket.SHUT_WR)


def pump_out(conn, data, seed):
    rnd = random.Random(seed ^ 0x5eed)
    at = 0
    while at < len(data):
        n = rnd.choice((1, 100, 1400, 16384, 40000, 200000))
        conn.send(data[at:at + n])
        at += n


def pump_in(conn, want, rest=b""):
    got = bytearray(rest)
    while True:
        data = conn.recv()
        if not data:
            break
        got += data
    if bytes(got) != want:
        same = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), min(len(got), len(want)))
        raise ValueError(f"{len(got)} bytes where {len(want)} belong, equal up to {same}")


def both(conn, out, seed, want, rest, order, first):
    """order: the party <first> ends first."""
    failed = []

    def out_thread():
        try:
            pump_out(conn, out, seed)
            conn.end()
        except Exception as e:
            failed.append(e)

    if order == first or order == "together":
        t = threading.Thread(target=out_thread)
        t.start()
        pump_in(conn, want, rest)
        t.join()
    else:
        pump_in(conn, want, rest)
        out_thread()
    if failed:
        raise failed[0]


def say(line):
    sys.stdout.write(line + "\n")  # one write: threads do not mix
    sys.stdout.flush()


def serve_one(sock, context):
    line = b""
    try:
        conn = Tls(sock, context, server_side=True) if context else Plain(sock)
        while b"\n" not in line:
            data = conn.recv()
            if not data:
                break
            line += data
        line, _, rest = line.partition(b"\n")
        seed, up, down, order = line.decode().split()
        seed, up, down = int(seed), int(up), int(down)
        both(conn, pattern(seed + 1, down), seed, pattern(seed, up), rest, order, "server")
        say(f"ok {seed} {up} {down} {order}")
    except Exception as e:
        say(f"bad {line[:40]} {type(e).__name__} {e}")
    finally:
        sock.close()


def server(addr, port, cert=None, key=None):
    context = None
    if cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
    s = socket.create_server((addr, int(port)), family=socket.AF_INET6 if ":" in addr else socket.AF_INET, backlog=512)
    while True:
        sock, _ = s.accept()
        threading.Thread(target=serve_one, args=(sock, context), daemon=True).start()


def client_one(addr, port, name, context, seed, bad):
    rnd = random.Random(seed)
    up, down = (int(2 ** rnd.uniform(0, 20)) for _ in range(2))
    order = rnd.choice(("client", "server", "together"))
    try:
        sock = socket.create_connection((addr, int(port)), 30)
        conn = Tls(sock, context, server_hostname=name)
        conn.send(f"{seed} {up} {down} {order}\n".encode())
        both(conn, pattern(seed, up), seed, pattern(seed + 1, down), b"", order, "client")
        sock.close()
    except Exception as e:
        bad.append(f"stream {seed} up {up} down {down} {order}: {type(e).__name__} {e}")


def client(addr, port, name, ca, count, seed, version=None, cert=None, key=None):
    context = ssl.create_default_context(cafile=ca)
    if version:
        context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, "TLSv1_" + version[2:])
    if cert:
        context.load_cert_chain(cert, key)
    count, seed, bad = int(count), int(seed), []
    todo = list(range(seed * 10000, seed * 10000 + 2 * count, 2))

    def run():
        while todo:
            try:
                s = todo.pop()
            except IndexError:
                return
            client_one(addr, port, name, context, s, bad)

    threads = [threading.Thread(target=run) for _ in range(12)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for b in bad[:5]:
        print(b, file=sys.stderr)
    print(f"{count - len(bad)} good, {len(bad)} bad")
    return bool(bad)


if __name__ == "__main__":
    sys.exit({"server": server, "client": client}[sys.argv[1]](*sys.argv[2:]))
