"""Packed sequences: what `prepare` writes and the workers of fine-tuning read.

A folder of four files. `tokens.bin` and `labels.bin` hold a number for each position of all
conversations, one after the other; `layout.npz` says where each conversation starts and which of
them make up each sequence; `index.json` says what the numbers mean.
"""
