"""Token files: what the tokenizer stage writes and training reads.

A token file is a folder of shards. `tokens-000000.bin` holds the tokens of the first documents one
after the other, each document closed by the end-of-text token; `documents-000000.npy` says where
each document starts. `index.json` lists the shards, and says what the numbers mean.
"""
