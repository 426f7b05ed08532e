# SPDX-License-Identifier: GPL-2.0-only
"""wire - a relay between an agent and its edge: LISTEN TARGET [RECORD [DELAY_MS]].

Every connection gets a new one to TARGET, as a NAT would; what comes from either side is appended
to RECORD ("-": nowhere) and handed on after DELAY_MS.  SIGUSR1 drops all that comes from then on
without a word, SIGUSR2 ends that.
"""
import asyncio, signal, sys

listen, target = (a.rsplit(":", 1) for a in sys.argv[1:3])
record = open(sys.argv[3], "ab", buffering=0) if len(sys.argv) > 3 and sys.argv[3] != "-" else None
delay = float(sys.argv[4]) / 1000 if len(sys.argv) > 4 else 0
mute = False


async def pump(source, sink):
    queue = asyncio.Queue()
    loop = asyncio.get_running_loop()

    async def drain():
        while True:
            at, data = await queue.get()
            if at > loop.time():
                await asyncio.sleep(at - loop.time())
            try:
                if not data:
                    sink.write_eof()
                    return
                sink.write(data)
                await sink.drain()
            except OSError:
                return

    task = asyncio.create_task(drain())
    try:
        while True:
            data = await source.read(65536)
            if mute:
                await asyncio.sleep(3600)
            if record:
                record.write(data)
            queue.put_nowait((loop.time() + delay, data))
            if not data:
                break
    except OSError:
        queue.put_nowait((0, b""))
    await task


async def serve(reader, writer):
    if mute:
        await asyncio.sleep(3600)
    if delay:
        await asyncio.sleep(2 * delay)
    try:
        up_reader, up_writer = await asyncio.open_connection(target[0].strip("[]"), int(target[1]))
    except OSError:
        writer.transport.abort()
        return
    await asyncio.gather(pump(reader, up_writer), pump(up_reader, writer))
    writer.close()
    up_writer.close()


def set_mute(value):
    global mute
    mute = value


async def main():
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, set_mute, True)
    loop.add_signal_handler(signal.SIGUSR2, set_mute, False)
    server = await asyncio.start_server(serve, listen[0].strip("[]"), int(listen[1]), backlog=1024)
    await server.serve_forever()


asyncio.run(main())
