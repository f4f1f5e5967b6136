#!/usr/bin/env python3
"""Reduces the token vectors of WordLlama to the table `pieces.safetensors`.

Run once, when the table is to change; every bundle must be trained again after it.
Needs: pip install wordllama==0.4.0.post1 numpy safetensors tokenizers

    python models/pieces/build.py [--dims 64]

What it does: takes the 32,000 x 256 token vectors in the wordllama wheel, keeps the
pieces that a folded text can hold (letters and digits, lower case, NFKC), projects
them on the DIMS directions of greatest second moment, and stores each as 8-bit
steps with one scale per piece. `▁` before a piece means: at the start of a word.
"""

import argparse
import pathlib
import re
import unicodedata

import numpy as np
import wordllama
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

HERE = pathlib.Path(__file__).parent
START = "▁"


def kept(piece: str) -> bool:
    body = piece.removeprefix(START)
    folded = unicodedata.normalize("NFKC", body).casefold()
    return bool(re.fullmatch(r"[^\W_]+", body)) and body == folded


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--dims", type=int, default=64)
    dims = parser.parse_args().dims
    source = pathlib.Path(wordllama.__file__).parent
    (vectors,) = load_file(source / "weights/l2_supercat_256.safetensors").values()
    vocabulary = Tokenizer.from_file(str(source / "tokenizers/l2_supercat_tokenizer_config.json")).get_vocab()
    pieces = sorted(piece for piece in vocabulary if kept(piece))
    rows = vectors.astype(np.float64)[[vocabulary[piece] for piece in pieces]]
    _, directions = np.linalg.eigh(rows.T @ rows)
    rows = rows @ directions[:, ::-1][:, :dims]
    scales = np.abs(rows).max(axis=1) / 127 + 1e-9
    table = {
        "pieces": np.frombuffer("\n".join(pieces).encode(), dtype=np.uint8),
        "scales": scales.astype(np.float32),
        "vectors": np.round(rows / scales[:, None]).astype(np.int8),
    }
    save_file(table, HERE / "pieces.safetensors", metadata={"source": "wordllama 0.4.0.post1 l2_supercat_256, MIT"})
    print(len(pieces), "pieces of", dims, "dimensions")


if __name__ == "__main__":
    main()
