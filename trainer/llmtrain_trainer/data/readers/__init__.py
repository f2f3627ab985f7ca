"""Readers of files and tables: bytes become documents and rows, bad ones are counted."""
