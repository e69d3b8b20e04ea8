#!/usr/bin/env python3
"""Writes src/base/width_table.h from the Unicode data that Python carries.

Unassigned code points between two of a kind join them: that keeps the table short, and it is what
they will most likely become.
"""
import unicodedata


def is_wide(char):
    return unicodedata.east_asian_width(char) in "WF" and not is_zero(char)


def is_zero(char):
    code = ord(char)
    # Hangul vowels and finals join the syllable before them; these few format characters are drawn.
    if 0x1160 <= code <= 0x11FF or 0xD7B0 <= code <= 0xD7FB:
        return True
    drawn = code == 0xAD or 0x600 <= code <= 0x605 or code in (0x6DD, 0x70F, 0x8E2, 0x110BD, 0x110CD)
    return unicodedata.category(char) in ("Mn", "Me", "Cf", "Zl", "Zp") and not drawn


def ranges(belongs):
    found, start, last = [], None, None
    for code in range(0x80, 0x110000):
        char = chr(code)
        if unicodedata.category(char) in ("Cn", "Cs"):
            continue
        if belongs(char):
            start, last = (code if start is None else start), code
        elif start is not None:
            found.append((start, last))
            start = None
    return found + ([(start, last)] if start is not None else [])


def lines(found):
    row = "   "
    for first, last in found:
        cell = f" {{0x{first:x}, 0x{last:x}}},"
        if len(row) + len(cell) > 98:
            yield row
            row = "   "
        row += cell
    yield row


def table(name, comment, found):
    return "\n".join([f"/// {comment}", f"inline constexpr CodeRange {name}[] = {{", *lines(found), "};"])


print(f"""// Made by tools/width_table.py from Unicode {unicodedata.unidata_version}; do not edit.
#pragma once

namespace interlock {{

struct CodeRange {{
  char32_t first;
  char32_t last;
}};

{table("kWideRanges", "Two columns: East Asian wide and full width, and emoji.", ranges(is_wide))}

{table("kZeroWidthRanges", "No column of their own: combining marks and invisible format characters.", ranges(is_zero))}

}}  // namespace interlock""")
