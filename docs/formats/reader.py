#!/usr/bin/env python3
"""A second reader of releases, written from the documents beside it and from nothing else of netimg.

    reader.py RELEASE [--key PUBLIC.pem] [--image FILE]

Checks release.json, every artifact, the index, every frame, the dm-verity tree and the initrd, and says what is wrong,
with status 1. --key also checks the three envelopes (with openssl, version 3). --image writes the root image. Needs
Python's standard library and the program `zstd`.
"""

import argparse
import base64
import hashlib
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

BLOCK = 4096


class Wrong(Exception):
    """What is wrong, in one sentence."""


def check(condition, sentence):
    if not condition:
        raise Wrong(sentence)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def decompress(stored):
    result = subprocess.run(["zstd", "-dcq"], input=stored, capture_output=True)
    check(result.returncode == 0, f"zstd: {result.stderr.decode().strip()}")
    return result.stdout


# RFC 8878, 3.1.1

def zstd_header(data, where):
    """A zstd frame's content size and the length of its header; None for a size that is not there."""
    check(len(data) >= 6 and data[:4] == b"\x28\xb5\x2f\xfd", f"{where} is no zstd frame")
    descriptor = data[4]
    single = descriptor >> 5 & 1
    check(descriptor & 3 == 0, f"{where} needs a dictionary")
    size_bytes = (1 if single else 0, 2, 4, 8)[descriptor >> 6]
    at = 5 + (0 if single else 1)
    size = int.from_bytes(data[at:at + size_bytes], "little") + (256 if size_bytes == 2 else 0)
    return (size if size_bytes else None), at + size_bytes


def zstd_length(data, where):
    """How long the first zstd frame is, from its header and its blocks'."""
    _, at = zstd_header(data, where)
    while True:
        check(at + 3 <= len(data), f"{where} is cut short")
        header = int.from_bytes(data[at:at + 3], "little")
        at += 3 + (1 if header >> 1 & 3 == 1 else header >> 3)
        if header & 1:
            break
    at += 4 if data[4] >> 2 & 1 else 0
    check(at <= len(data), f"{where} is cut short")
    return at


# index.md

def read_index(data):
    """(image size, data size, root hash, [(SHA-256, stored size, size)])."""
    check(len(data) >= 64 and data[:8] == b"NETIMGRI", "root.index has another magic")
    version, count, image_size, data_size = struct.unpack_from("<IIQQ", data, 8)
    check(version == 1, f"root.index has version {version}")
    check(count <= 65536 and image_size <= 1 << 33, "root.index is over its limits")
    check(len(data) == 64 + 40 * count, "root.index has another length than its number of frames asks for")
    frames = []
    for at in range(64, len(data), 40):
        stored, size = struct.unpack_from("<II", data, at + 32)
        check(stored > 0 and 0 < size <= 16 << 20 and size % BLOCK == 0, f"root.index: sizes of a frame at {at}")
        frames.append((data[at:at + 32].hex(), stored, size))
    check(sum(size for _, _, size in frames) == image_size, "root.index: the frames' sizes are not the image's")
    check(0 < data_size < image_size and data_size % BLOCK == 0, "root.index: data size")
    return image_size, data_size, data[32:64].hex(), frames


# frames.md

def read_frame(stored, frame):
    """The content of a frame."""
    name, stored_size, size = frame
    check(len(stored) == stored_size, f"frame {name} has {len(stored)} bytes, not {stored_size}")
    check(sha256(stored) == name, f"frame {name} has another SHA-256")
    check(zstd_header(stored, name)[0] == size, f"frame {name} does not state its content size of {size}")
    check(zstd_length(stored, name) == len(stored), f"frame {name} is more than one zstd frame")
    content = decompress(stored)
    check(len(content) == size, f"frame {name} has {len(content)} bytes of content, not {size}")
    return content


def check_verity(image, data_size, root_hash):
    """Computes the hash tree anew, and compares it and the superblock with the image's."""
    superblock = image[data_size:data_size + 512]
    check(superblock[:8] == b"verity\0\0", "there is no dm-verity superblock behind the file system")
    version, hash_type = struct.unpack_from("<II", superblock, 8)
    algorithm = superblock[32:64].rstrip(b"\0")
    data_block, hash_block, blocks, salt_size = struct.unpack_from("<IIQH", superblock, 64)
    check(
        (version, hash_type, algorithm, data_block, hash_block, blocks, salt_size)
        == (1, 1, b"sha256", BLOCK, BLOCK, data_size // BLOCK, 0), "the dm-verity superblock says something else")
    level, levels = image[:data_size], []
    while len(level) > BLOCK or not levels:
        hashes = b"".join(hashlib.sha256(level[at:at + BLOCK]).digest() for at in range(0, len(level), BLOCK))
        level = hashes + bytes(-len(hashes) % BLOCK)
        levels.append(level)
    check(sha256(levels[-1]) == root_hash, "the root hash is another one")
    # The top of the tree comes first.
    check(image[data_size + BLOCK:] == b"".join(reversed(levels)), "the hash tree is another one")


# initrd.md

def cpio(data, where):
    """The members of a "newc" archive, name to content, and where it ends."""
    members, at = {}, 0
    while True:
        check(data[at:at + 6] == b"070701" and len(data) >= at + 110, f"{where} is no newc archive at {at}")
        size, name_size = int(data[at + 54:at + 62], 16), int(data[at + 94:at + 102], 16)
        name = data[at + 110:at + 110 + name_size - 1].decode()
        begin = at + 110 + name_size + -(110 + name_size) % 4
        if name == "TRAILER!!!":
            return members, begin
        check(begin + size <= len(data), f"{where} is cut short")
        members[name] = data[begin:begin + size]
        at = begin + size + -size % 4


def check_initrd(initrd, index, frames):
    length = zstd_length(initrd, "the initrd's first archive")
    first, _ = cpio(decompress(initrd[:length]), "the initrd's first archive")
    check(first.get("init", b"")[:4] == b"\x7fELF", "the initrd has no program /init")
    for line in first.get("netimg/modules/order", b"").decode().splitlines():
        check(f"netimg/modules/{line.removeprefix('?')}" in first, f"the initrd lacks the module {line}")
    second, _ = cpio(initrd[length + -length % 4:], "the initrd's second archive")
    check(second.get("netimg/index") == index, "the initrd has another index")
    for name, stored in frames.items():
        check(second.get(f"netimg/frames/{name}") == stored, f"the initrd lacks frame {name}, or has another")


# release.md

def pe_section(data, wanted):
    """The content of a section of an EFI program (PE, as its specification by Microsoft has it)."""
    header = struct.unpack_from("<I", data, 60)[0]
    check(data[header:header + 4] == b"PE\0\0", "uki.efi is no PE file")
    count, optional = struct.unpack_from("<H", data, header + 6)[0], struct.unpack_from("<H", data, header + 20)[0]
    for at in range(header + 24 + optional, header + 24 + optional + 40 * count, 40):
        if data[at:at + 8].rstrip(b"\0") == wanted.encode():
            size, _, raw_size, offset = struct.unpack_from("<IIII", data, at + 8)
            return data[offset:offset + min(size, raw_size)]
    raise Wrong(f"uki.efi has no section {wanted}")


ENVELOPES = [
    ("release.dsse.json", "release.json", "application/vnd.netimg.release+json"),
    ("sbom.dsse.json", "sbom.spdx.json", "application/spdx+json"),
    ("provenance.dsse.json", "provenance.json", "application/vnd.in-toto+json"),
]


def check_envelope(directory, name, payload, kind, key):
    """DSSE v1: what is signed is its pre-authentication encoding."""
    envelope = json.loads((directory / name).read_bytes())
    body = base64.b64decode(envelope["payload"])
    check(body == (directory / payload).read_bytes(), f"{name} is about other bytes than {payload}")
    check(envelope["payloadType"] == kind, f"{name} has the type {envelope['payloadType']}")
    message = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(body), body)
    with tempfile.TemporaryDirectory() as scratch:
        for number, signature in enumerate(envelope["signatures"]):
            pathlib.Path(scratch, "message").write_bytes(message)
            pathlib.Path(scratch, "signature").write_bytes(base64.b64decode(signature["sig"]))
            result = subprocess.run(
                ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin", "-in", f"{scratch}/message",
                 "-sigfile", f"{scratch}/signature"], capture_output=True)
            if result.returncode == 0:
                return
    raise Wrong(f"{name} has no signature by this key")


def read(directory, key):
    """Everything is checked; gives the release, and the root image's bytes."""
    release = json.loads((directory / "release.json").read_bytes())
    check(release["format"] <= 1, f"release.json has format {release['format']}")
    if key:
        for name, payload, kind in ENVELOPES:
            check_envelope(directory, name, payload, kind, key)
    artifacts = {}
    for artifact in release["artifacts"]:
        data = (directory / artifact["name"]).read_bytes()
        check(len(data) == artifact["size"], f"{artifact['name']} has another size")
        check(sha256(data) == artifact["sha256"], f"{artifact['name']} has another SHA-256")
        artifacts[artifact["name"]] = data

    index = artifacts["root.index"]
    image_size, data_size, root_hash, frames = read_index(index)
    root = release["root"]
    check(
        (root["size"], root["dataSize"], root["hash"], root["frames"], root["framesSize"])
        == (image_size, data_size, root_hash, len(frames), sum(stored for _, stored, _ in frames)),
        "release.json and root.index do not agree")
    command_line = release["kernel"]["commandLine"]
    check(f"netimg.index={sha256(index)}" in command_line.split(), "the command line pins another index")
    check(sha256(artifacts["lock.json"]) == release["source"]["lockDigest"], "lock.json is another lock file")

    stored, image = {}, bytearray()
    for frame in frames:
        stored[frame[0]] = (directory / "frames" / frame[0]).read_bytes()
        image += read_frame(stored[frame[0]], frame)
    check(set(os.listdir(directory / "frames")) == set(stored), "frames/ holds other files than the index names")
    check_verity(bytes(image), data_size, root_hash)
    check(image[1024:1028] == b"\xe2\xe1\xf5\xe0", "the image is no EROFS file system")

    uki = artifacts["uki.efi"]
    check(pe_section(uki, ".initrd") == artifacts["initrd"], "uki.efi has another initrd")
    # The kernel's size in memory is larger than its file: the section is padded.
    check(pe_section(uki, ".linux").startswith(artifacts["vmlinuz"]), "uki.efi has another kernel")
    check(pe_section(uki, ".cmdline").decode() == command_line, "uki.efi has another command line")
    check(pe_section(uki, ".uname").decode() == release["kernel"]["release"], "uki.efi is of another kernel")
    check_initrd(artifacts["initrd"], index, stored)

    packs = json.loads(artifacts["packs.json"])
    paths = [path for pack in packs["packs"] for path in pack["paths"]]
    check(packs["format"] <= 1 and len(paths) == len(set(paths)), "packs.json names a path twice")
    statement = json.loads(artifacts["provenance.json"])
    subjects = {subject["name"]: subject["digest"]["sha256"] for subject in statement["subject"]}
    check(
        subjects == {name: sha256(data) for name, data in artifacts.items() if name != "provenance.json"},
        "the provenance is about other artifacts")
    sbom = json.loads(artifacts["sbom.spdx.json"])
    check({file["fileName"].removeprefix("./") for file in sbom["files"]} <= set(paths), "the SBOM has other files")
    return release, bytes(image)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("release", type=pathlib.Path)
    parser.add_argument("--key")
    parser.add_argument("--image", type=pathlib.Path)
    arguments = parser.parse_args()
    try:
        release, image = read(arguments.release, arguments.key)
    except (Wrong, OSError, KeyError, ValueError, struct.error) as problem:
        sys.exit(f"{arguments.release}: {problem}")
    if arguments.image:
        arguments.image.write_bytes(image)
    print(json.dumps({
        "name": release["name"], "version": release["version"], "rootHash": release["root"]["hash"],
        "frames": release["root"]["frames"], "signed": bool(arguments.key)}))


main()
