"""Tables of each kind, read where they are whole and refused with the reason where they are not."""

from . import delimited, jsonlines, spreadsheet, unpack

__all__ = ["delimited", "jsonlines", "spreadsheet", "unpack"]
