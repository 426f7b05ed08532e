# SPDX-License-Identifier: GPL-2.0-only
"""wire - a relay between an agent and its edge: LISTEN TARGET RECORD.

Every connection gets a new one to TARGET, as a NAT would; what comes from either side is appended
to RECORD, as somebody in between would see it.
"""
import asyncio, sys

listen, target = (a.rsplit(":", 1) for a in sys.argv[1:3])
record = open(sys.argv[3], "ab", buffering=0)


async def pump(source, sink):
    try:
        while data := await source.read(65536):
            record.write(data)
            sink.write(data)
            await sink.drain()
        sink.write_eof()
    except OSError:
        pass


async def serve(reader, writer):
    try:
        up_reader, up_writer = await asyncio.open_connection(target[0].strip("[]"), int(target[1]))
    except OSError:
        writer.transport.abort()
        return
    await asyncio.gather(pump(reader, up_writer), pump(up_reader, writer))
    writer.close()
    up_writer.close()


async def main():
    server = await asyncio.start_server(serve, listen[0].strip("[]"), int(listen[1]), backlog=1024)
    await server.serve_forever()


asyncio.run(main())
