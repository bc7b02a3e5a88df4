"""Loki's protobuf PushRequest in a snappy block, as Go's clients send it; written by hand, so that the node's own decoder is not its judge.

Format: ../proto/loki/push.proto; snappy: its format_description.txt, literals only.
"""
import struct


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def integer(tag, value):
    return varint(tag << 3) + varint(value) if value else b""


def entry(at_ns, line, metadata=None):
    seconds, nanos = divmod(at_ns, 10**9)
    pairs = b"".join(field(3, field(1, name.encode()) + field(2, value.encode())) for name, value in (metadata or {}).items())
    return field(1, integer(1, seconds) + integer(2, nanos)) + field(2, line.encode()) + pairs


def stream(labels, entries, fingerprint=0):
    """labels: as promtail writes them, `{job="x"}`; entries: (ns, line[, metadata]); the hash is sent by loki-canary, for nothing."""
    return field(1, labels.encode()) + b"".join(field(2, entry(*one)) for one in entries) + integer(3, fingerprint)


def snappy(data):
    out = bytearray(varint(len(data)))
    for at in range(0, len(data), 65536):
        piece = data[at : at + 65536]
        out += b"\xf4" + struct.pack("<H", len(piece) - 1) + piece  # a literal with its length in two bytes
    return bytes(out)


def push_request(streams):
    return snappy(b"".join(field(1, stream(*one)) for one in streams))
