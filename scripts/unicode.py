"""
What scripts/unicode.ts asks of Python, as JSON: the tables of stringprep (RFC 3454) for Unicode 3.2, and digests of what
the profiles of XMPP make of many strings. Written plainly, to be the reference of server/jid.
"""

import hashlib
import itertools
import json
import stringprep as tables
import unicodedata


def nfkc(text):
    """Of the code points that Unicode 3.2 has. Python would put the others in order by what is known of them today."""
    pieces = itertools.groupby(text, tables.in_table_a1)
    return ''.join(''.join(piece) if new else normalized(''.join(piece)) for new, piece in pieces)


def normalized(text):
    return unicodedata.ucd_3_2_0.normalize('NFKC', text)


def b3(c):
    """Python lower-cases by the Unicode of today. What 3.2 did not have it could not map, nor map to."""
    mapped = tables.b3_exceptions.get(ord(c), c.lower())
    return c if any(map(tables.in_table_a1, c + mapped)) else mapped


def b2(c):
    once = b3(c)
    normal = nfkc(once)
    twice = nfkc(''.join(map(b3, normal)))
    return once if normal == twice else twice


def prohibited(c):
    """By all profiles of XMPP."""
    return any(
        table(c)
        for table in (
            tables.in_table_c12, tables.in_table_c22, tables.in_table_c3, tables.in_table_c4, tables.in_table_c5,
            tables.in_table_c6, tables.in_table_c7, tables.in_table_c8, tables.in_table_c9,
        )
    )


def class_of(c):
    """See server/jid/unicode.ts."""
    if tables.in_table_b1(c):
        return 'Z'
    if tables.in_table_a1(c):
        return 'U'
    if prohibited(c):
        return 'P'
    return 'R' if tables.in_table_d1(c) else 'L' if tables.in_table_d2(c) else 'N'


# Appendices A and B of RFC 6122, and RFC 3491: what is mapped, and what is prohibited besides.
PROFILES = {
    'node': (b2, lambda c: tables.in_table_c11_c12(c) or tables.in_table_c21(c) or c in '"&\'/:<>@'),
    'resource': (lambda c: c, tables.in_table_c21),
    'name': (b2, lambda c: False),
}


def prepare(text, profile, strict):
    mapping, more = PROFILES[profile]
    if strict and any(map(tables.in_table_a1, text)):
        return None
    result = nfkc(''.join('' if tables.in_table_b1(c) else mapping(c) for c in text))
    if result == '' or any(prohibited(c) or more(c) for c in result):
        return None
    if any(map(tables.in_table_d1, result)):
        ends = all(tables.in_table_d1(c) or tables.in_table_a1(c) for c in (result[0], result[-1]))
        if not ends or any(map(tables.in_table_d2, result)):
            return None
    return result


def characters(*ranges):
    return (chr(code) for start, end in ranges for code in range(start, end) if not 0xD800 <= code < 0xE000)


# Marks that compose, move or are unknown; letters of both directions; what is mapped to nothing; parts of Hangul.
NEIGHBOURS = '\u0300\u0301\u0307\u0308\u0327\u0338\u0345\u05b4\u05a2\u3099\u1dc7a5\u05d0\u0750\u00ad\u1161\u11a8'


def strings():
    """Each code point alone; and with neighbours, where Unicode is not all alike."""
    yield from characters((1, 0x30000), (0xE0000, 0xE0200))
    for c in characters((1, 0x3400), (0xA000, 0xA500), (0xF900, 0x11000), (0x1D100, 0x1D800), (0x2F800, 0x2FA20)):
        neighbour = NEIGHBOURS[ord(c) % len(NEIGHBOURS)]
        yield 'e' + c + neighbour
        yield c + neighbour
        yield '\u05d0' + c + neighbour


def digest(profile, strict):
    hashed = hashlib.sha256()
    for text in strings():
        prepared = prepare(text, profile, strict)
        hashed.update(('-' if prepared is None else prepared).encode() + b'\n')
    return hashed.hexdigest()


def report():
    runs, folds, normal = [], {}, {}
    for code in range(0x110000):
        c = chr(code)
        letter = class_of(c)
        if not runs or runs[-1][1] != letter:
            runs.append((code, letter))
        if not tables.in_table_c5(c):
            if b2(c) != c:
                folds[code] = b2(c)
            if nfkc(c) != c:
                normal[code] = nfkc(c)
    digests = {profile: {'allowed': digest(profile, False), 'refused': digest(profile, True)} for profile in PROFILES}
    return {'runs': runs, 'folds': folds, 'nfkc': normal, 'neighbours': NEIGHBOURS, 'digests': digests}


if __name__ == '__main__':
    print(json.dumps(report()))
