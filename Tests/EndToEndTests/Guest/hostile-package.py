#!/usr/bin/env python3
"""Puts a hostile package in the place of libzstd1, builds, and prints what came of it as JSON.

usage: hostile-package.py ATTACK NETIMG CHECKOUT STORE DIRECTORY
"""
import bz2, gzip, hashlib, io, json, lzma, os, sys, tarfile

attack, netimg, checkout, store, directory = sys.argv[1:]
LOCK = f"{checkout}/manifests/minimal.lock.json"


def member(name, kind=tarfile.REGTYPE, content=b"", link="", size=None, **more):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    info.size = len(content) if size is None else size
    for key, value in more.items():
        setattr(info, key, value)
    header = info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
    return header + content + b"\0" * (-len(content) % 512)


def pax(records):
    body = b""
    for key, value in records.items():
        for length in range(1, 999):
            line = f"{length} {key}={value}\n".encode()
            if len(line) == length:
                body += line
                break
    return member("PaxHeader", tarfile.XHDTYPE, body)


def ar(*parts):
    out = b"!<arch>\n"
    for name, content in parts:
        out += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode() + content
        out += b"\n" * (len(content) % 2)
    return out


def bomb(compressor, size):
    """A file of zeros of `size` bytes, as the compressor has it."""
    header = member("usr/zeros", size=250 << 20)[:512]
    pieces, zeros = [], bytes(1 << 20)
    left = size
    while left > 0:
        pieces.append(compressor.compress(header + zeros[512:] if left == size else zeros))
        left -= len(zeros)
    return b"".join(pieces) + compressor.flush()


END = bytes(1024)
directory_of = lambda name: member(name, tarfile.DIRTYPE, mode=0o755)
usr = directory_of("./usr/")
file_a = member("./usr/a", content=b"hello")
data_name, data = "data.tar", None

if attack == "traversal":
    data = usr + member("./../../etc/x", content=b"x")
elif attack == "traversal-long-name":
    data = member("./" + "d/" * 80 + "../" * 90 + "etc/x", content=b"x")
elif attack == "below-a-link":
    data = usr + member("./usr/l", tarfile.SYMTYPE, link="/etc") + member("./usr/l/passwd", content=b"x")
elif attack == "hard-link-absolute":
    data = usr + file_a + member("./usr/b", tarfile.LNKTYPE, link="/etc/passwd")
elif attack == "hard-link-dangling":
    data = usr + member("./usr/b", tarfile.LNKTYPE, link="./usr/none")
elif attack == "device":
    data = usr + member("./usr/null", tarfile.CHRTYPE, devmajor=1, devminor=3)
elif attack == "fifo":
    data = usr + member("./usr/pipe", tarfile.FIFOTYPE)
elif attack == "sparse":
    data = usr + member("./usr/hole", tarfile.GNUTYPE_SPARSE, content=b"x")
elif attack == "pax-path":
    data = usr + pax({"path": "../../etc/x"}) + file_a
elif attack == "pax-capability":
    data = usr + pax({"SCHILY.xattr.security.capability": "\x01\x00\x00\x02"}) + file_a
elif attack == "huge-size":
    data = usr + member("./usr/huge", size=1 << 40)
elif attack == "missing-data":
    data = usr + member("./usr/large", size=200 << 20)
    END = b""
elif attack == "duplicate-path":
    data = usr + file_a + member("usr/a", content=b"other")
elif attack == "duplicate-member":
    data = usr + file_a
elif attack == "not-utf8":
    data = usr + member("./usr/\udcff\udcfe", content=b"x")
elif attack == "xz-bomb":
    data_name, END = "data.tar.xz", b""
    data = bomb(lzma.LZMACompressor(preset=0), 10 << 30)
elif attack == "gzip-bomb":
    data_name, END = "data.tar.gz", b""
    block = gzip.compress(bytes(64 << 20), 9)
    head = gzip.compress(member("usr/zeros", size=250 << 20)[:512])
    data = head + block * 64
elif attack == "many-files":
    data_name, END = "data.tar.xz", b""
    xz = lzma.LZMACompressor(preset=0)
    data = xz.compress(usr)
    template = bytearray(member("./usr/f0000000"))
    for number in range(1_000_000):
        template[6:14] = f"f{number:07}".encode()
        template[148:156] = b"        "
        template[148:156] = f"{sum(template):06o}\0 ".encode() if number == 0 else template[148:156]
        if number:
            digits = sum(int(c) for c in f"{number:07}")
            template[148:156] = f"{base + digits:06o}\0 ".encode()
        else:
            base = int(bytes(template[148:154]), 8)
        data += xz.compress(bytes(template))
    data += xz.flush()
elif attack == "many-directories":
    data = b"".join(member(f"./{n}/" + "e/" * 45 + "x", content=b"") for n in range(400))
elif attack == "truncated":
    data = usr + file_a
elif attack == "not-a-package":
    data = usr
else:
    sys.exit(f"there is no attack {attack}")

lock = json.load(open(LOCK))
victim = next(p for p in lock["packages"] if p["name"] == "libzstd1")
control = f"Package: libzstd1\nVersion: {victim['version']}\nArchitecture: amd64\n".encode()
if attack == "truncated":
    original = open(f"{store}/blobs/sha256/{victim['sha256'][:2]}/{victim['sha256'][2:]}", "rb").read()
    deb = original[: len(original) // 2]
elif attack == "not-a-package":
    deb = data
else:
    parts = [
        ("debian-binary", b"2.0\n"),
        ("control.tar", member("./control", content=control) + bytes(1024)),
        (data_name, data + END),
    ]
    deb = ar(*parts, *(parts[2:] if attack == "duplicate-member" else []))

# The lock says what a bad archive, or a bad colleague, made it say.
digest = hashlib.sha256(deb).hexdigest()
victim["sha256"], victim["size"] = digest, len(deb)
victim.pop("scripts", None)
victim.pop("triggers", None)
json.dump(lock, open(LOCK, "w"), indent=2)

private = f"{directory}/store"
os.makedirs(f"{private}/blobs/sha256")
for prefix in os.listdir(f"{store}/blobs/sha256"):
    os.makedirs(f"{private}/blobs/sha256/{prefix}", exist_ok=True)
    for name in os.listdir(f"{store}/blobs/sha256/{prefix}"):
        os.link(f"{store}/blobs/sha256/{prefix}/{name}", f"{private}/blobs/sha256/{prefix}/{name}")
os.makedirs(f"{private}/blobs/sha256/{digest[:2]}", exist_ok=True)
with open(f"{private}/blobs/sha256/{digest[:2]}/{digest[2:]}", "wb") as file:
    file.write(deb)
os.mkdir(f"{directory}/out")

log = f"{directory}/log"
process = os.fork()
if process == 0:
    os.chdir(checkout)
    with open(log, "wb") as file:
        os.dup2(file.fileno(), 2)
        os.dup2(file.fileno(), 1)
    os.execv(
        netimg,
        [netimg, "build", "manifests/minimal.yaml", "--offline", "--store", private, "--output", f"{directory}/out/r"])
_, status, usage = os.wait4(process, 0)
print(json.dumps({
    "status": os.waitstatus_to_exitcode(status), "error": open(log).read(), "mebibytes": usage.ru_maxrss >> 10,
    "seconds": usage.ru_utime + usage.ru_stime, "files": sorted(os.listdir(f"{directory}/out")),
}))
