"""Token files: what the tokenizer stage writes and training reads.

A token file is a folder of three files. `tokens.bin` holds the tokens of all documents one after
the other, each document closed by the end-of-text token. `documents.npy` says where each document
starts. `index.json` says what the numbers mean, and how many there must be.
"""
