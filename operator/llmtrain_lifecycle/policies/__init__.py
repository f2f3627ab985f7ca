"""Policies: each file is a pure function with its own table test."""
