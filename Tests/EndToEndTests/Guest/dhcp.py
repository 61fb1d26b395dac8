"""A DHCP client of a test's own: what it is told is one JSON object a line.

    dhcp.py INTERFACE MAC WHAT… [SERVER=ADDRESS]

WHAT is a client that asks, in this order: plain (no firmware), uefi, http or bios. Each sends DHCPDISCOVER again and
again until it has an offer, except plain, which sends once: whether the server has an answer for it shows by the answer
to the next. After an offer with an address comes DHCPREQUEST. With SERVER an answer counts only if it names that server.
What comes is taken from the link itself, since there is no address yet. "binl" asks port 4011 of SERVER, from the
interface's own address; "v6" asks for boot options alone by DHCPv6 (RFC 5970).
"""

import json
import socket
import struct
import sys
import time

interface, mac_text, *rest = sys.argv[1:]
server = next((word[7:] for word in rest if word.startswith("SERVER=")), None)
kinds = [word for word in rest if "=" not in word]
mac = bytes.fromhex(mac_text.replace(":", ""))
link = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
link.bind((interface, 0x0800))
CLASSES = {
    "uefi": ("PXEClient:Arch:00007:UNDI:003000", 7),
    "bios": ("PXEClient:Arch:00000:UNDI:002001", 0),
    "http": ("HTTPClient:Arch:00016:UNDI:003000", 16),
}


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def message(kind, transaction, client, address=None, chosen=None):
    packet = struct.pack("!4BIHH16x", 1, 1, 6, 0, transaction, 0, 0x8000) + mac + b"\0" * 202
    options = bytes([53, 1, kind, 55, 5, 1, 3, 43, 60, 67])
    if client in CLASSES:
        name, architecture = CLASSES[client]
        options += bytes([60, len(name)]) + name.encode()
        options += bytes([93, 2, architecture >> 8, architecture & 255, 94, 3, 1, 3, 0])
        options += bytes([97, 17, 0]) + mac + b"\1" * 10
    if address:
        options += bytes([50, 4]) + socket.inet_aton(address) + bytes([54, 4]) + socket.inet_aton(chosen)
    return packet + b"\x63\x82\x53\x63" + options + b"\xff"


def broadcast(payload):
    length = 8 + len(payload)
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + length, 0, 0, 64, 17, 0, b"\0" * 4, b"\xff" * 4)
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    udp = struct.pack("!4H", 68, 67, length, 0)
    link.sendto(head + udp + payload, (interface, 0x0800, 0, 0, b"\xff" * 6))


def parse(payload):
    options, at = {}, 240
    while at < len(payload) and payload[at] != 255:
        if payload[at] == 0:
            at += 1
            continue
        options[payload[at]] = payload[at + 2 : at + 2 + payload[at + 1]]
        at += 2 + payload[at + 1]
    identifier = options.get(54)
    return {
        "transaction": struct.unpack("!I", payload[4:8])[0],
        "kind": options[53][0],
        "address": socket.inet_ntoa(payload[16:20]),
        "next": socket.inet_ntoa(payload[20:24]),
        "file": options.get(67, payload[108:236]).split(b"\0")[0].decode(),
        "class": options.get(60, b"").decode(),
        "server": socket.inet_ntoa(identifier) if identifier else None,
        "options": sorted(options),
    }


def answers(seconds):
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        link.settimeout(left)
        try:
            packet = link.recv(4096)
        except socket.timeout:
            return
        head = (packet[0] & 15) * 4
        if packet[9] != 17 or packet[head + 2 : head + 4] != b"\0\x44":
            continue
        payload = packet[head + 8 :]
        if payload[0] != 2 or payload[28:34] != mac:
            continue
        yield parse(payload)


heard = []


def ask(payload, transaction, wanted):
    """Until the answer is there."""
    while True:
        broadcast(payload)
        for answer in answers(1):
            heard.append(answer)
            if answer["transaction"] == transaction and answer["kind"] == wanted:
                if server in (None, answer["server"]):
                    return answer


def say(client, answer):
    print(json.dumps({"client": client, **answer}), flush=True)


def ask6():
    """Solicit, as UEFI's HTTP boot sends it, to all DHCPv6 servers."""
    peer = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    index = socket.if_nametoindex(interface)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
    peer.bind(("::", 546))
    peer.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)

    def option(code, data):
        return struct.pack("!HH", code, len(data)) + data

    name = b"HTTPClient:Arch:00016:UNDI:003000"
    solicit = b"\1\0\0\7" + option(1, struct.pack("!HH", 3, 1) + mac) + option(8, b"\0\0")
    solicit += option(3, b"\0\0\0\1" + b"\0" * 8) + option(6, struct.pack("!4H", 59, 60, 23, 16))
    solicit += option(61, struct.pack("!H", 16)) + option(62, b"\1\3\0")
    solicit += option(16, struct.pack("!IH", 343, len(name)) + name)
    peer.settimeout(1)
    while True:
        peer.sendto(solicit, ("ff02::1:2", 547, 0, index))
        try:
            data, source = peer.recvfrom(4096)
        except socket.timeout:
            continue
        options, at = {}, 4
        while at + 4 <= len(data):
            code, length = struct.unpack("!HH", data[at : at + 4])
            options[code] = data[at + 4 : at + 4 + length]
            at += 4 + length
        return {"kind": data[0], "file": options.get(59, b"").decode(), "server": source[0].split("%")[0],
                "options": sorted(options)}


def ask_binl(transaction):
    """The question to port 4011, from the address that the site's own server gave."""
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peer.bind(("", 68))
    peer.settimeout(1)
    own = peer.getsockname()
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    probe.connect((server, 4011))
    own = socket.inet_aton(probe.getsockname()[0])
    payload = message(3, transaction, "uefi")
    payload = payload[:10] + b"\0\0" + own + payload[16:]
    while True:
        peer.sendto(payload, (server, 4011))
        try:
            return parse(peer.recv(4096))
        except socket.timeout:
            continue


for number, client in enumerate(kinds):
    transaction = int.from_bytes(mac[-2:], "big") << 8 | number
    if client == "v6":
        say(client, ask6())
    elif client == "binl":
        say(client, ask_binl(transaction))
    elif client == "plain" and number + 1 < len(kinds):
        broadcast(message(1, transaction, client))
    else:
        offer = ask(message(1, transaction, client), transaction, 2)
        say(client, offer)
        if offer["address"] != "0.0.0.0":
            say(client, ask(message(3, transaction, client, offer["address"], offer["server"]), transaction, 5))
for transaction in sorted({answer["transaction"] & 255 for answer in heard}):
    print(json.dumps({"heard": kinds[transaction]}), flush=True)
