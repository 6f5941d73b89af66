#!/usr/bin/env python3
"""Verify Saltmine evidence packs, with nothing but Python and a public key.

KEY is what 'saltmine evidence key' prints, or a file of it: have it from whom you trust,
not from who gave you the pack. CHECKPOINT is one of the log that was kept elsewhere: the
pack's log must begin with it. With --tsa-ca (PEM), 'openssl ts' checks time stamps. One
line is printed for each pack: "good" or the first fault; "-" reads their names from
standard input. Exit code: 0 good, 3 a fault, 1 one could not be read, 2 wrong use."""
import argparse, base64, contextlib, datetime, hashlib, hmac, json, os, re, struct, subprocess, sys, tempfile, zlib

class Fault(Exception):
    """Where something is wrong, a file's name, "zip" or "checkpoint", and what."""

def want(holds, where, what):
    if not holds:
        raise Fault(where, what)

# Ed25519, RFC 8032 section 5.1: points in extended coordinates.
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P

def add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return e * f % P, g * h % P, f * g % P, e * h % P

def times(n, a):
    out = (0, 1, 1, 0)
    while n:
        out, a, n = add(out, a) if n & 1 else out, add(a, a), n >> 1
    return out

def point(b):
    sign, y = divmod(int.from_bytes(b, "little"), 1 << 255)
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - x2) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P

BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))

def signed(key, text, sig):
    a, r, s = point(key), point(sig[:32]), int.from_bytes(sig[32:], "little")
    if a is None or r is None or len(sig) != 64 or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(sig[:32] + key + text).digest(), "little") % L
    one, two = times(s, BASE), add(r, times(h, a))
    return not ((one[0] * two[2] - two[0] * one[2]) % P or (one[1] * two[2] - two[1] * one[2]) % P)

class Key:
    """A public key with the name of its log, and those that were before it."""

    def __init__(self, text):
        self.name, self.keys = "", {}
        for line in text.split() or [""]:  # the last is the key of now
            if not line.startswith("saltmine/"):  # the line of sign.pub
                raw = base64.b64decode(line, validate=True)
                line = (self.name or "saltmine/" + sha(raw).hex()[:16]) + "+?+" + base64.b64encode(b"\x01" + raw).decode()
            name, want, raw = line.split("+", 2)
            raw = base64.b64decode(raw, validate=True)
            kind = sha(name.encode() + b"\n" + raw)[:4]
            if len(raw) != 33 or raw[0] != 1 or want not in ("?", kind.hex()) or self.name not in ("", name):
                raise ValueError("--key: it is no key as 'saltmine evidence key' prints it")
            self.name, self.keys[kind], self.now = name, raw[1:], kind

    def open(self, where, note, others=False):
        """The text of a note that this key has signed."""
        with contextlib.suppress(ValueError):
            text = note.decode()
            at = text.rindex("\n\n")
            body, lines = text[: at + 1], text[at + 2 :].split("\n")
            mine = 0 if lines.pop() == "" and not re.search("[\x00-\x09\x0b-\x1f]", text) else 2
            for line in lines:
                dash, name, sig = line.split(" ")
                raw = base64.b64decode(sig, validate=True)
                if dash != "\u2014" or not name or len(raw) < 5:
                    raise ValueError
                if name == self.name and raw[:4] in self.keys:
                    self.by = raw[:4]
                    mine += 1 if base64.b64encode(raw).decode() == sig and signed(self.keys[self.by], body.encode(), raw[4:]) else 2
                elif not others:
                    raise ValueError
            if mine == 1:
                return body
        raise Fault(where, "not a note that the key has signed")

    def checkpoint(self, where, note):
        """How many acts a checkpoint is of, and their root."""
        lines = self.open(where, note, others=True).split("\n")
        right = len(lines) == 4 and lines[0] == self.name and re.fullmatch("0|[1-9][0-9]{0,17}", lines[1])
        want(right, where, "it is no checkpoint of " + self.name)
        want(re.fullmatch("[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=", lines[2]), where, "it has no root")
        return int(lines[1]), base64.b64decode(lines[2])

sha = lambda b: hashlib.sha256(b).digest()

def tree(leaves):
    """The root of the Merkle tree of RFC 6962, section 2.1."""
    tops = []
    for n, leaf in enumerate(leaves):
        while n & 1:
            leaf, n = sha(b"\x01" + tops.pop() + leaf), n >> 1
        tops.append(leaf)
    root = tops.pop() if tops else sha(b"")
    while tops:
        root = sha(b"\x01" + tops.pop() + root)
    return root

def unzip(b):
    """The files of a ZIP in which every byte is as it must be."""
    files, central, at, last = {}, b"", 0, b""
    while b[at : at + 4] not in (b"PK\x01\x02", b"PK\x05\x06"):
        want(len(b) >= at + 30, "zip", "it breaks off at byte %d" % at)
        crc, size, _, named = struct.unpack("<IIIH", b[at + 14 : at + 28])
        name, start = b[at + 30 : at + 30 + named], at + 30 + named
        want(named <= 200 and len(name) == named and size <= len(b) - start, "zip", "the file at byte %d does not end within it" % at)
        middle = struct.pack("<HHHHHIIIHH", 10, 0, 0, 0, 0x21, crc, size, size, named, 0)
        want(b[at:start] == b"PK\x03\x04" + middle + name, "zip", "the header at byte %d is not as it must be" % at)
        want(re.fullmatch(b"[!-~]+", name), "zip", "the file at byte %d has a name of other characters than ! to ~" % at)
        content = b[start : start + size]
        want(zlib.crc32(content) == crc, "zip", "the content at byte %d has another checksum" % start)
        want(last < name and len(files) < 65000, "zip", "the file at byte %d is out of order, or there twice" % at)
        central += b"PK\x01\x02\x0a\x00" + middle + b"\0" * 10 + struct.pack("<I", at) + name
        files[name], at, last = content, start + size, name
    n = len(files)
    right = b[at:] == central + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, n, n, len(central), at, 0)
    want(right, "zip", "the directory, from byte %d, is not as it must be" % at)
    return {name.decode("latin-1"): content for name, content in files.items()}

def is_right(name, v):
    """Whether a number or a text is as one of this name must be."""
    if name in ("acts", "act", "seq", "size"):
        return type(v) is int and -1 << 63 <= v < 1 << 63
    return type(v) is str and (name != "at" or re.fullmatch(r"\d{4}(-\d\d){2}T\d\d(:\d\d){2}(\.\d{0,8}[1-9])?Z", v, re.A) and datetime.datetime.strptime(v[:19], "%Y-%m-%dT%H:%M:%S"))

def decode(where, b, *keys, **lists):
    """JSON with these keys in this order, spelt in the one way that is accepted."""
    with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):
        v = json.loads(b)
        rows = [(v, list(keys) + list(lists))] + [(r, want) for name, want in lists.items() for r in v[name]]
        right = all(list(row) == want and all(k in lists and type(x) is list or is_right(k, x) for k, x in row.items()) for row, want in rows)
        spelt = json.dumps(v, ensure_ascii=False, **({"indent": 2} if lists else {"separators": (",", ":")})) + "\n"
        spelt = re.sub("[\u2028\u2029]" if lists else "[<>&\u2028\u2029]", lambda c: "\\u%04x" % ord(c[0]), spelt)
        if right and spelt.encode() == b:
            return v
    raise Fault(where, "it is not the JSON that is wanted")

NAMES = re.compile(r"HOW-TO-VERIFY\.txt|canaries/c_[a-z2-7]+\.json|checkpoints/[0-9]+\.(note|[A-Za-z0-9._-]+\.(tsr|ots|sig))|contacts/k_[A-Za-z0-9._-]+/(header\.json|raw|mail\.json)|incident\.json|log/(acts/[0-9]+\.json|checkpoint\.note|leaves|lists/[fw]_[a-z2-7]+\.txt|proof\.json)|pages/p_[a-z2-7]+\.json|reads/[0-9a-f]{12}\.json|report\.(html|pdf)|trace\.json|windows/t_[a-z2-7]+\.json")
PROVED = re.compile(r"log/(acts|lists)/|pages/|windows/|contacts/[^/]+/(header\.json|raw)$")
ACT = ["seq", "at", "who", "via", "what", "about", "outcome"]

def verify(pack, key, outside=None, ca=None):
    """Raises the first Fault of a pack; returns what it proves."""
    files, claimed, acts, lists = unzip(pack), set(), {}, {}
    get = lambda name: want(name in files, name, "it is missing") or files[name]
    claim = lambda name: want(name not in claimed, name, "it is proved twice") or claimed.add(name) or get(name)
    salt = lambda name, a: want(re.fullmatch("([0-9a-fA-F]{2})*", a["salt"]), name, "its salt is none") or bytes.fromhex(a["salt"])
    note, text = get("manifest.note"), get("manifest.json")
    stated = key.open("manifest.note", note)
    replaced = "" if key.by == key.now else ", signed by a key that was replaced since: hold it against --checkpoint"
    incident = (stated.split("\n") + [""])[1]
    want(stated == "%s pack\n%s\n%s\n" % (key.name, incident, sha(text).hex()), "manifest.note", "it was not signed of this manifest")
    m = decode("manifest.json", text, "format", "tool", "log", "incident", "at", "acts", files=["name", "size", "sha256"])
    right = m["format"] == "saltmine evidence pack 1" and (m["log"], m["incident"]) == (key.name, incident)
    want(right and re.fullmatch("i_[a-z2-7]+", incident), "manifest.json", "its format, log or incident is another")
    names = [n for n in files if n not in ("manifest.json", "manifest.note")]
    for i, f in enumerate(m["files"]):
        name = f["name"]
        want(i < len(names) and name >= names[i], name, "it is missing")
        want(name == names[i], names[i], "it is not in the manifest")
        want(NAMES.fullmatch(name), name, "no file of a pack has this name")
        want((f["size"], f["sha256"]) == (len(files[name]), sha(files[name]).hex()), name, "its size or SHA-256 is not the manifest's")
    want(len(m["files"]) == len(names), "".join(names[len(m["files"]) :][:1]), "it is not in the manifest")
    size, root = key.checkpoint("log/checkpoint.note", get("log/checkpoint.note"))
    b = get("log/leaves")
    leaves = [b[i : i + 32] for i in range(0, len(b), 32)]
    right = len(b) == 32 * size and size == m["acts"] and tree(leaves) == root
    want(right, "log/leaves", "their number or root is not the one that was signed")
    def begins(where, note):
        n, root = key.checkpoint(where, note)
        want(n <= size, where, "it is later than the pack")
        want(tree(leaves[:n]) == root, where, "the pack's log does not begin with that of this checkpoint")
        return n
    for name in names:
        n, _, kind = name.removeprefix("checkpoints/").partition(".")
        if name.startswith("checkpoints/") and kind == "note":
            want(str(begins(name, files[name])) == n, name, "it is of another number of acts")
        elif name.startswith("checkpoints/"):
            note = get("checkpoints/" + n + ".note")
            want(not ca or not kind.endswith(".tsr") or stamped(note, files[name], ca), name, "the time stamp does not hold")
    p = decode("log/proof.json", get("log/proof.json"), acts=["seq", "salt"], lists=["id", "act"], contacts=["id", "salt", "list"], pages=["id", "list"], windows=["id", "list"])
    for a in p["acts"]:
        name = "log/acts/%08d.json" % a["seq"]
        line = claim(name)
        leaf = sha(b"\0" + hmac.digest(salt(name, a), line, "sha256"))
        want(a["seq"] > 0 and leaf in leaves[a["seq"] - 1 :][:1], name, "it is not the act of this number on the log")
        acts[a["seq"]] = decode(name, line, *ACT)
        want(acts[a["seq"]]["seq"] == a["seq"], name, "it is another act")
    for a in p["lists"]:
        name = "log/lists/" + a["id"] + ".txt"
        text, act = claim(name), acts.get(a["act"], dict.fromkeys(ACT))
        want(act["what"] in ("filed", "windows") and (act["about"], act["outcome"]) == (a["id"], sha(text).hex()), name, "act %d does not stand for it" % a["act"])
        lists[a["id"]] = text.split(b"\n")
    def stands(name, a, leaf):
        want(sha((a["id"] + " " + leaf.hex()).encode()).hex().encode() in lists.get(a["list"], []), name, a["id"] + " does not stand in list " + a["list"])
    for a in p["contacts"]:
        name, header = "contacts/" + a["id"] + "/raw", "contacts/" + a["id"] + "/header.json"
        claimed.add(header)
        head, raw = get(header), claim(name)
        stands(name, a, hmac.digest(salt(name, a), b"SMC1" + struct.pack(">I", len(head)) + head + raw, "sha256"))
    for kind, a in [("pages/", a) for a in p["pages"]] + [("windows/", a) for a in p["windows"]]:
        stands(kind + a["id"] + ".json", a, sha(claim(kind + a["id"] + ".json")))
    for name in files:
        want(not PROVED.match(name) or name in claimed, name, "nothing proves it")
    held = "" if outside is None else ", which begins with the %d of the checkpoint" % begins("checkpoint", outside)
    return "%s, %d contacts, %d pages, %d acts of %d%s%s" % (incident, len(p["contacts"]), len(p["pages"]), len(acts), size, held, replaced)
def stamped(note, stamp, ca):
    with tempfile.TemporaryDirectory() as d:
        for name, b in ("/note", note), ("/tsr", stamp):
            with open(d + name, "wb") as f:
                f.write(b)
        return subprocess.run(["openssl", "ts", "-verify", "-data", d + "/note", "-in", d + "/tsr", "-CAfile", ca], capture_output=True).returncode == 0

def main():
    a = argparse.ArgumentParser(description=__doc__)
    for option in "--key", "--checkpoint", "--tsa-ca":
        a.add_argument(option, required=option == "--key")
    a.add_argument("packs", nargs="+", metavar="PACK.zip")
    o, code = a.parse_args(), 0
    try:
        key = Key(open(o.key).read() if os.path.exists(o.key) else o.key)
        outside = open(o.checkpoint, "rb").read().replace(b"\r\n", b"\n").strip() + b"\n" if o.checkpoint else None
    except (OSError, ValueError) as e:
        sys.exit(print(e, file=sys.stderr) or 2)
    for path in map(str.strip, sys.stdin) if o.packs == ["-"] else o.packs:
        try:
            with open(path, "rb") as f:
                print("good: " + verify(f.read(), key, outside, o.tsa_ca), flush=True)
        except Fault as e:
            code = print(re.sub("[^ -~]", "?", "fault: %s: %s" % e.args), flush=True) or 3
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as e:
            code = print("error: %s: %s" % (path, e), flush=True) or code or 1
    sys.exit(code)
main()
