#!/usr/bin/env python3
"""Builds the sample image once more with one package that has a newer version and another file in it.

usage: updated-package.py NETIMG CHECKOUT STORE DIRECTORY [NETIMG-BUILD-ARGUMENT…]

The release is DIRECTORY/release. The checkout gets a commit, so that the version is a later one.
"""
import hashlib, json, os, subprocess, sys

netimg, checkout, store, directory, *arguments = sys.argv[1:]
LOCK = f"{checkout}/manifests/minimal.lock.json"
lock = json.load(open(LOCK))
package = next(p for p in lock["packages"] if p["name"] == "libzstd1")


def blob(root, digest):
    return f"{root}/blobs/sha256/{digest[:2]}/{digest[2:]}"


tree = f"{directory}/tree"
subprocess.run(["dpkg-deb", "-R", blob(store, package["sha256"]), tree], check=True)
library = next(
    os.path.join(place, name)
    for place, _, names in os.walk(tree)
    for name in names
    if name.startswith("libzstd.so.") and not os.path.islink(os.path.join(place, name)))
with open(library, "ab") as file:
    file.write(b"an update\n" * 10)
control = open(f"{tree}/DEBIAN/control").read()
version = package["version"] + "+u1"
open(f"{tree}/DEBIAN/control", "w").write(control.replace(f"Version: {package['version']}\n", f"Version: {version}\n"))
deb = f"{directory}/updated.deb"
environment = dict(os.environ, SOURCE_DATE_EPOCH="1700000000")
subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, deb], check=True, stdout=subprocess.DEVNULL, env=environment)
data = open(deb, "rb").read()
digest = hashlib.sha256(data).hexdigest()
package.update(version=version, sha256=digest, size=len(data), path=package["path"].replace(".deb", "u1.deb"))
json.dump(lock, open(LOCK, "w"), indent=2)
git = ["git", "-C", checkout, "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
subprocess.run(git + ["commit", "-qam", "One package is newer"], check=True)

private = f"{directory}/store"
for prefix in os.listdir(f"{store}/blobs/sha256"):
    os.makedirs(f"{private}/blobs/sha256/{prefix}", exist_ok=True)
    for name in os.listdir(f"{store}/blobs/sha256/{prefix}"):
        source, target = (f"{root}/blobs/sha256/{prefix}/{name}" for root in (store, private))
        try:
            os.link(source, target)
        except FileNotFoundError:
            continue  # Another build's: it was only there for a moment.
        except OSError:
            subprocess.run(["cp", source, target], check=True)
os.makedirs(os.path.dirname(blob(private, digest)), exist_ok=True)
open(blob(private, digest), "wb").write(data)
os.chdir(checkout)
os.execv(netimg, [
    netimg, "build", "manifests/minimal.yaml", "--offline", "--store", private, "--output", f"{directory}/release",
    *arguments])
