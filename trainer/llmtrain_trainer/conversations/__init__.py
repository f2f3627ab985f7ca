"""Conversations: their messages, and how a chat template turns them into tokens."""
