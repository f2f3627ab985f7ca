"""Conversions of what the minor version before this one has stored or understands; all pure.

A release keeps the conversions from and to its predecessor alone (`docs/adr/0042-one-minor-version-
back.md`).
"""
