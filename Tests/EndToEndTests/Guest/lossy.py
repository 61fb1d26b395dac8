"""A TFTP network of the tests' own between one server and clients on this host, for machines whose kernel has no netem.

    lossy.py PORT SERVER LOSS REORDER DUPLICATE SEED

Clients talk to 127.0.0.1:PORT. Of a hundred packets, in both directions, LOSS are lost, REORDER come after the next ones
or 20 ms late, and DUPLICATE come twice. Says "ready", and at SIGTERM what the server sent: "PACKETS packets, BYTES bytes".
"""

import random
import select
import signal
import socket
import sys
import time

port, server, loss, reorder, duplicate, seed = (
    int(sys.argv[1]), sys.argv[2], *map(float, sys.argv[3:6]), int(sys.argv[6]))
chance = random.Random(seed)
entrance = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
entrance.bind(("127.0.0.1", port))
# A transfer has two sockets: one that its client knows, and one that the server knows.
transfers, by_socket, late = {}, {}, []
packets = count = 0


def end(*_):
    print(f"{packets} packets, {count} bytes", flush=True)
    sys.exit(0)


def forward(out, data, address):
    if chance.random() * 100 < loss:
        return
    for _ in range(2 if chance.random() * 100 < duplicate else 1):
        if chance.random() * 100 < reorder:
            late.append((time.monotonic() + 0.02, chance.randint(1, 4), out, data, address))
            continue
        out.sendto(data, address)
        # What was late comes now, behind others.
        for entry in list(late):
            late.remove(entry)
            if entry[1] > 1:
                late.append((entry[0], entry[1] - 1, *entry[2:]))
            else:
                entry[2].sendto(entry[3], entry[4])


signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
while True:
    for ready in select.select([entrance, *by_socket], [], [], 0.01)[0]:
        data, address = ready.recvfrom(65536)
        if ready is entrance:
            if address not in transfers:
                pair = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
                for each in pair:
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
                pair[0].bind(("127.0.0.1", 0))
                transfers[address] = [*pair, address, (server, 69)]
                by_socket[pair[0]] = by_socket[pair[1]] = transfers[address]
            transfer = transfers[address]
            transfer[3] = (server, 69)
            forward(transfer[1], data, transfer[3])
            continue
        transfer = by_socket[ready]
        if ready is transfer[0]:
            forward(transfer[1], data, transfer[3])
        else:
            packets, count = packets + 1, count + len(data)
            transfer[3] = address
            forward(transfer[0], data, transfer[2])
    now = time.monotonic()
    for entry in [entry for entry in late if entry[0] < now]:
        late.remove(entry)
        entry[2].sendto(entry[3], entry[4])
