"""Check a proof that `billsync audit prove` wrote. Needs Python 3.11 or newer, and neither billsync nor a network.

    python verify_proof.py FILE --key KEY (the firm's public key) or --against HEADS (a file of its heads that you kept)

Exit code 0: all that is printed is proven; 1: it is not, and why. docs/audit.md tells the format and its limits.
"""

import argparse
import json
import re
import sys
import zlib
from base64 import b64decode
from functools import partial
from hashlib import sha256, sha512
from pathlib import Path

MAGIC, LARGEST = b"billsync proof 1\n", 64_000_000
DICTIONARY = """
"completed_on":"approval":{"by":null,"state":"approved"},"hours":"name":"status":"worked_on":"202{"first":"last":"recei
pt":{"complete":true,"findings":[],"finished":"full":true,"pages":"records":"started":"window":{"changed_since":null,"s
ince":"202"until":"root":"document":{"differs":false,"expected_total":"balance":"line_amounts":["payments":[],"remarks"
:[],"revision":"tax":0,"total":"updated_at":"url"postings":[[0,0,"billed""draft":{"client":"contracts":["currency":"USD
","hash":"key":"kind":"invoice","lines":null,"purchase_order":null,"references":{},"sink":"terms_days":30,"input_hash":
"address":["customer":"email":null,"issued_on":"lines":[{"amount":"dimensions":{},"done_on":"item":null,"late":false,"p
arts":[{"because":["decision":null,"evidence":[{"fingerprint":"identity":"quantity":null,"tax_code":null,"text":"unit_p
rice":null}],"memo":"","stamp":"BS1:"
""".replace("\n", "").encode()
NOTE = re.compile(r"(billsync/[^\s+]+)\n([1-9][0-9]{0,14})\n(\S{44})\ntime (\S+)\n\n((?:— \S+ \S+\n)+)")
MINOR = dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0)
MINOR |= dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3) | dict.fromkeys("CLF UYW".split(), 4)
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493  # Ed25519 (RFC 8032)
D = -121665 * pow(121666, -1, P) % P


def clean(text):  # what a file says may not draw on the screen
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def need(true, reason):
    if not true:
        raise SystemExit(f"NOT PROVEN: {clean(reason)}")


binary = partial(b64decode, validate=True)
strict = partial(json.loads, object_pairs_hook=lambda it: need(len(dict(it)) == len(it), "a name twice") or dict(it))


def add(p, q):  # points as (X, Y, Z, T)
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    return (b - a) * (d - c) % P, (d + c) * (b + a) % P, (d - c) * (d + c) % P, (b - a) * (b + a) % P


def times(n, p):
    rest = times(n >> 1, add(p, p)) if n else (0, 1, 1, 0)
    return add(rest, p) if n & 1 else rest


def point(data):
    sign, y = divmod(int.from_bytes(data, "little"), 2**255)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if (x * x - square) % P == 0 else x * pow(2, (P - 1) // 4, P) % P
    need(y < P and (x * x - square) % P == 0 and (x or not sign), "the signature or the key is no point of the curve")
    return (x if x & 1 == sign else P - x), y, 1, (x if x & 1 == sign else P - x) * y % P


def is_signature(public, message, signature):
    a, r, s = point(public), point(signature[:32]), int.from_bytes(signature[32:], "little")
    need(len(signature) == 64 and s < L and times(8, a)[0], "the signature or the key is malformed")
    h = int.from_bytes(sha512(signature[:32] + public + message).digest(), "little") % L
    left = times(s, point((4 * pow(5, -1, P) % P).to_bytes(32, "little")))
    right = add(r, times(h, a))
    return all((left[i] * right[2] - right[i] * left[2]) % P == 0 for i in (0, 1))


def roots(start, size, known, old, hashes):
    """RFC 6962 root of `size` leaves from `start` on, and of those before `old` (else None), from the `known` ones."""
    if size == 1 or not (known or start < old < start + size):
        found = known[0][1] if known else next(hashes)
        return found, found if start + size <= old else None
    middle = start + (1 << ((size - 1).bit_length() - 1))
    left, left_old = roots(start, middle - start, [one for one in known if one[0] < middle], old, hashes)
    right, right_old = roots(middle, start + size - middle, [one for one in known if one[0] >= middle], old, hashes)
    was = left_old if right_old is None else sha256(b"\x01" + left_old + right_old).digest()
    return sha256(b"\x01" + left + right).digest(), was


def is_signed(note, key):
    name, number, public = key.split("+", 2)
    identity = sha256(f"{name}\n".encode() + binary(public)).digest()[:4]
    need(binary(public)[:1] == b"\x01" and identity.hex() == number, "the key is not what it says")
    told = [binary(line.split(" ")[2]) for line in note[5].splitlines() if line.split(" ")[1] == name == note[1]]
    text = note[0][: -len(note[5]) - 1].encode()
    return any(one[:4] == identity and is_signature(binary(public)[1:], text, one[4:]) for one in told)


def check(data, key, kept):
    """What the proof proves, in sentences. `key`: the firm's, or None. `kept`: the text of heads that were kept."""
    need(data.startswith(MAGIC), "this is no proof of billsync")
    unpacker = zlib.decompressobj(zdict=DICTIONARY)
    lines = iter(unpacker.decompress(data[len(MAGIC) :], LARGEST).decode().split("\n"))
    tail = unpacker.unused_data
    need(unpacker.eof and len(tail) % 32 == 0, "the file is not whole")
    index, hashes = strict(next(lines)), iter([tail[at : at + 32] for at in range(0, len(tail), 32)])
    rows, known, versions, last, made = {}, [], {}, -1, b""
    for _ in range(index["rows"]):
        head, text = next(lines), next(lines)
        seq, at, actor, event, reason = strict(head)
        need(type(seq) is int and seq > max(last, 0), "the rows are not in order")
        made = sha256((made if seq == last + 1 else next(hashes)) + f"{head}\n{text}".encode()).digest()
        known.append((seq - 1, sha256(b"\x00" + made).digest()))
        rows[seq], last = (event, strict(text), f"{actor} on {at} (row {seq}){': ' * bool(reason)}{reason}"), seq
    note, old = NOTE.fullmatch(index["checkpoint"]), index["older"]
    need(note and last <= int(note[2]) >= old, "the head is malformed, or older than what it should prove")
    root, was = roots(0, int(note[2]), known, old, hashes)
    need(root == binary(note[3]), "the rows do not lead to the head's root: something was changed")
    need(is_signed(note, index["key"]), "the head is not signed with the key it names")
    need(key in (None, index["key"]), f"it is signed with another key than yours: {index['key']}")
    same = [head for head in NOTE.finditer(kept + "\n") if head[1] == note[1] and int(head[2]) in (old, int(note[2]))]
    for head in same:
        need(binary(head[3]) == (root if head[2] == note[2] else was), f"FORKED: not the log of your {head[2]} rows")
    need(same or not kept, "it reaches none of the heads that you kept: ask for `billsync audit prove --against` one")
    tied = key or any(is_signed(head, index["key"]) for head in same)
    need(tied, f"whole in itself, but nothing ties it to the firm: give --key, if this is theirs: {index['key']}")
    for seq, places in index["polls"]:
        (event, body, _), leaves = rows[seq], []
        for place in places:
            head, text = next(lines), next(lines)
            *record, version, seen = strict(head)
            need(record[:2] == [body["receipt"]["account"], body["receipt"]["kind"]], "a record is of another poll")
            leaves.append((place, sha256(b"\x00" + f"{head}\n{text}".encode()).digest()))
            versions[*record, version] = (seq, f"read {seen} (row {seq})", strict(text))
        count = body["last"] - body["first"] + 1
        need(event == "polled" and places == sorted({*places}) and 0 <= places[0] <= places[-1] < count, "no such poll")
        need(roots(0, count, leaves, 0, hashes)[0].hex() == body["root"], "a record is not as it was read")
    need(next(lines, None) is next(hashes, None) is None, "something is left over in the file")
    yield from document(rows, versions, {seq for seq, _ in index["polls"]})
    yield f"In a log of {note[2]} rows with the root {note[3]}, signed {note[4]} with the key {index['key']}"
    yield from (f"The log continues the head of {head[2]} rows that you kept, signed {head[4]}." for head in same)


def money(minor, currency):
    need(type(minor) is int and re.fullmatch("[A-Z]{3}", currency), "an amount is none")
    whole, rest = divmod(abs(minor), 10 ** (digits := MINOR.get(currency, 2)))
    return f"{currency} {'-' * (minor < 0)}{whole:,}" + (f".{rest:0{digits}d}" if digits else "")


def document(rows, versions, polls):
    """The sentences about the document; every row and every record must have its place in them."""
    [(told, (_, body, taken))] = [(seq, row) for seq, row in rows.items() if row[0] == "confirmed"]
    planned, books = body["planned"], body["document"]["receipt"]
    event, plan, written = rows[planned]
    this, reference, asked, used = plan["invoice"], plan["reference"], set(), set()
    need(event == "planned" and planned < told, "the plan is none, or later than the confirmation")
    named = {this["reference"], body["reference"], books["reference"] or reference}
    need(named == {reference}, "two documents are mixed")
    total = money(sum(line["amount"] for line in this["lines"]), this["currency"])
    yield f"{this['kind']} {reference} of {this['issued_on']} to {this['client_name']}: {total} before tax"
    for number, line in enumerate(this["lines"], 1):
        need(line["amount"] == sum(part["amount"] for part in line["parts"]), "a line is not the sum of its parts")
        yield f"{number}. {line['text']}: {money(line['amount'], this['currency'])}"
        for part in line["parts"]:
            asked.add(part["decision"])
            yield f"   {part['identity']}: {money(part['amount'], this['currency'])} ({'; '.join(part['because'])})"
            for one in part["evidence"]:
                key = (one["key"]["account"], one["key"]["kind"], one["key"]["id"], one["version"])
                seq, seen, record = versions.get(key, (0, "not in this file", {"id": key[2]}))
                used |= {seq, key}
                need(seq < planned and record["id"] == key[2], "a record is another one, or was read too late")
                facts = ", ".join(f"{name} {value}" for name, value in record.items() if isinstance(value, str))
                yield f"      from {key[1]} of {key[0]}, version {key[3]}, {seen}: {facts}"
    need({*versions, *polls} <= used, "a record is in the file that is not behind the document")
    yield f"Written down by {written}"
    yield f"Taken by the books as {books['number']}, {money(books['total'], books['currency'])} in all: by {taken}"
    people = [(seq, row) for seq, row in rows.items() if seq not in {told, planned} | polls]
    for seq, (event, body, who) in people:
        approves = event == "decided" and body["kind"] == "approve" and body["subject"] == plan["draft"]["hash"]
        about = reference in (body.get("subject"), body.get("reference")) or body.get("id", 0) in asked
        need(event in ("decided", "let_go") and (about or (approves and seq < planned)), f"row {seq} is not about it")
        what = "Approved" if approves else f"Decided ({body['kind']})" if event == "decided" else "Void, and let go,"
        yield f"{what} by {who}"
    if not any(row[1].get("kind") == "approve" for _, row in people):
        yield "No person's approval is in this file."


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--key", help="the firm's public key")
    parser.add_argument("--against", type=Path, metavar="HEADS", help="a file of heads that you kept")
    given = parser.parse_args()
    try:
        kept = given.against.read_text(encoding="utf-8") if given.against else ""
        words = [clean(line) for line in check(given.file.read_bytes(), given.key, kept)]
    except (OSError, AttributeError, LookupError, RuntimeError, TypeError, ValueError, zlib.error) as error:
        raise SystemExit(f"NOT PROVEN: the file cannot be read, or is malformed ({type(error).__name__})") from None
    words.append("Not proven: that the work was done as its records say, that the clocks were right, what came after.")
    sys.stdout.buffer.write("\n".join(["PROVEN", *words, ""]).encode())
